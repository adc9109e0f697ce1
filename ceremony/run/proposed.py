"""What is proposed for the plan of a ceremony that follows another: taken from its archive, or from a package alone."""

import hashlib
from pathlib import Path

from ceremony.planning.draft import Entries, Values
from ceremony.planning.plan import parse
from ceremony.rules.state import Phase
from ceremony.run.archive import MAX_FILE, PLAN_FILE, digest_of
from ceremony.run.audit import audit
from ceremony.run.before import SET_PLAN
from escrow.files import read_public
from escrow.package import MAX_LENGTH, Package
from escrow.policy import Position
from escrow.sealing import PACKAGE_FILE


def planned_by(folder: Path) -> tuple[Values, Entries]:
    """What the plan of a session takes from the archive that it follows: its hash, the CA, people and places."""
    carried = folder / SET_PLAN
    path = carried if carried.exists() else folder / PLAN_FILE
    made, report = parse(read_public(path, MAX_FILE), path), audit(folder)
    closed = report.state is not None and report.state.phase is Phase.CLOSED
    own = folder / PLAN_FILE  # a reissue, and what came after it, know better who has the shares
    last = parse(read_public(own, MAX_FILE), own) if closed else made
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
