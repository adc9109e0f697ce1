"""What a register means on a day: how many shares may still go, what is due, what could be lost or put together.

Only what was attested within ATTESTED counts for the margin: a sheet that nobody has looked at is not known to be
there.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum

from ceremony.custody.register import Held, Register, ShareSet, Status
from ceremony.planning.odds import left_below_quorum, person, put_together, spares_of
from escrow.policy import Position

ATTESTED = dt.timedelta(days=365)
"""An attestation counts for a year."""
DRILLED = dt.timedelta(days=365)
FIRST_DRILL = dt.timedelta(days=182)
READ = dt.timedelta(days=2 * 365)
"""A copy of the package is read back every two years."""
EXPIRES_SOON = dt.timedelta(days=90)

_NEW_SET = (
    "Make a new set: 'escrow init --for refresh', 'escrow refresh'. It is no revocation: who may have the keys is met "
    "by new keys."
)

_REISSUE = (
    "What was never seen is made again: 'escrow init --for reissue', 'escrow reissue'. What was seen needs a new set."
)

LOSS = 0.05
"""Assumed: the probability, a year, that a share is lost, each by itself."""
BETRAYAL = 0.01
"""Assumed: the probability that somebody who has or had a sheet would misuse it, each by themselves."""


class Severity(IntEnum):
    """How bad a matter is; the values are the exit statuses of a monitoring plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True)
class Matter:
    """Something that somebody should do something about."""

    severity: Severity
    id: str
    text: str
    remedy: str


@dataclass(frozen=True)
class Standing:
    """What is so on a day, of the set that counts."""

    at: ShareSet
    today: dt.date
    attested: tuple[Position, ...]
    overdue: tuple[Position, ...]
    margin: int
    """How many of the attested shares may go, whichever they are, and a quorum is left; below 0 so many are missing."""
    drill_due: dt.date
    below_quorum: float
    """The probability that in a year fewer than a quorum is left, by LOSS, from the shares that are attested now."""
    together: float | None
    """The probability that those who would misuse a sheet have a quorum, by BETRAYAL; None if that is too much work."""
    matters: tuple[Matter, ...]

    @property
    def severity(self) -> Severity:
        """The worst of the matters."""
        return max((matter.severity for matter in self.matters), default=Severity.OK)


def standing(register: Register, today: dt.date) -> Standing | None:
    """How the set that counts stands on a day; None if the register has none."""
    at = register.current
    if not at:
        return None
    held = at.holding(Status.HELD)
    attested = tuple(p for p in held if today <= due(at.shares[p]) and not at.shares[p].unusable)
    overdue = tuple(position for position in held if due(at.shares[position]) < today)
    margin = spares_of(at.policy, attested)
    drill_due = _drill_due(at)
    people = [(position, at.shares[position].everybody) for position in at.policy.positions]
    return Standing(
        at=at,
        today=today,
        attested=attested,
        overdue=overdue,
        margin=margin,
        drill_due=drill_due,
        below_quorum=left_below_quorum(at.policy, attested, LOSS),
        together=put_together(at.policy, people, BETRAYAL),
        matters=tuple(_matters(register, at, today, overdue, margin, drill_due)),
    )


def due(held: Held) -> dt.date:
    """The last day on which the last attestation counts."""
    return held.attested + ATTESTED


def who_could_still(at: ShareSet) -> tuple[str, ...]:
    """Everybody who has or had a share of a set that may still be known, if together they could open its package.

    Empty if they could not: too few sheets are left that nobody saw, or no copy is. An archive has the package in it,
    also that of each later ceremony, whose copies the register does not count: while there is one, there is a package.
    """
    left = [held for held in at.shares.values() if held.status is not Status.DESTROYED or held.in_unknown_hands]
    copies = [copy for copy in at.copies if copy.status is not Status.DESTROYED]
    if not (copies or at.archives) or at.policy.missing([held.position for held in left]):
        return ()
    return tuple(dict.fromkeys(name for held in left for name in held.everybody))


def undestroyed(at: ShareSet) -> str:
    """What of a superseded set is known to be there, and can be destroyed: sheets, copies of its package. In words.

    Copies of the archive stay: they are the record. The package is in them as well, so the sheets are what counts.
    """
    sheets = at.holding(Status.HELD, Status.EXPOSED, Status.SUPERSEDED)
    copies = [
        f"copy-{number} ({copy.site})"
        for number, copy in enumerate(at.copies, 1)
        if copy.of == "package" and copy.status is Status.HELD
    ]
    shares = [f"the sheet of share {at.policy.names_of(sheets)}"] if sheets else []
    return "; ".join([*shares, *copies])


def _drill_due(at: ShareSet) -> dt.date:
    passed = [drill.on for drill in at.drills if drill.passed]
    return max(passed) + DRILLED if passed else at.created + FIRST_DRILL


def _matters(  # noqa: PLR0913, PLR0917 - a set, a day, and what follows
    register: Register, at: ShareSet, today: dt.date, overdue: Collection[Position], margin: int, drill_due: dt.date
) -> Iterator[Matter]:
    yield from _of_margin(at, margin)
    yield from _of_shares(at, overdue)
    yield from _of_holders(at)
    yield from _of_copies(at, today)
    if drill_due < today:
        text = f"a drill was due on {drill_due}."
        yield Matter(Severity.WARNING, "drill-due", text, "Hold one: 'escrow drill'.")
    for expiry in at.expiries:
        yield from _of_expiry(expiry.what, expiry.last, today)
    for older in register.older():
        yield from _of_older(older)


