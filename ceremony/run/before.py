"""What a later ceremony follows: the archive of the last one, examined before anything is believed."""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ceremony.planning.plan import Plan, Recovery, Session, parse
from ceremony.rules.state import Phase, State
from ceremony.rules.steps import key_of, of_share, position_of
from ceremony.run.archive import (
    JOURNAL_SIGNATURE,
    LIST_FILE,
    LIST_SIGNATURE,
    MAX_FILE,
    PLAN_FILE,
    hashes_in,
)
from ceremony.run.audit import Report, audit
from ceremony.run.evidence import NOT_SIGNED
from ceremony.spoken import witness_words
from escrow import inventory
from escrow.certificates import Certificate, fingerprint
from escrow.errors import PlanError, RefusedError, UsageError
from escrow.files import read_public
from escrow.inventory import Inventory
from escrow.manifest import Manifest
from escrow.package import MAX_LENGTH, Package
from escrow.policy import Position
from escrow.root import root_of
from escrow.sealing import PACKAGE_FILE

SET_PLAN = "set/plan.toml"
"""The plan by which the set was made, carried on from archive to archive."""
ORIGIN = "origin/plan.toml"
"""The plan by which the keys were made or imported, if a refresh came between that and the set."""
BAGS = "set/bags.json"
"""The bags of each share until the ceremony whose archive it is."""
HOLDERS = "set/holders.json"
"""Who has or had each share until then, and of which shares a sheet may be in unknown hands."""
CARRIED = ("certs/", "documents/", "set/", "origin/", "package-sheets.pdf", "decode.py", PACKAGE_FILE)
"""What each archive takes over from the one before: so the last one is enough."""


@dataclass(frozen=True)
class Last:
    """An archive that is as it was left: its package, its bags, what of it is carried on, and its inventory if any.

    `bags` are the numbers of each share's bags, in their order: its sheet lies in the last. `holders` are the names of
    everybody who has or had it, as far as is known. `strays` are the shares of which a sheet may be in unknown hands,
    whatever becomes of the one in the bag: it was lost, or somebody saw it.
    """

    package: bytes
    manifest: Manifest
    archive: str
    files: Mapping[str, bytes]
    bags: Mapping[Position, Sequence[str]]
    holders: Mapping[Position, Sequence[str]]
    strays: AbstractSet[Position]
    inventory: Inventory | None

    @property
    def origin(self) -> bytes:
        """The plan by which the keys were made or imported."""
        return self.files.get(ORIGIN, self.files[SET_PLAN])


@dataclass(frozen=True)
class Before(Last):
    """The same of a CA whose root's key is in the package: it can sign."""

    inventory: Inventory
    root: Certificate


def read(plan: Plan, session: Session, folder: Path, package: Path | None) -> Before:
    """Examine the archive that a session follows. Raises as `examined` does, and RefusedError without a root's key.

    `package` is another copy of its package, if one was brought.
    """
    last = examined(plan, session.before, folder, package)
    root = root_of(last.manifest, last.files)
    if root is None or last.inventory is None:
        message = f"{folder} has no root key in its package, or no inventory: nothing can be signed with it."
        raise RefusedError(message)
    if last.inventory.root != fingerprint(root):
        message = f"The inventory in {folder} is of another root."
        raise RefusedError(message)
    fields = {each.name: getattr(last, each.name) for each in dataclasses.fields(Last)}
    return Before(**{**fields, "root": root})


def examined(plan: Plan, follows: str, folder: Path, package: Path | None) -> Last:
    """Examine the archive that a plan follows. Raises RefusedError for another one, or one that was changed.

    PlanError if the plan is of another CA or quorum. `package` is another copy of its package, if one was brought.
    """
    listed = read_public(folder / LIST_FILE, MAX_FILE)
    found = hashlib.sha256(listed).hexdigest()
    if found != follows:
        have, want = (" ".join(witness_words(bytes.fromhex(each))) for each in (found, follows))
        message = f"{folder} is not the archive that the plan follows: its words are '{have}', and the plan's '{want}'."
        raise RefusedError(message)
    report = audit(folder)
    findings = [finding for finding in report.findings if finding not in unsigned(report)]
    if findings or not report.state or not report.state.ended:
        raise RefusedError("\n".join([f"{folder} is not as its ceremony left it:", *findings]))
    if report.kind != plan.ceremony.kind.value:
        message = f"{folder} is of {report.kind} material, and the plan of {plan.ceremony.kind.value}: never both."
        raise RefusedError(message)
    if report.entries[-1].fields["facts"]["archive"] != found:
        raise _changed_meanwhile(folder / LIST_FILE)
    files = _pinned(folder, listed)
    text = files[PACKAGE_FILE]
    if package and read_public(package, MAX_LENGTH) != text:
        message = f"{package} is not the package of this archive: look for the copy with its set id."
        raise RefusedError(message)
    manifest = Package.decode(text).manifest
    _check_plan(plan, manifest)
    own, issued = files.pop(PLAN_FILE), files.pop(inventory.FILE, None)
    made = parse(files.setdefault(SET_PLAN, own), Path(SET_PLAN))
    bags = bags_after(files.get(BAGS, b"{}"), report.state)
    first = {position: [made.custodian_at(position).name] for position in manifest.policy.positions}
    holders, strays = holders_after(files.get(HOLDERS), first, parse(own, Path(PLAN_FILE)), report.state)
    last = Last(text, manifest, found, files, {}, {}, frozenset(), Inventory.decode(issued) if issued else None)
    return knowing(last, bags, holders, strays)


