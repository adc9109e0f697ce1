"""What a later ceremony follows: the archive of the last one, examined before anything is believed."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ceremony.planning.draft import Entries, Values
from ceremony.planning.plan import Plan, Recovery, Session, parse
from ceremony.rules.state import Phase, State
from ceremony.rules.steps import key_of, position_of
from ceremony.run.archive import JOURNAL_SIGNATURE, LIST_SIGNATURE, MAX_FILE, PLAN_FILE, contents, digest_of
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
CARRIED = ("certs/", "documents/", "set/", "origin/", "package-sheets.pdf", "decode.py", PACKAGE_FILE)
"""What each archive takes over from the one before: so the last one is enough."""


@dataclass(frozen=True)
class Last:
    """An archive that is as it was left: its package, its bags, what of it is carried on, and its inventory if any.

    `bags` are the numbers of each share's bags, in their order: its sheet lies in the last. `holders` are the names of
    everybody who has or had it, as far as is known, and first who has it.
    """

    package: bytes
    manifest: Manifest
    archive: str
    files: Mapping[str, bytes]
    bags: Mapping[Position, Sequence[str]]
    holders: Mapping[Position, Sequence[str]]
    inventory: Inventory | None
    unknown: frozenset[Position] = field(kw_only=True, default=frozenset())
    """Shares of which somebody whom nobody knows may have a sheet, as far as is known: lost and made again, or seen."""

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
    return Before(last.package, last.manifest, last.archive, last.files, last.bags, last.holders, last.inventory, root)


def examined(plan: Plan, follows: str, folder: Path, package: Path | None) -> Last:
    """Examine the archive that a plan follows. Raises RefusedError for another one, or one that was changed.

    PlanError if the plan is of another CA or quorum. `package` is another copy of its package, if one was brought.
    """
    found = digest_of(folder).hex()
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
    text = read_public(package or folder / PACKAGE_FILE, MAX_LENGTH)
    if hashlib.sha256(text).digest() != hashlib.sha256(read_public(folder / PACKAGE_FILE, MAX_LENGTH)).digest():
        message = f"{package} is not the package of this archive: look for the copy with its set id."
        raise RefusedError(message)
    manifest = Package.decode(text).manifest
    _check_plan(plan, manifest)
    files = {
        name: read_public(folder / name, MAX_FILE) for name in contents(folder).digests if name.startswith(CARRIED)
    }
    if SET_PLAN not in files:
        files[SET_PLAN] = read_public(folder / PLAN_FILE, MAX_FILE)
    bags = bags_after(files.get(BAGS, b"{}"), report.state)
    made = parse(files[SET_PLAN], Path(SET_PLAN))
    plans = [_last_plan(folder, report.state) or made, made]
    holders = {
        position: tuple(dict.fromkeys(each.custodian_at(position).name for each in plans))
        for position in manifest.policy.positions
    }
    path = folder / inventory.FILE
    listed = Inventory.decode(read_public(path, MAX_FILE)) if path.exists() else None
    lost = report.state.done.get("lost", {})
    unknown = frozenset([position_of(lost["share"])] if lost.get("reason") == "lost" else [])
    return with_bags(Last(text, manifest, found, files, {}, holders, listed, unknown=unknown), bags)


def _last_plan(folder: Path, state: State | None) -> Plan | None:
    """The plan of the archive's own ceremony, which knows best who has the shares; None if it was aborted."""
    if state is None or state.phase is not Phase.CLOSED:
        return None
    return parse(read_public(folder / PLAN_FILE, MAX_FILE), folder / PLAN_FILE)


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
    return Last(text, manifest, "", {PACKAGE_FILE: text}, {}, {}, None)


def with_bags(last: Last, bags: Mapping[Position, Sequence[str]]) -> Last:
    """The same with other bags, which are carried on."""
    noted = json.dumps({key_of(position): [*numbers] for position, numbers in bags.items()}, indent=1).encode()
    return replace(last, bags=bags, files={**last.files, BAGS: noted})


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


def planned_by(folder: Path) -> tuple[Values, Entries]:
    """What the plan of a session takes from the archive that it follows: its hash, the CA, people and places."""
    carried = folder / SET_PLAN
    path = carried if carried.exists() else folder / PLAN_FILE
    made = parse(read_public(path, MAX_FILE), path)
    report = audit(folder)
    last = _last_plan(folder, report.state) or made
    values: Values = {
        "ceremony": {
            "organisation": made.ceremony.organisation,
            "contact": made.ceremony.contact,
            "kind": str(report.kind or made.ceremony.kind.value),
            "place": made.ceremony.place,
        },
        "ca": {"name": Package.decode(read_public(folder / PACKAGE_FILE, MAX_LENGTH)).manifest.ca},
        "before": {"archive": digest_of(folder).hex()},
    }
    if len(made.groups) > 1:
        values = {**values, "quorum": {"groups_needed": made.groups_needed}}
    sites = {each.name: each for each in (*made.sites, *last.sites)}
    several = {"group": last.groups, "custodian": last.custodians, "site": (*sites.values(),), "access": made.access}
    several |= {"officer": made.officers, "witness": made.witnesses, "archive": made.archives}
    entries = {name: [each.model_dump(exclude_none=True) for each in tables] for name, tables in several.items()}
    entries["delivery"] = entries["archive"][:1]
    entries["package"] = [each.model_dump() for each in made.packages]
    return values, entries


def planned_by_package(path: Path) -> tuple[Values, Entries]:
    """What the plan of a recovery takes from a package when no archive is left: its hash, the CA, the policy."""
    text = read_public(path, MAX_LENGTH)
    manifest = Package.decode(text).manifest
    groups = [(f"Group {number}", group) for number, group in enumerate(manifest.policy.groups, 1)]
    values: Values = {
        "ceremony": {"kind": manifest.kind.value},
        "ca": {"name": manifest.ca},
        "before": {"package": hashlib.sha256(text).hexdigest()},
    }
    if len(groups) > 1:
        values = {**values, "quorum": {"groups_needed": manifest.policy.threshold}}
    custodians = [
        {
            "name": f"Custodian of share {manifest.policy.short_name_of(Position(number, x))}",
            "group": name,
            "unit": "unknown",
            "manager": f"Manager of custodian {manifest.policy.short_name_of(Position(number, x))}",
            "site": "Head Office",
        }
        for number, (name, group) in enumerate(groups, 1)
        for x in range(1, group.shares + 1)
    ]
    return values, {
        "group": [{"name": name, "threshold": group.threshold} for name, group in groups],
        "custodian": custodians,
    }


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
