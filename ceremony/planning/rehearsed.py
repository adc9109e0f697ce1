"""When a plan was rehearsed: what the journal in a rehearsal's folder says."""

import datetime as dt
from pathlib import Path

from ceremony.planning.plan import Plan
from ceremony.rules.engine import Engine
from ceremony.rules.lists import listing_of
from ceremony.rules.state import Phase
from ceremony.run.journal import FILE, decode
from escrow.errors import EscrowError, UsageError
from escrow.files import read_public

_MAX_BYTES = 64 << 20


def rehearsed(directory: Path, plan: Plan) -> dt.date:
    """The day (UTC) on which a rehearsal of this very plan was closed.

    Raises UsageError for a journal of another plan, one that was not closed, and one that breaks the rules. Whether its
    signatures hold is not asked: who would fake a rehearsal deceives nobody else.
    """
    path = directory / FILE
    try:
        entries, _ = decode(read_public(path, _MAX_BYTES))
        state = Engine(listing_of(plan)).replay(entries)
        day = dt.datetime.fromisoformat(entries[-1].utc).date() if entries else None
    except (EscrowError, ValueError, TypeError) as error:
        message = f"{path} is no journal of a rehearsal of this plan ({error}): name what 'escrow rehearse' left."
        raise UsageError(message) from None
    if state.plan != plan.digest.hex():
        message = f"{path} is of another plan, or of this one before it was changed: rehearse it as it is now."
        raise UsageError(message)
    if state.phase is not Phase.CLOSED or not day:
        message = f"{path} ends before the rehearsal was closed: bring it to its end."
        raise UsageError(message)
    return day
