"""Policies: which shares are a quorum.

A policy is `threshold` of `groups`, each group a threshold of so many shares. Plain "k of n" is one group.
A group of one share holds its group's part itself; "1 of n" with n > 1 would hand everyone the whole and is
refused, for shares in a group as for groups in a policy.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Self

from escrow.errors import PolicyError

MAX_SHARES = 255


class Position(NamedTuple):
    """Where a share stands in a policy: the number of its group and its number in the group, both from 1."""

    group: int
    x: int


def check_threshold(k: int, n: int, what: str) -> None:
    """Raise PolicyError unless 2 <= k <= n <= 255, or k = n = 1."""
    if not 1 <= n <= MAX_SHARES:
        message = f"{n} {what} cannot be made: the number must lie between 1 and {MAX_SHARES}."
        raise PolicyError(message)
    if not 1 <= k <= n:
        message = f"A threshold of {k} cannot be met by {n} {what}: it must lie between {min(2, n)} and {n}."
        raise PolicyError(message)
    if k == 1 and n > 1:
        message = (
            f"A threshold of 1 with {n} {what} would give each of them the whole secret: "
            "choose a threshold of 2 or more."
        )
        raise PolicyError(message)


@dataclass(frozen=True)
class Group:
    """`threshold` of `shares`."""

    threshold: int
    shares: int


@dataclass(frozen=True)
class Policy:
    """`threshold` of `groups`. Raises PolicyError when made of what cannot be split."""

    threshold: int
    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        check_threshold(self.threshold, len(self.groups), "groups")
        for group in self.groups:
            check_threshold(group.threshold, group.shares, "shares")
        if len(self.groups) == 1 and self.groups[0].shares == 1:
            message = "One share alone would be the whole secret: make two or more."
            raise PolicyError(message)

    @classmethod
    def plain(cls, k: int, n: int) -> Self:
        """Plain k of n, where k is 2 or more: with one share alone there is nothing to split."""
        if k == 1:
            message = "A threshold of 1 protects nothing: choose a threshold of 2 or more."
            raise PolicyError(message)
        return cls(1, (Group(k, n),))

    @property
    def positions(self) -> tuple[Position, ...]:
        """Every share's position, in order."""
        return tuple(Position(g, x) for g, group in enumerate(self.groups, 1) for x in range(1, group.shares + 1))

    def name_of(self, position: Position) -> str:
        """A share as people call it: "2", or "2 of group 1" where there are several groups.

        Any position has a name, also one that the policy does not have: wrong shares are named, too.
        """
        return f"{position.x} of group {position.group}" if len(self.groups) > 1 else str(position.x)

    def names_of(self, positions: Iterable[Position]) -> str:
        """The names of shares, in order: "1, 2 and 4", or "1 and 2 of group 1, 4 of group 2"."""
        by_group = [list(members) for _, members in groupby(sorted(positions), key=lambda position: position.group)]
        return ", ".join(
            and_list([*(str(p.x) for p in members[:-1]), self.name_of(members[-1])]) for members in by_group
        )

    def short_name_of(self, position: Position) -> str:
        """A share in the name of a file, and where people type or write one: "2", or "1-2" for share 2 of group 1."""
        return f"{position.group}-{position.x}" if len(self.groups) > 1 else str(position.x)

    def threshold_of(self, group: int) -> int:
        """The threshold of the group with this number."""
        return self.groups[group - 1].threshold

    def missing(self, present: Collection[Position]) -> int:
        """How many more shares, chosen as well as can be, would complete a quorum."""
        have = Counter(position.group for position in set(present))
        lacking = sorted(max(0, group.threshold - have[g]) for g, group in enumerate(self.groups, 1))
        return sum(lacking[: self.threshold])

    def choose(self, present: Iterable[Position]) -> tuple[Position, ...]:
        """Pick exactly a quorum from what is present: the first complete groups, the first shares of each.

        The caller has made sure that `missing` is 0.
        """
        ordered = sorted(set(present))
        members = {g: [p for p in ordered if p.group == g] for g in range(1, len(self.groups) + 1)}
        complete = [g for g, found in members.items() if len(found) >= self.threshold_of(g)]
        return tuple(p for g in complete[: self.threshold] for p in members[g][: self.threshold_of(g)])

    def __str__(self) -> str:
        parts = [f"{group.threshold} of {group.shares}" for group in self.groups]
        if len(parts) == 1:
            return parts[0]
        return f"{self.threshold} of {len(parts)} groups ({', '.join(parts)})"


def and_list(words: Sequence[str]) -> str:
    """Words as a sentence has them: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