def _of_older(at: ShareSet) -> Iterator[Matter]:
    """What is left of a set that was superseded, until nothing is; and who could still open its package."""
    people, left = who_could_still(at), undestroyed(at)
    if not people and not left:
        return
    text = f"set {at.set_id.hex()[:8]} was superseded on {at.superseded}"
    if left:
        text += f", and is not destroyed yet: {left}"
    if people:
        text += f". Together {', '.join(people)} could still open its package"
    if left:
        remedy = f"Have it destroyed, before witnesses: 'escrow destroy REGISTER WHAT --set {at.set_id.hex()[:8]}'."
    else:
        remedy = "Look for the sheets that are lost. Until they are found and destroyed, only new keys end this."
    yield Matter(Severity.WARNING, "old-set-left", f"{text}.", remedy)


def _of_margin(at: ShareSet, margin: int) -> Iterator[Matter]:
    if margin < 0:
        text = f"{-margin} more attested {'share is' if margin == -1 else 'shares are'} needed for a quorum."
        remedy = "Have every custodian show the bag today: 'escrow attest'. What is missing then is lost."
        yield Matter(Severity.CRITICAL, "no-quorum", text, remedy)
    elif margin == 0:
        text = "if one more share goes, the CA cannot be restored."
        yield Matter(Severity.WARNING, "no-margin", text, _REISSUE)
    if not at.packages:
        text = "no copy of the package is left: shares alone restore nothing."
        yield Matter(Severity.CRITICAL, "no-package", text, "Seal the CA again while it runs, and keep several copies.")


def _of_shares(at: ShareSet, overdue: Collection[Position]) -> Iterator[Matter]:
    name = at.policy.names_of
    if overdue:
        text = f"nobody has looked after the bag of share {name(overdue)} for a year."
        yield Matter(Severity.WARNING, "attestation-overdue", text, "Have the bag shown: 'escrow attest'.")
    if lost := at.holding(Status.LOST, Status.DESTROYED):
        text = f"share {name(lost)} is not there any more."
        yield Matter(Severity.WARNING, "share-lost", text, _REISSUE)
    if unusable := [position for position in at.holding(Status.HELD) if at.shares[position].unusable]:
        text = f"the sheet of share {name(unusable)} was read in a drill, and cannot be used."
        remedy = "Read it once more in a drill T2, or have it destroyed ('escrow destroy') and the share made again."
        yield Matter(Severity.WARNING, "sheet-unusable", text, remedy)
    if exposed := at.holding(Status.EXPOSED):
        text = f"somebody saw share {name(exposed)}."
        yield Matter(Severity.WARNING, "share-exposed", text, _NEW_SET)
    yield from _of_unknown_hands(at)


def _of_holders(at: ShareSet) -> Iterator[Matter]:
    """One person with several shares is nearer to the keys than the policy means."""
    held: dict[str, tuple[str, list[Position]]] = {}
    for position in at.holding(Status.HELD):
        name = at.shares[position].holder.name
        held.setdefault(person(name), (name, []))[1].append(position)
    for name, positions in held.values():
        if len(positions) > 1:
            quorum = at.policy.missing(positions) == 0
            text = f"{name} holds shares {at.policy.names_of(positions)}{', which are a quorum' if quorum else ''}."
            severity = Severity.CRITICAL if quorum else Severity.WARNING
            yield Matter(severity, "several-shares", text, "Hand one over to another custodian: 'escrow hand-over'.")


def _of_unknown_hands(at: ShareSet) -> Iterator[Matter]:
    """What was seen, what is lost, and what was lost before its share was made again, count together."""
    unknown = [position for position, held in at.shares.items() if held.in_unknown_hands]
    text = f"of share {at.policy.names_of(unknown)}, seen or lost, a copy may be in unknown hands"
    if unknown and (missing := at.policy.missing(unknown)) <= 1:
        if missing:
            yield Matter(Severity.WARNING, "nearly-a-quorum", f"{text}: one more, and it is a quorum.", _NEW_SET)
        else:
            remedy = "With a copy of the package they are the CA. Make a new set, and new keys for the CA."
            yield Matter(Severity.CRITICAL, "quorum-in-unknown-hands", f"{text}: they are a quorum.", remedy)


def _of_copies(at: ShareSet, today: dt.date) -> Iterator[Matter]:
    for number, copy in enumerate(at.copies, 1):
        if copy.status is Status.LOST:
            text = f"copy {number} of the {copy.of}, {copy.site}, is lost."
            yield Matter(Severity.WARNING, "copy-lost", text, "Make another from one that is left.")
        elif copy.status is Status.HELD and copy.read + READ < today:
            text = f"copy {number} of the {copy.of}, {copy.site}, was last read on {copy.read}."
            remedy = f"Read it ('escrow inspect', 'escrow audit'), and note it: 'escrow report {number} read'."
            yield Matter(Severity.WARNING, "copy-not-read", text, remedy)
    if len(at.packages) == 1:
        text = "there is one copy of the package left."
        yield Matter(Severity.WARNING, "one-package", text, "Make another: a single copy is no copy.")


def _of_expiry(what: str, last: dt.date, today: dt.date) -> Iterator[Matter]:
    if last < today:
        yield Matter(Severity.CRITICAL, "expired", f"{what} ended on {last}.", "Have a new one issued.")
    elif last - EXPIRES_SOON < today:
        text = f"{what} ends on {last}."
        yield Matter(Severity.WARNING, "expires-soon", text, "Have a new one issued in good time.")
