"""What the register comes to, in words: for people, for programs, for a monitoring plugin."""

import datetime as dt
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ceremony import spoken
from ceremony.custody import status as status_of
from ceremony.custody.book import Book
from ceremony.custody.register import ShareSet, Status
from ceremony.custody.status import BETRAYAL, LOSS, Severity, Standing, due
from ceremony.rules.steps import position_of
from escrow.label import Label, set_words, share_words
from escrow.policy import Position

_WIDTH, _LABEL = 80, 11
_SMALL = 0.0001
_NEW = "'escrow refresh' makes a new set"


def status(found: Standing) -> Iterator[str]:
    """How the current set stands, for people."""
    at = found.at
    yield from _field("CA", f"{at.ca} ({at.kind}, epoch {at.epoch}, ceremony {at.ceremony} of {at.created})")
    yield from _field("Set", f"{at.set_id.hex()[:16].upper()}  {set_words(at.set_id)}")
    yield from _field("Quorum", summary(found))
    yield ""
    for position, held in at.shares.items():
        bag = f"bag {held.bag}, " if held.status in {Status.HELD, Status.EXPOSED} else ""
        since = f" since {held.since}" if held.since and held.status is not Status.HELD else ""
        next_due = f", next due {due(held)}" if held.status is Status.HELD else ""
        late = " OVERDUE" if position in found.overdue else ""
        late += " UNUSABLE" if held.unusable else ""
        text = (
            f"{held.status.value}{since}, {held.holder.name}, {held.holder.site}, {bag}"
            f"attested {held.attested} ({held.how}){next_due}{late}"
        )
        yield from _field(f"Share {at.policy.short_name_of(position)}", text)
    for number, copy in enumerate(at.copies, 1):
        yield from _field(f"copy-{number}", f"{copy.status.value}, {copy.of}, {copy.site}, read back {copy.read}")
    for expiry in at.expiries:
        yield from _field("Ends", f"{expiry.last}, {expiry.what}")
    yield from _field("Drill", f"{_last_drill(found)}due on {found.drill_due}")
    yield from _field("Loss", _loss(found))
    yield from _field("Collusion", _collusion(found))
    yield ""
    if not found.matters:
        yield "There is nothing to do."
    for matter in found.matters:
        yield from _field(matter.severity.name, f"{matter.id}: {matter.text}")
        yield from _field("  do", matter.remedy)


def summary(found: Standing) -> str:
    """The margin in one line."""
    at = found.at
    parts = [
        f"{at.policy} needed",
        f"{len(found.attested)} attested within 12 months",
        *([f"{len(found.overdue)} overdue"] if found.overdue else []),
        *(
            f"{len(at.holding(status))} {status.value}"
            for status in (Status.LOST, Status.EXPOSED, Status.DESTROYED)
            if at.holding(status)
        ),
        f"margin {found.margin}" if found.margin >= 0 else f"{-found.margin} MISSING",
    ]
    return ", ".join(parts)


def nagios(found: Standing) -> Iterator[str]:
    """One line of a monitoring plugin, with its performance data, and more lines for what is the matter."""
    at = found.at
    counts = f"attested={len(found.attested)} overdue={len(found.overdue)} margin={found.margin}"
    yield f"ESCROW {found.severity.name} - {at.ca}: {summary(found)} | {counts}"
    yield from (f"{matter.severity.name} {matter.id}: {matter.text}" for matter in found.matters)


