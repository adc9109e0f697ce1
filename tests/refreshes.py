"""Refreshes of a throw-away CA, held without a terminal; every journal entry's folder is kept, as a crash leaves it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions import PARTS, TODAY, Sealed, people

from ceremony.planning import draft
from ceremony.planning.plan import Plan, parse
from ceremony.rules.state import State
from ceremony.run import before
from ceremony.run.answering import Answering
from ceremony.run.archive import digest_of
from ceremony.run.journal import Entry, Journal
from ceremony.run.questions import Desk
from ceremony.run.rehearsal import hold_in
from ceremony.run.room import Feeding, Room
from escrow import recovery
from escrow.gather import Collection
from escrow.package import Package

Around = Callable[[Desk], Desk]


def plan_of(name: str, follows: Path, custodians: tuple[str, ...]) -> Plan:
    """The plan of a refresh that follows an archive."""
    values: draft.Values = {
        "ceremony": {"id": name, "kind": "specimen", "date": TODAY},
        "refresh": {"reason": "A custodian has left."},
        "before": {"archive": digest_of(follows).hex()},
    }
    return parse(draft.refresh(TODAY, values, people(custodians)).encode(), Path("refresh.toml"))


def hold(old: Sealed, plan: Plan, follows: Path, out: Path, around: Around = lambda desk: desk) -> State:
    """Hold a refresh to its end, or go on with the one in the folder."""
    assert plan.refresh
    room = Room(plan, old.base, out, follows)
    room.media = out.with_name(f"{out.name}-media")  # a crash that is tried out is of another course of things
    room.media.mkdir(exist_ok=True)
    last = before.examined(plan, plan.refresh.before, follows, None)
    return hold_in(room, around(Feeding(Answering(room, lambda _: None), room)), PARTS, last)


@contextmanager
def kept_at_every_entry(out: Path, kept: Path) -> Iterator[None]:
    """Copy the folder of a ceremony whenever a line of its journal was written: what a loss of power then leaves."""
    append = Journal.append

    def keeping(self: Journal, event: str, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
        entry = append(self, event, **fields)
        shutil.copytree(out, kept / f"{entry.n:04}")
        return entry

    Journal.append = keeping  # type: ignore[method-assign]
    try:
        yield
    finally:
        Journal.append = append  # type: ignore[method-assign]


@dataclass(frozen=True)
class Sheets:
    """All sheets that ever came out into the tray of a room."""

    tray: Path

    def collection(self, package: Package) -> Collection:
        """What a package says of all of them: those of its set are taken."""
        collection = Collection(package.manifest, keep=True)
        for path in sorted(self.tray.glob("*-sheet.pdf")):
            collection.add_file(path)
        return collection


def recovered(package: Package, sheets: Sheets) -> dict[str, bytes]:
    """Everything that a package and the sheets of its set give. Raises ShareError, QuorumError."""
    collection = sheets.collection(package)
    collection.verdicts = [verdict for verdict in collection.verdicts if verdict.valid]
    recovery.require_quorum(collection)
    with recovery.recombine(collection) as wrapping_key:
        collection.close()
        members = recovery.open_checked(package, wrapping_key)
    found = {name: bytes(member.view) for name, member in members.items()}
    for member in members.values():
        member.close()
    return found


def ended_steps(entries: Sequence[Entry]) -> list[str]:
    """The steps that ended, in their order."""
    return [entry.fields["step"] for entry in entries if entry.event == "end"]
