"""What a drill's archive says, as an entry of the custody journal: level, result, time, and the bags that were seen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ceremony.custody.archived import bags_of, examined, of_archive
from ceremony.custody.book import read
from ceremony.rules.state import State
from ceremony.run.before import Last, with_bags
from ceremony.run.drilled import minutes_of
from escrow.errors import RefusedError


def drilled(archive: Path) -> dict[str, Any]:
    """The fields of the entry `drill`. Raises RefusedError for an archive that has findings, or no drill in it.

    A drill that was aborted has not passed; the bags that were seen until then count.
    """
    report, plan, state = examined(archive)
    if "brief" not in state.done:
        message = f"{archive} is of a drill that was ended before it was begun: there is nothing to enter."
        raise RefusedError(message)
    return {
        **of_archive(archive, report, plan),
        "set_id": state.done["brief"]["set_id"],
        "level": state.done["brief"]["level"],
        "passed": not state.aborting and state.done["judge"]["passed"],
        "minutes": minutes_of(report.entries),
        "bags": _bags(state),
    }


def noted(last: Last, register: Path) -> Last:
    """What a drill or a refresh follows, with the bags and holders that a register knows: both may have changed since.

    Raises RefusedError for a register without the set, or in which it is superseded; and as reading it does.
    """
    at = read(register).sets.get(last.manifest.set_id.hex())
    if not at:
        message = f"The register in {register} does not have this set: enter it with 'escrow register'."
        raise RefusedError(message)
    if at.superseded:
        message = f"By the register in {register} this set was superseded on {at.superseded}: follow the newer one."
        raise RefusedError(message)
    now = {position: held.bag for position, held in at.shares.items()}
    before = {position: [each for each in last.bags[position] if each != now[position]] for position in now}
    known = with_bags(last, {position: [*before[position], bag] for position, bag in now.items()})
    unknown = frozenset(position for position, held in at.shares.items() if held.in_unknown_hands)
    holders = {position: held.everybody for position, held in at.shares.items()}
    return replace(known, holders=holders, unknown=unknown)


def _bags(state: State) -> Mapping[str, str]:
    """The bags that sheets were seen in: closed ones that are the right ones, and the new ones of opened sheets."""
    noted = state.done["brief"]["bags"]
    seen = {key: [state.done.get(f"{verb} {key}", {}) for verb in ("show", "read")] for key in noted}
    shown = {key: bag for key, bag in noted.items() if any(facts.get("same") for facts in seen[key])}
    return {**shown, **bags_of(state)}
