"""Where a ceremony is: what the fold of its journal's entries says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from ceremony.rules.loss import Rule
from ceremony.rules.steps import Step
from escrow.policy import Position

TOUCHES = ("confidentiality", "integrity", "availability")
ABORT = "abort"
DISPOSITIONS = ("accepted", "mended", ABORT)
"""What may become of an exception; the last only while the ceremony is being aborted."""


class Phase(Enum):
    """Where a ceremony is, in a word."""

    NOT_BEGUN = "not begun"
    PREPARING = "preparing"
    OPEN = "open"
    KEYS_MADE = "keys made, not sealed"
    SEALED = "sealed, sheets being made"
    PROVED = "quorum proved"
    DRAFTED = "drafted, not signed"
    UNLOCKED = "root key in memory"
    ISSUED = "signed"
    DRILLING = "drill under way"
    JUDGED = "drill judged"
    REISSUING = "share being made again"
    RECOVERING = "recovery under way"
    RESTORED = "restored"
    SUPERSEDED = "old set superseded"
    ZEROIZED = "zeroized"
    ABORTING = "aborting"
    CLOSED = "closed"
    ABORTED = "aborted"


@dataclass(frozen=True)
class Incident:
    """An exception: something that went otherwise than the script says.

    Settled when it has one of the DISPOSITIONS, and a sentence that says why. One that the rules found, a loss, has its
    `rule` instead of words of people: `wording` knows what is said of it.
    """

    expected: str
    happened: str
    done: str
    touches: tuple[str, ...]
    step: str | None
    disposition: str | None = None
    reason: str = ""
    rule: Rule | None = None


@dataclass(frozen=True)
class State:
    """What the journal says: which steps are done (with what they found), what is in memory, what is owed."""

    plan: str = ""
    kind: str = ""
    sessions: int = 0
    attempt: int = 1
    done: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    begun: str | None = None
    held: frozenset[str] = frozenset()
    printed: frozenset[Position] = frozenset()
    """Shares of which a sheet may exist, also a spoilt one."""
    papers: bool = False
    """Whether labels, receipts and the like of a set that was sealed may exist."""
    bagged: frozenset[Position] = frozenset()
    """Shares of this set whose sheet had a bag, which used its label up."""
    opened: frozenset[Position] = frozenset()
    """Shares whose sheet was taken out of its bag to be read: each goes into a new one."""
    bags: Mapping[str, Position] = field(default_factory=dict)
    """Every bag that was ever used, by its number."""
    old_bags: Mapping[str, Position] = field(default_factory=dict)
    """In a refresh: the bags that sheets of the set before were put into, by number."""
    owed: Step | None = None
    losses: tuple[Rule, ...] = ()
    void_sets: tuple[str, ...] = ()
    never_use: tuple[str, ...] = ()
    incidents: tuple[Incident, ...] = ()
    aborting: bool = False
    abort_reason: str = ""
    ended: bool = False

    @property
    def phase(self) -> Phase:
        """The named state."""
        if self.ended:
            return Phase.ABORTED if self.aborting else Phase.CLOSED
        if self.aborting:
            return Phase.ABORTING
        reached = [
            ("judge", Phase.JUDGED),
            ("zeroize", Phase.ZEROIZED),
            ("wipe", Phase.ZEROIZED),
            ("restore", Phase.RESTORED),
            ("supersede", Phase.SUPERSEDED),
            ("issue", Phase.ISSUED),
            ("unlock", Phase.UNLOCKED),
            ("draft", Phase.DRAFTED),
            ("quorum", Phase.PROVED),
            ("seal", Phase.SEALED),
            ("keys", Phase.KEYS_MADE),
            ("take-keys", Phase.KEYS_MADE),
            ("brief", Phase.DRILLING),
            ("lost", Phase.REISSUING),
            ("called", Phase.RECOVERING),
            ("open", Phase.OPEN),
        ]
        before = Phase.PREPARING if self.sessions else Phase.NOT_BEGUN
        return next((phase for name, phase in reached if name in self.done), before)

    @property
    def came_out(self) -> bool:
        """Whether paper of a set that was sealed may exist."""
        return self.papers or bool(self.printed)

    @property
    def open_incidents(self) -> tuple[int, ...]:
        """The numbers, from 1, of exceptions without a disposition."""
        return tuple(number for number, one in enumerate(self.incidents, 1) if one.disposition is None)


def with_incident(state: State, found: Incident) -> State:
    """Add an exception. Settling comes again, if it was done."""
    done = {name: facts for name, facts in state.done.items() if name != "settle"}
    return replace(state, incidents=(*state.incidents, found), done=done)


def numbers_text(numbers: Iterable[int]) -> str:
    """Numbers as people read them."""
    return ", ".join(map(str, numbers))