def metrics(found: Standing) -> Iterator[str]:
    """Metrics in Prometheus' text format; times are seconds since 1970, of midnight UTC."""
    at = found.at
    of = f'ca={_quoted(at.ca)},set="{at.set_id.hex()[:16]}"'
    yield from _metric("escrow_quorum_margin", "Attested shares that may be lost, and a quorum is left.")
    yield f"escrow_quorum_margin{{{of}}} {found.margin}"
    yield from _metric("escrow_shares", "Shares by what became of them.")
    for status in Status:
        yield f'escrow_shares{{{of},status="{status.value}"}} {len(at.holding(status))}'
    yield from _metric("escrow_shares_attested", "Shares that were attested within a year.")
    yield f"escrow_shares_attested{{{of}}} {len(found.attested)}"
    yield from _metric("escrow_attestation_due_seconds", "When the attestation of a share is due.")
    for position in at.holding(Status.HELD):
        share = at.policy.short_name_of(position)
        yield f'escrow_attestation_due_seconds{{{of},share="{share}"}} {_seconds(due(at.shares[position]))}'
    yield from _metric("escrow_drill_due_seconds", "When a drill is due.")
    yield f"escrow_drill_due_seconds{{{of}}} {_seconds(found.drill_due)}"
    yield from _metric("escrow_package_copies", "Copies of the package that are there.")
    yield f"escrow_package_copies{{{of}}} {len(at.packages)}"
    yield from _metric("escrow_expiry_seconds", "When a certificate or CRL of the CA ends.")
    for expiry in at.expiries:
        yield f"escrow_expiry_seconds{{{of},what={_quoted(expiry.what)}}} {_seconds(expiry.last)}"
    yield from _metric("escrow_matters", "What there is to do, by severity.")
    for severity in (Severity.WARNING, Severity.CRITICAL):
        number = sum(matter.severity is severity for matter in found.matters)
        yield f'escrow_matters{{{of},severity="{severity.name.lower()}"}} {number}'


def as_json(found: Standing) -> dict[str, Any]:
    """All of it for programs."""
    at = found.at
    return {
        "ca": at.ca,
        "kind": at.kind,
        "set_id": at.set_id.hex(),
        "epoch": at.epoch,
        "policy": str(at.policy),
        "as_of": found.today.isoformat(),
        "severity": found.severity.name.lower(),
        "margin": found.margin,
        "attested": [at.policy.short_name_of(position) for position in found.attested],
        "overdue": [at.policy.short_name_of(position) for position in found.overdue],
        "shares": [
            {
                "share": at.policy.short_name_of(position),
                "status": held.status.value,
                "holder": held.holder.name,
                "site": held.holder.site,
                "bag": held.bag,
                "attested": held.attested.isoformat(),
                "due": due(held).isoformat(),
                "previous_holders": [holder.name for holder in held.previous],
            }
            for position, held in at.shares.items()
        ],
        "copies": [{"of": copy.of, "site": copy.site, "status": copy.status.value} for copy in at.copies],
        "expiries": [{"what": expiry.what, "last": expiry.last.isoformat()} for expiry in at.expiries],
        "drill_due": found.drill_due.isoformat(),
        "below_quorum_in_a_year": found.below_quorum,
        "together": found.together,
        "assumed": {"loss": LOSS, "betrayal": BETRAYAL},
        "matters": [
            {"severity": each.severity.name.lower(), "id": each.id, "text": each.text, "remedy": each.remedy}
            for each in found.matters
        ],
    }


def entered(book: Book) -> Iterator[str]:
    """What was entered."""
    at = book.current
    yield f"Entered: set {at.set_id.hex()[:16].upper()} of {at.ca}, {at.policy}, epoch {at.epoch}."
    for older in book.register.older():
        rest = status_of.undestroyed(older)
        left = (
            f"To be destroyed of it: {rest}." if rest else "Nothing of it is left to be destroyed, but what was lost."
        )
        yield f"Set {older.set_id.hex()[:16].upper()} is superseded. {left}"
    if copies := [f"copy-{number}" for number, copy in enumerate(at.copies, 1) if copy.of == "archive"]:
        yield f"Copies of the archive, taken as made, for they are made after it is closed: {', '.join(copies)}."
        yield f"Was one skipped: 'escrow report REGISTER {copies[0]} lost --reason TEXT'."
    yield from head(book)


def attested(book: Book, position: Position) -> Iterator[str]:
    """That a share was attested, and when it is due again."""
    at = book.current
    held = at.shares[position]
    words = share_words(Label.from_text(held.label).commitment)
    yield f"Share {at.policy.name_of(position)} ({words}), {held.holder.name}: attested {held.attested}."
    yield f"Next due: {due(held)}."


