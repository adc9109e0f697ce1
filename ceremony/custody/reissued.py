"""A reissue and the register: what may be made again by it, and what the archive says became of that."""

from pathlib import Path
from typing import Any

from ceremony.custody.archived import bags_of, examined, of_archive
from ceremony.custody.book import read
from ceremony.custody.register import Status
from ceremony.planning.plan import Plan
from ceremony.planning.reissuing import Reissue
from ceremony.rules.steps import key_of, of_share
from escrow.errors import RefusedError
from escrow.manifest import Manifest


def reissued(archive: Path) -> dict[str, Any]:
    """The fields of the entry `reissue`. Raises RefusedError for an archive that has findings, or nothing to enter.

    Of a reissue that was aborted, the new bags of the sheets that were read count alone.
    """
    report, plan, state = examined(archive)
    if not plan.reissue or "lost" not in state.done:
        message = f"{archive} is of a reissue that was ended before it was begun: there is nothing to enter."
        raise RefusedError(message)
    share = key_of(plan.reissue.position)
    bags = bags_of(state)
    own, bagged = bags.pop(share, ""), state.done.get(of_share("bag", plan.reissue.position))
    custodian = plan.custodian_at(plan.reissue.position)
    return {
        **of_archive(archive, report, plan),
        "set_id": state.done["lost"]["set_id"],
        "share": share,
        "made": bool(bagged) and not state.aborting,
        "bag": own,
        "bags": bags,
        "holder": custodian.name,
        "deputy": custodian.deputy or "",
        "manager": custodian.manager,
        "unit": custodian.unit,
        "site": custodian.site,
    }


def require_lost(plan: Plan, lost: Reissue, manifest: Manifest, register: Path) -> None:
    """Raise RefusedError unless a register has the share as lost or destroyed, and never seen by anybody."""
    at = read(register).sets.get(manifest.set_id.hex())
    if not at or at.superseded:
        message = f"The register in {register} does not have this set in force: nothing is made again."
        raise RefusedError(message)
    held, name = at.shares[lost.position], plan.policy.short_name_of(lost.position)
    if held.seen:
        message = (
            f"Share {name} was seen by somebody, says the register: to make it again would take nothing back. Make a "
            "new set instead ('escrow refresh'), and new keys for the CA if enough may have been seen."
        )
        raise RefusedError(message)
    if held.status not in {Status.LOST, Status.DESTROYED}:
        message = (
            f"Share {name} is {held.status.value} by the register. If it is lost, note that first: 'escrow report "
            f"REGISTER {name} lost --reason TEXT'."
        )
        raise RefusedError(message)
    if held.status.value != lost.reason:
        message = f"Share {name} is {held.status.value} by the register, and {lost.reason} by the plan: mend the plan."
        raise RefusedError(message)
