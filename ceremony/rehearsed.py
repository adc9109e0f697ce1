"""When a plan was rehearsed: what the journal in a rehearsal's directory says."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from ceremony.plan import Plan
from escrow.errors import UsageError
from escrow.files import read_public

JOURNAL = "journal.jsonl"
_LAST_STEP = "close"
_MAX_BYTES = 64 << 20


def rehearsed(directory: Path, plan: Plan) -> dt.date:
    """The day (UTC) on which a rehearsal of this very plan was closed.

    Raises UsageError for a journal of another plan or one that was not closed, FileError for one that cannot be read.
    Whether the journal was tampered with is not asked: who would fake a rehearsal deceives nobody else.
    """
    path = directory / JOURNAL
    try:
        entries: list[dict[str, Any]] = [json.loads(line) for line in read_public(path, _MAX_BYTES).splitlines()]
        first, last = entries[0], entries[-1]
        if first["plan"] != plan.digest.hex():
            message = f"{path} is of another plan, or of this one before it was changed: rehearse it as it is now."
            raise UsageError(message)
        if (last["event"], last.get("step")) != ("end", _LAST_STEP):
            message = f"{path} ends before the rehearsal was closed: bring it to its end."
            raise UsageError(message)
        return dt.datetime.fromisoformat(last["utc"]).date()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        message = f"{path} is no journal of a rehearsal: name the directory that 'escrow rehearse' left."
        raise UsageError(message) from None
