"""What a plan can bear: what loss costs in the course of years, and how few together hold a quorum."""

import itertools
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ceremony.planning.plan import Plan
from escrow.policy import Policy, Position

Holder = Literal["manager", "unit", "site"]

_TRIED = 20_000  # combinations of holders of one size; more are not worth the wait


def below_quorum(policy: Policy, loss: float, years: int, *, repaired: bool) -> float:
    """The probability that within `years` fewer shares than a quorum are left, once at least. Exact.

    Each share is lost by itself with the probability `loss` a year. If losses are `repaired`, all shares are there
    again after each year; if nobody looks, what is lost stays lost.
    """
    if repaired:
        return 1 - (1 - _fails(policy, 1 - loss)) ** years
    return _fails(policy, (1 - loss) ** years)


def spares(policy: Policy) -> int:
    """How many shares may be lost, whichever they are, and a quorum is left."""
    return spares_of(policy, policy.positions)


def spares_of(policy: Policy, present: Collection[Position]) -> int:
    """How many of these shares may be lost, whichever they are; below 0, how many more a quorum needs."""
    if missing := policy.missing(present):
        return -missing
    have = Counter(position.group for position in set(present))
    to_break = sorted(max(0, have[g] - group.threshold + 1) for g, group in enumerate(policy.groups, 1))
    return sum(to_break[: len(policy.groups) - policy.threshold + 1]) - 1


def left_below_quorum(policy: Policy, present: Collection[Position], loss: float) -> float:
    """The probability that after a year these shares are no quorum, each lost by itself with the probability `loss`."""
    have = Counter(position.group for position in set(present))
    return _broken(
        policy, [_incomplete(group.threshold, have[g], 1 - loss) for g, group in enumerate(policy.groups, 1)]
    )


def put_together(policy: Policy, people: Collection[tuple[Position, Sequence[str]]], betrayal: float) -> float | None:
    """The probability that those who misuse what they have or had hold a quorum; each does with the same probability.

    `people` are all who had each share. Exact, also where one person had several; None if that takes too long.
    """
    had: dict[str, set[Position]] = {}
    for position, names in people:
        for name in names:
            had.setdefault(person(name), set()).add(position)
    # A state: how many shares of each group are known, and which of those that somebody later may bring once more.
    states = {((0,) * len(policy.groups), frozenset[Position]()): 1.0}
    turns = list(had.values())
    for number, positions in enumerate(turns):
        later = frozenset().union(*turns[number + 1 :])
        following: dict[tuple[tuple[int, ...], frozenset[Position]], float] = defaultdict(float)
        for (counts, again), probability in states.items():
            brought = Counter(position.group for position in positions - again)
            more = tuple(count + brought[group] for group, count in enumerate(counts, 1))
            following[counts, again & later] += probability * (1 - betrayal)
            following[more, (again | positions) & later] += probability * betrayal
        if len(following) > _TRIED:
            return None
        states = following
    return math.fsum(probability for (counts, _), probability in states.items() if _is_quorum(policy, counts))


def _is_quorum(policy: Policy, counts: Sequence[int]) -> bool:
    complete = [count >= group.threshold for count, group in zip(counts, policy.groups, strict=True)]
    return sum(complete) >= policy.threshold


@dataclass(frozen=True)
class Fewest:
    """The smallest number of holders who together hold a quorum; if it is not `exact`, it may be smaller still."""

    number: int
    exact: bool


def fewest(policy: Policy, holdings: Collection[frozenset[Position]]) -> Fewest:
    """How few of the holders together hold a quorum. Raises ValueError if not even all of them do."""
    if policy.missing(frozenset().union(*holdings)):
        message = "All these holders together hold no quorum."
        raise ValueError(message)
    sizes = sorted(map(len, holdings), reverse=True)
    at_least = next(n for n, held in enumerate(itertools.accumulate(sizes), 1) if held >= policy.missing(()))
    enough = _greedy(policy, holdings)
    for number in range(at_least, enough):
        if math.comb(len(holdings), number) > _TRIED:
            return Fewest(enough, exact=False)
        for some in itertools.combinations(holdings, number):
            if not policy.missing(frozenset().union(*some)):
                return Fewest(number, exact=True)
    return Fewest(enough, exact=True)


def holdings(plan: Plan, by: Holder) -> Mapping[str, frozenset[Position]]:
    """What each manager, unit or site holds, by its name. A manager's own share is among what he or she holds."""
    names: dict[str, str] = {}
    held: dict[str, set[Position]] = {}
    shares = list(zip(plan.policy.positions, plan.custodians, strict=True))
    for position, custodian in shares:
        name = str(getattr(custodian, by))
        held.setdefault(names.setdefault(person(name), name), set()).add(position)
    if by == "manager":
        for position, custodian in shares:
            if person(custodian.name) in names:
                held[names[person(custodian.name)]].add(position)
    return {name: frozenset(positions) for name, positions in held.items()}


def person(name: str) -> str:
    """The name without what does not tell people apart: letter case, spaces, ways to write one letter."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def _fails(policy: Policy, kept: float) -> float:
    """The probability that there is no quorum, if each share is there with the probability `kept`."""
    return _broken(policy, [_incomplete(group.threshold, group.shares, kept) for group in policy.groups])


def _broken(policy: Policy, incomplete: Sequence[float]) -> float:
    """The probability that too few groups are complete, from that of each one to be incomplete."""
    broken = [1.0]  # broken[j]: that j of the groups so far are incomplete
    for p in incomplete:
        broken = [a * (1 - p) + b * p for a, b in zip([*broken, 0.0], [0.0, *broken], strict=True)]
    return math.fsum(broken[len(policy.groups) - policy.threshold + 1 :])


def _incomplete(threshold: int, shares: int, kept: float) -> float:
    """The probability that fewer than the threshold are there of so many shares."""
    return math.fsum(
        math.comb(shares, left) * kept**left * (1 - kept) ** (shares - left)
        for left in range(min(threshold, shares + 1))
    )


def _greedy(policy: Policy, holdings: Collection[frozenset[Position]]) -> int:
    """A number of holders that is enough: each the one who brings a quorum nearest."""
    have: frozenset[Position] = frozenset()
    number = 0
    while policy.missing(have):
        have |= min(holdings, key=lambda held: policy.missing(have | held))
        number += 1
    return number
