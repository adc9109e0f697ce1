"""What a session follows: the archive of the last ceremony with the root, examined before anything is believed."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ceremony.planning.draft import Entries, Values
from ceremony.planning.plan import Plan, Session, parse
from ceremony.rules.state import Phase
from ceremony.run.archive import JOURNAL_SIGNATURE, LIST_SIGNATURE, MAX_FILE, PLAN_FILE, contents, digest_of
from ceremony.run.audit import Report, audit
from ceremony.run.evidence import NOT_SIGNED
from ceremony.spoken import witness_words
from escrow import inventory
from escrow.certificates import Certificate, fingerprint
from escrow.errors import PlanError, RefusedError
from escrow.files import read_public
from escrow.inventory import Inventory
from escrow.manifest import Manifest
from escrow.package import MAX_LENGTH, Package
from escrow.root import root_of
from escrow.sealing import PACKAGE_FILE

SET_PLAN = "set/plan.toml"
"""The plan by which the set was made, carried on from archive to archive."""
CARRIED = ("certs/", "documents/", "set/", "package-sheets.pdf", "decode.py", PACKAGE_FILE)
"""What each archive takes over from the one before: so the last one is enough."""


@dataclass(frozen=True)
class Before:
    """An archive that is as it was left: its package, its root, its inventory, and what of it is carried on."""

    package: bytes
    manifest: Manifest
    root: Certificate
    inventory: Inventory
    archive: str
    files: Mapping[str, bytes]


def read(plan: Plan, session: Session, folder: Path, package: Path | None) -> Before:
    """Examine the archive that a plan follows. Raises RefusedError for another one, or one that was changed.

    `package` is another copy of its package, if one was brought.
    """
    found = digest_of(folder).hex()
    if found != session.before:
        have, want = (" ".join(witness_words(bytes.fromhex(each))) for each in (found, session.before))
        message = f"{folder} is not the archive that the plan follows: its words are '{have}', and the plan's '{want}'."
        raise RefusedError(message)
    report = audit(folder)
    findings = [finding for finding in report.findings if finding not in _may_be(report)]
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
    if manifest.policy != plan.policy:
        message = f"The plan has a quorum of {plan.policy}, and the package one of {manifest.policy}: mend the plan."
        raise PlanError(message)
    if manifest.ca != plan.ca.name:
        message = f"The plan is of {plan.ca.name}, and the package of {manifest.ca}: mend the plan."
        raise PlanError(message)
    files = {
        name: read_public(folder / name, MAX_FILE) for name in contents(folder).digests if name.startswith(CARRIED)
    }
    if SET_PLAN not in files:
        files[SET_PLAN] = read_public(folder / PLAN_FILE, MAX_FILE)
    root = root_of(manifest, files)
    if root is None or not (folder / inventory.FILE).exists():
        message = f"{folder} has no root key in its package, or no inventory: nothing can be signed with it."
        raise RefusedError(message)
    listed = Inventory.decode(read_public(folder / inventory.FILE, MAX_FILE))
    if listed.root != fingerprint(root):
        message = f"The inventory in {folder} is of another root."
        raise RefusedError(message)
    return Before(text, manifest, root, listed, found, files)


def planned_by(folder: Path) -> tuple[Values, Entries]:
    """What the plan of a session takes from the archive that it follows: its hash, the CA, people and places."""
    carried = folder / SET_PLAN
    path = carried if carried.exists() else folder / PLAN_FILE
    made = parse(read_public(path, MAX_FILE), path)
    values: Values = {
        "ceremony": {
            "organisation": made.ceremony.organisation,
            "contact": made.ceremony.contact,
            "kind": str(audit(folder).kind or made.ceremony.kind.value),
            "place": made.ceremony.place,
        },
        "ca": {"name": Package.decode(read_public(folder / PACKAGE_FILE, MAX_LENGTH)).manifest.ca},
        "before": {"archive": digest_of(folder).hex()},
    }
    if len(made.groups) > 1:
        values = {**values, "quorum": {"groups_needed": made.groups_needed}}
    several = {"group": made.groups, "custodian": made.custodians, "site": made.sites, "access": made.access}
    several |= {"officer": made.officers, "witness": made.witnesses, "archive": made.archives}
    entries = {name: [each.model_dump(exclude_none=True) for each in tables] for name, tables in several.items()}
    entries["delivery"] = entries["archive"][:1]
    return values, entries


def _may_be(report: Report) -> Collection[str]:
    """What may be found: an abort in a session that nobody opened is not signed.

    The plan pins the archive's list, and that all the rest. Were it refused, the numbers that it used would be lost.
    """
    aborted = report.state is not None and report.state.phase is Phase.ABORTED
    return {f"{name}: {NOT_SIGNED}" for name in (JOURNAL_SIGNATURE, LIST_SIGNATURE)} if aborted else set()


def facts_of(before: Before) -> Mapping[str, Any]:
    """What the journal says of it."""
    return {
        "archive": before.archive,
        "package": hashlib.sha256(before.package).hexdigest(),
        "set_id": before.manifest.set_id.hex(),
        "epoch": before.manifest.epoch,
    }
