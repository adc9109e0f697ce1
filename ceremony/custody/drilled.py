"""What a drill's archive says, as an entry of the custody journal: level, result, time, and the bags that were seen."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ceremony.custody.archived import bags_of, examined, of_archive
from ceremony.custody.book import read
from ceremony.custody.register import ShareSet
from ceremony.rules.state import State
from ceremony.run.before import Last, knowing
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
        "bad": sorted(_bad(state)),
    }


def noted(last: Last, register: Path) -> Last:
    """What a drill or a refresh follows, with the bags and holders that a register knows: both may have changed since.

    Raises RefusedError for a register without the set, or in which it is superseded, or the archive is unknown or was
    followed by one in which the root signed; and as reading the register does.
    """
    at = read(register).sets.get(last.manifest.set_id.hex())
    if not at:
        message = f"The register in {register} does not have this set: enter it with 'escrow register'."
        raise RefusedError(message)
    if at.superseded:
        message = f"By the register in {register} this set was superseded on {at.superseded}: follow the newer one."
        raise RefusedError(message)
    _require_newest(last, at, register)
    now = {position: held.bag for position, held in at.shares.items()}
    before = {position: [each for each in last.bags[position] if each != now[position]] for position in now}
    bags = {position: [*before[position], bag] for position, bag in now.items()}
    holders = {position: held.everybody for position, held in at.shares.items()}
    strays = {position for position, held in at.shares.items() if held.in_unknown_hands}
    return knowing(last, bags, holders, last.strays | strays)


def _require_newest(last: Last, at: ShareSet, register: Path) -> None:
    """Raise RefusedError if the register knows less than the archive, or more of what was signed."""
    known = [at.archive, *(each.archive for each in sorted(at.archives, key=lambda each: each.ended))]
    if last.archive not in known:
        message = (
            f"The register in {register} does not have the archive that the plan follows: enter that first with "
            "'escrow register'. The bags in it may be newer than those of the register."
        )
        raise RefusedError(message)
    since = set(known[known.index(last.archive) + 1 :])
    if forgotten := [each for each in at.archives if each.signed and each.archive in since]:
        message = (
            f"By the register in {register}, {forgotten[-1].ceremony} signed ({forgotten[-1].what}) after the archive "
            "that the plan follows: what it issued and revoked would be forgotten. Follow its archive, or a later one."
        )
        raise RefusedError(message)


def _bad(state: State) -> Iterator[str]:
    """The shares whose bag held a sheet that cannot be used, or another one."""
    read = {key: state.done.get(f"read {key}", {}) for key in state.done["brief"]["bags"]}
    return (key for key, facts in read.items() if facts.get("positions") and not facts["read"])


def _bags(state: State) -> Mapping[str, str]:
    """The bags that sheets were seen in: closed ones that are the right ones, and the new ones of opened sheets."""
    noted = state.done["brief"]["bags"]
    seen = {key: [state.done.get(f"{verb} {key}", {}) for verb in ("show", "read")] for key in noted}
    shown = {key: bag for key, bag in noted.items() if any(facts.get("same") for facts in seen[key])}
    return {**shown, **bags_of(state)}
