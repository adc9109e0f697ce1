"""What a custody journal comes to: sets, shares and copies, with all that ever happened to them.

Everything is public. Dates are days, of the place where the thing happened.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from escrow.policy import Policy, Position


class Status(Enum):
    """What became of a sheet, or of a copy."""

    HELD = "held"
    LOST = "lost"
    EXPOSED = "exposed"
    DESTROYED = "destroyed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Holder:
    """Who keeps a share: to whom they report, of which unit they are, where the share lies, who may fetch it."""

    name: str
    manager: str
    unit: str
    site: str
    deputy: str = ""


@dataclass(frozen=True)
class Held:
    """One share: who has it and who had it, in which bag it is, and when it was last seen to be there."""

    position: Position
    label: str
    """The text of the label's public code."""
    holder: Holder
    bag: str
    attested: dt.date
    how: str
    status: Status = Status.HELD
    since: dt.date | None = None
    """Since when the status is what it is, unless it always was."""
    reason: str = ""
    previous: tuple[Holder, ...] = ()
    strays: int = 0
    """Sheets of this share that were lost, and may turn up: the share was made again since."""
    seen: bool = False
    """Whether somebody saw it, ever. Nothing that becomes of the sheet takes that back."""
    unusable: bool = False
    """Whether the sheet in the bag was read in a drill and found to be no good: it is no part of any quorum."""

    @property
    def is_there(self) -> bool:
        """Whether it is known where its sheet is. One that somebody saw is still good for a recovery."""
        return self.status in {Status.HELD, Status.EXPOSED}

    @property
    def in_unknown_hands(self) -> bool:
        """Whether somebody whom nobody knows may have the share: it was seen, or a sheet of it is lost."""
        return self.seen or bool(self.strays) or self.status is Status.LOST

    @property
    def everybody(self) -> tuple[str, ...]:
        """Whoever holds the share or ever did, each once."""
        return tuple(dict.fromkeys(holder.name for holder in (self.holder, *self.previous)))


@dataclass(frozen=True)
class Copy:
    """A copy of the package or of the archive."""

    of: str
    site: str
    medium: str
    read: dt.date
    """When it was last read back."""
    status: Status = Status.HELD
    since: dt.date | None = None
    reason: str = ""


@dataclass(frozen=True)
class Expiry:
    """A certificate or CRL of the CA, and the last day on which it counts."""

    what: str
    last: dt.date


@dataclass(frozen=True)
class Drill:
    """A drill that was held."""

    level: str
    on: dt.date
    passed: bool
    minutes: float
    shares: tuple[Position, ...]


@dataclass(frozen=True)
class Archived:
    """The archive of a ceremony that was held with the set since it was made."""

    ceremony: str
    what: str
    """What was done: "CRL", "share 2 made again", "drill T2"."""
    ended: str
    """When, in UTC, as its journal's last line says."""
    archive: str
    """SHA-256 of the archive's list, in hex."""
    signed: bool = False
    """Whether something was issued or revoked in it, which only this archive and later ones know."""


@dataclass(frozen=True)
class ShareSet:
    """One set: its policy, its shares by position, its copies, the CA's certificates, its drills."""

    set_id: bytes
    ca: str
    kind: str
    epoch: int
    ceremony: str
    created: dt.date
    policy: Policy
    groups: tuple[str, ...]
    package: str
    """SHA-256 of the package, in hex."""
    archive: str
    """SHA-256 of the archive's list, in hex."""
    shares: Mapping[Position, Held]
    copies: tuple[Copy, ...]
    expiries: tuple[Expiry, ...]
    drills: tuple[Drill, ...] = ()
    archives: tuple[Archived, ...] = ()
    """In the order in which they were entered."""
    superseded: dt.date | None = None

    @property
    def packages(self) -> tuple[Copy, ...]:
        """The copies of the package that are there."""
        return tuple(copy for copy in self.copies if copy.of == "package" and copy.status is Status.HELD)

    def holding(self, *statuses: Status) -> tuple[Position, ...]:
        """The positions of shares with one of these statuses."""
        return tuple(position for position, held in self.shares.items() if held.status in statuses)


@dataclass(frozen=True)
class Register:
    """All sets of one CA, by set id in hex, the oldest first."""

    sets: Mapping[str, ShareSet] = field(default_factory=dict)
    bags: frozenset[str] = frozenset()
    """Every bag that was ever used."""

    @property
    def current(self) -> ShareSet | None:
        """The set that counts: the last one that no other superseded."""
        return next((each for each in reversed(list(self.sets.values())) if not each.superseded), None)

    def older(self) -> Iterator[ShareSet]:
        """The sets that were superseded."""
        return (each for each in self.sets.values() if each.superseded)
