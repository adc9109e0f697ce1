"""What a recovery's archive says, as an entry of the custody journal: what was restored, and the new bags."""

from pathlib import Path
from typing import Any

from ceremony.custody.archived import bags_of, examined, of_archive
from escrow.errors import RefusedError


def recovered(archive: Path) -> dict[str, Any]:
    """The fields of the entry `recovery`. Raises RefusedError for an archive that has findings, or nothing to enter.

    Of a recovery that was aborted, the bags alone count.
    """
    report, plan, state = examined(archive)
    if "called" not in state.done:
        message = f"{archive} is of a recovery that was ended before it was said what for: there is nothing to enter."
        raise RefusedError(message)
    called = state.done["called"]
    what = f"recovery of {', '.join(called['keys'])}, a quorum in one room"
    return {
        **of_archive(archive, report, plan),
        "set_id": called["set_id"],
        "what": what if "restore" in state.done else f"{what}, not restored",
        "bags": bags_of(state),
        "expiries": [],
        "revoked": [],
    }