def reported(book: Book, position: Position) -> Iterator[str]:
    """What became of a share, and what is to be done."""
    at = book.current
    held = at.shares[position]
    yield f"Share {at.policy.name_of(position)} is {held.status.value} since {held.since}."
    if held.status is Status.LOST:
        yield from _field("Next", "whoever finds the sheet brings it back, in its bag.")
        yield from _field("", "If nobody does, it is made again: 'escrow init --for reissue', 'escrow reissue'.")
    if held.status is Status.EXPOSED:
        yield from _field("Next", f"what was seen stays seen. {_NEW.capitalize()}, and destroy this one.")


def destroyed(book: Book, at: ShareSet, what: str, left: int) -> Iterator[str]:
    """That something is gone, and what is left of its set."""
    yield f"{what} of set {named(at)}: destroyed, noted."
    now = book.register.sets[at.set_id.hex()]
    if not now.superseded:
        copies = "1 copy" if len(now.packages) == 1 else f"{len(now.packages)} copies"
        yield f"The margin of the set in force is {left} now, with {copies} of its package."
    elif rest := status_of.undestroyed(now):
        yield f"Still to be destroyed of this set: {rest}."
    else:
        yield "Nothing of this set is left to be destroyed, but what was lost."
    yield from head(book)


def named(at: ShareSet) -> str:
    """A set as people compare it."""
    return f"{at.set_id.hex()[:16].upper()} ({set_words(at.set_id)})"


def handed_over(book: Book, position: Position) -> Iterator[str]:
    """Who has a share, and who had it."""
    at = book.current
    held = at.shares[position]
    yield f"Share {at.policy.name_of(position)}: {held.holder.name}, {held.holder.site}, bag {held.bag}."
    if held.previous:
        yield f"Before: {', '.join(holder.name for holder in held.previous)}."


def taken(book: Book, event: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """What was entered from an archive: the event, and what it says."""
    at = book.register.sets[fields["set_id"]]
    if event == "enter":
        yield from entered(book)
        if (gone := fields.get("destroyed")) and gone["set_id"] not in book.register.sets:
            yield f"The set before it, {gone['set_id'][:16].upper()}, is not in this register, nor what is left of it."
        return
    last = at.archives[-1]
    if event == "drill":
        held = at.drills[-1]
        yield f"Drill {held.level} of {held.on}: {'passed' if held.passed else 'NOT passed'}, {held.minutes:g} minutes."
    else:
        yield f"Entered: {last.ceremony} of {last.ended[:10]}, {last.what}."
    seen = [*map(position_of, fields["bags"])]
    yield f"Seen, and attested by it: {at.policy.names_of(seen) if seen else 'none'}."
    if event == "session":
        for expiry in at.expiries:
            yield from _field("Ends", f"{expiry.last}, {expiry.what}")
    yield from head(book)


def head(book: Book) -> Iterator[str]:
    """The words that prove the register so far."""
    yield f"The register's words:  {' '.join(spoken.witness_words(book.head))}"


def _last_drill(found: Standing) -> str:
    if not found.at.drills:
        return "none yet, "
    last = found.at.drills[-1]
    return f"{last.level} on {last.on} ({'passed' if last.passed else 'failed'}), "


def _loss(found: Standing) -> str:
    return (
        f"if each attested share is lost with a probability of {LOSS * 100:g} % a year, fewer than a quorum is left "
        f"in a year with a probability of {_percent(found.below_quorum)}."
    )


def _collusion(found: Standing) -> str:
    if found.together is None:
        return "too many people had several shares for this to be reckoned."
    return (
        f"if everybody who has or had a sheet would misuse it with a probability of {BETRAYAL * 100:g} %, they have a "
        f"quorum with a probability of {_percent(found.together)}."
    )


def _percent(probability: float) -> str:
    return "less than 0.01 %" if probability < _SMALL else f"{probability * 100:.2f} %"


def _field(name: str, text: str) -> list[str]:
    indent = " " * _LABEL
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{name:<{_LABEL}}", subsequent_indent=indent)


def _metric(name: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _seconds(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
