"""Which entry of the custody journal an archive makes: by the plan in it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ceremony.custody.drilled import drilled
from ceremony.custody.entering import entered
from ceremony.custody.recovered import recovered
from ceremony.custody.reissued import reissued
from ceremony.custody.signed import signed
from ceremony.planning.plan import Plan, parse
from ceremony.run.archive import MAX_FILE, PLAN_FILE, read_journal
from escrow.errors import FileError, PlanError
from escrow.files import read_public

ENTER = "enter"
"""The event with which a register may begin."""

_BY: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    ENTER: entered,
    "drill": drilled,
    "session": signed,
    "reissue": reissued,
    "recovery": recovered,
}


def taken(archive: Path) -> tuple[str, dict[str, Any]]:
    """The event of an archive, and its fields. Raises RefusedError, as the module of its kind says."""
    event = _event_of(archive)
    return event, _BY[event](archive)


def _event_of(archive: Path) -> str:
    try:
        plan: Plan = parse(read_public(archive / PLAN_FILE, MAX_FILE), archive / PLAN_FILE)
    except (FileError, PlanError):
        return ENTER  # which says what is wrong with it
    if plan.refresh and any(entry.event == "abort" for entry in read_journal(archive)):
        return "session"  # the old set counts, in new bags
    kinds = {"drill": plan.drill, "session": plan.session, "reissue": plan.reissue, "recovery": plan.recovery}
    return next((event for event, table in kinds.items() if table), ENTER)
