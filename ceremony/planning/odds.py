"""What a plan can bear: what loss costs in the course of years, and how few together hold a quorum."""

import itertools
import math
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from ceremony.planning.plan import Plan
from escrow.policy import Group, Policy, Position

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
    to_break = sorted(group.shares - group.threshold + 1 for group in policy.groups)
    return sum(to_break[: len(policy.groups) - policy.threshold + 1]) - 1


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
    broken = [1.0]  # broken[j]: that j of the groups so far are incomplete
    for group in policy.groups:
        p = _incomplete(group, kept)
        broken = [a * (1 - p) + b * p for a, b in zip([*broken, 0.0], [0.0, *broken], strict=True)]
    return math.fsum(broken[len(policy.groups) - policy.threshold + 1 :])


def _incomplete(group: Group, kept: float) -> float:
    return math.fsum(
        math.comb(group.shares, left) * kept**left * (1 - kept) ** (group.shares - left)
        for left in range(group.threshold)
    )


def _greedy(policy: Policy, holdings: Collection[frozenset[Position]]) -> int:
    """A number of holders that is enough: each the one who brings a quorum nearest."""
    have: frozenset[Position] = frozenset()
    number = 0
    while policy.missing(have):
        have |= min(holdings, key=lambda held: policy.missing(have | held))
        number += 1
    return number