def _pinned(folder: Path, listed: bytes) -> dict[str, bytes]:
    """What is taken from an archive, each file as its list has it: the medium may be another since it was examined."""
    files = {}
    for name, digest in hashes_in(listed).items():
        if name.startswith(CARRIED) or name in {PLAN_FILE, inventory.FILE}:
            files[name] = read_public(folder / name, MAX_FILE)
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise _changed_meanwhile(folder / name)
    return files


def _changed_meanwhile(path: Path) -> RefusedError:
    return RefusedError(f"{path} was changed while the archive was examined: make a copy of it that nobody can change.")


def found(plan: Plan, recovery: Recovery, folder: Path | None, package: Path | None) -> Last:
    """What a recovery follows: an archive, or where none is left a package alone, which its plan pins.

    Raises UsageError if that is not given, and otherwise as `examined` does.
    """
    if not recovery.of_package:
        if folder is None:
            message = "This plan follows an archive: name it with --archive. Without one, pin the package in [before]."
            raise UsageError(message)
        return examined(plan, recovery.before, folder, package)
    if package is None or folder:
        message = "This plan follows a package without an archive: name it with --package alone."
        raise UsageError(message)
    text = read_public(package, MAX_LENGTH)
    if (digest := hashlib.sha256(text).hexdigest()) != recovery.before:
        message = f"{package} is not the package that the plan names: its SHA-256 is {digest}, not {recovery.before}."
        raise RefusedError(message)
    manifest = Package.decode(text).manifest
    if manifest.kind is not plan.ceremony.kind:
        message = (
            f"{package} is of {manifest.kind.value} material, and the plan of {plan.ceremony.kind.value}: never both."
        )
        raise RefusedError(message)
    _check_plan(plan, manifest)
    return Last(text, manifest, "", {PACKAGE_FILE: text}, {}, {}, frozenset(), None)


def knowing(
    last: Last,
    bags: Mapping[Position, Sequence[str]],
    holders: Mapping[Position, Sequence[str]],
    strays: AbstractSet[Position],
) -> Last:
    """The same with other bags, holders and strays, which are carried on."""
    noted = {key_of(position): [*numbers] for position, numbers in bags.items()}
    people = {key_of(position): [*names] for position, names in holders.items()}
    known = {"holders": people, "strays": [*map(key_of, sorted(strays))]}
    carried = {name: json.dumps(what, indent=1).encode() for name, what in ((BAGS, noted), (HOLDERS, known))}
    return replace(last, bags=bags, holders=holders, strays=strays, files={**last.files, **carried})


def _check_plan(plan: Plan, manifest: Manifest) -> None:
    if manifest.policy != plan.policy and not plan.seals:  # a new set may have another
        message = f"The plan has a quorum of {plan.policy}, and the package one of {manifest.policy}: mend the plan."
        raise PlanError(message)
    if manifest.ca != plan.ca.name:
        message = f"The plan is of {plan.ca.name}, and the package of {manifest.ca}: mend the plan."
        raise PlanError(message)


def bags_after(carried: bytes, state: State) -> dict[Position, list[str]]:
    """The bags of each share, in their order, after a ceremony: those that it was begun with, and its own.

    After a refresh that was aborted, those of the old set: it counts, and what was made is destroyed.
    """
    bags = {position_of(key): [*numbers] for key, numbers in json.loads(carried).items()}
    own = state.old_bags if state.aborting and "old-set" in state.done else state.bags
    for number, position in own.items():
        bags.setdefault(position, []).append(number)
    return bags


def holders_after(
    carried: bytes | None, first: Mapping[Position, Sequence[str]], plan: Plan, state: State
) -> tuple[dict[Position, list[str]], set[Position]]:
    """Who has or had each share after a ceremony, who has it first, and the strays.

    `carried` is what the one before left, `first` who got the set. A reissue gives its share to somebody, and a sheet
    that was lost before it stays lost.
    """
    known = json.loads(carried) if carried else {"holders": {}, "strays": []}
    holders = {position: [*names] for position, names in first.items()}
    holders |= {position_of(key): [*names] for key, names in known["holders"].items()}
    strays = set(map(position_of, known["strays"]))
    made = plan.reissue
    if made and not state.aborting and of_share("bag", made.position) in state.done:
        names = [plan.custodian_at(made.position).name, *holders[made.position]]
        holders[made.position] = list(dict.fromkeys(names))
        strays |= {made.position} if made.reason == "lost" else set()
    return holders, strays


def unsigned(report: Report) -> Collection[str]:
    """What may be found: an abort in a session that nobody opened is not signed.

    The plan pins the archive's list, and that all the rest. Were it refused, the numbers that it used would be lost.
    """
    aborted = report.state is not None and report.state.phase is Phase.ABORTED
    return {f"{name}: {NOT_SIGNED}" for name in (JOURNAL_SIGNATURE, LIST_SIGNATURE)} if aborted else set()


def facts_of(before: Last) -> Mapping[str, Any]:
    """What the journal says of it."""
    return {
        "archive": before.archive,
        "package": hashlib.sha256(before.package).hexdigest(),
        "set_id": before.manifest.set_id.hex(),
        "epoch": before.manifest.epoch,
    }
