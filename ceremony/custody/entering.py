"""The set of a ceremony's archive, as an entry of the custody journal: who got which share, in which bag."""

from pathlib import Path
from typing import Any

from ceremony.custody.archived import examined
from ceremony.planning.plan import Copy, Plan
from ceremony.rules.state import Phase, State
from ceremony.rules.steps import key_of
from ceremony.run.archive import digest_of
from escrow.errors import RefusedError
from escrow.files import read_public
from escrow.label import Label
from escrow.manifest import Manifest
from escrow.package import MAX_LENGTH, Package
from escrow.policy import Position
from escrow.sealing import PACKAGE_FILE


def entered(archive: Path) -> dict[str, Any]:
    """The fields of the entry `enter`. Raises RefusedError for an archive that has findings, or ended without a set."""
    report, plan, state = examined(archive)
    _require_set(state, archive)
    package = Package.decode(read_public(archive / PACKAGE_FILE, MAX_LENGTH))
    entry = {
        "on": report.entries[-1].utc[:10],
        "set_id": package.manifest.set_id.hex(),
        "ca": package.manifest.ca,
        "kind": package.manifest.kind.value,
        "epoch": package.manifest.epoch,
        "ceremony": plan.ceremony.id,
        "threshold": plan.policy.threshold,
        "groups": [
            {"name": name, "threshold": group.threshold, "shares": group.shares}
            for name, group in zip((group.name for group in plan.groups), plan.policy.groups, strict=True)
        ],
        "package": state.done["seal"]["package"],
        "archive": digest_of(archive).hex(),
        "shares": [_share(plan, state, package.manifest, position) for position in plan.policy.positions],
        "copies": [_copy("package", copy) for copy in plan.packages]
        + [_copy("archive", each) for each in plan.archives],
        "expiries": [
            {"what": f"certificate {each['fields']['subject'] or each['file']}", "last": each["fields"]["last"][:10]}
            for each in state.done["certificates"]["certificates"]
        ],
    }
    return {**entry, "destroyed": _destroyed(state)} if plan.refresh else entry


def _destroyed(state: State) -> dict[str, Any]:
    """What of the set before was destroyed in a refresh: shares by their keys, copies of the package by number."""
    facts = state.done["destroy-old"]
    sheets = [key_of(Position(*pair)) for pair in facts["sheets"]]
    return {"set_id": state.done["old-set"]["set_id"], "shares": sheets, "copies": facts["copies"]}


def _require_set(state: State, archive: Path) -> None:
    if state.phase is not Phase.CLOSED or "seal" not in state.done:
        message = (
            f"{archive} is of a ceremony that ended without a set ({state.phase.value}): there is nothing to enter. "
            "What had been printed was destroyed in it; its transcript says so."
        )
        raise RefusedError(message)


def _share(plan: Plan, state: State, manifest: Manifest, position: Position) -> dict[str, str]:
    custodian = plan.custodian_at(position)
    return {
        "share": key_of(position),
        "label": Label.of(manifest, position).to_text(),
        "bag": [number for number, held in state.bags.items() if held == position][-1],
        "holder": custodian.name,
        "deputy": custodian.deputy or "",
        "manager": custodian.manager,
        "unit": custodian.unit,
        "site": custodian.site,
    }


def _copy(of: str, copy: Copy) -> dict[str, str]:
    return {"of": of, "site": copy.site, "medium": copy.medium}
