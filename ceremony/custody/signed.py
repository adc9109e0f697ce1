"""What a session's archive says, as an entry of the custody journal: new bags, and the dates that count from now on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ceremony.custody.archived import bags_of, examined, of_archive
from ceremony.custody.later import CRL
from ceremony.rules.state import State
from ceremony.rules.steps import key_of
from ceremony.run.archive import MAX_FILE
from escrow import inventory
from escrow.errors import RefusedError
from escrow.files import read_public
from escrow.inventory import Inventory


def signed(archive: Path) -> dict[str, Any]:
    """The fields of the entry `session`. Raises RefusedError for an archive that has findings, or nothing to enter.

    Of a session that was aborted before anything was signed, and of a refresh, the bags alone count.
    """
    report, plan, state = examined(archive)
    if plan.refresh and "old-set" in state.done:
        return {**of_archive(archive, report, plan), **_returned(state)}
    if "draft" not in state.done:
        message = (
            f"{archive} is of a ceremony that was ended before anything was drafted or read: there is nothing to enter."
        )
        raise RefusedError(message)
    drafted, done = state.done["draft"], "issue" in state.done
    listed = Inventory.decode(read_public(archive / inventory.FILE, MAX_FILE))
    return {
        **of_archive(archive, report, plan),
        "set_id": drafted["set_id"],
        "what": drafted["what"] if done else f"{drafted['what']}, not signed",
        "bags": bags_of(state),
        "expiries": [*_issued(listed, state)] if done else [],
        "revoked": [*_revoked(listed, plan.ceremony.id)] if done else [],
    }


def _returned(state: State) -> dict[str, Any]:
    """Of a refresh that was aborted: the old set counts, and what was read of it is in new bags."""
    bags = {key_of(position): bag for bag, position in state.old_bags.items()}
    set_id = state.done["old-set"]["set_id"]
    return {"set_id": set_id, "what": "refresh, aborted", "bags": bags, "expiries": [], "revoked": []}


def _issued(listed: Inventory, state: State) -> Iterator[dict[str, str]]:
    """What was signed, and its last day."""
    drafted = state.done["draft"]
    if drafted["what"] == CRL and listed.crl:
        yield {"what": CRL, "last": listed.crl.next_update[:10]}
    yield from (
        _line(each.subject, each.not_after)
        for each in listed.issued
        if drafted["what"] != CRL and each.serial == drafted["number"]
    )


def _revoked(listed: Inventory, ceremony: str) -> Iterator[dict[str, str]]:
    serials = {each.serial for each in listed.revoked if each.ceremony == ceremony}
    yield from (_line(each.subject, each.not_after) for each in listed.issued if each.serial in serials)


def _line(subject: str, not_after: str) -> dict[str, str]:
    """As entering a set writes it."""
    return {"what": f"certificate {subject}", "last": not_after[:10]}
