"""The preflight step of a ceremony: what the machine is.

`look` is called before the process protects itself: what the kernel tells of a protected process it tells root alone.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from ceremony.planning.plan import Plan
from ceremony.preflight.checklist import Expected
from ceremony.preflight.checks.clock import Day, clock_drift_check
from ceremony.preflight.finding import Result
from ceremony.preflight.inventory import planned
from ceremony.preflight.machine import Machine
from ceremony.preflight.run import judge, run
from escrow.progress import Progress
from escrow.share import Kind

Examine = Callable[[Sequence[dt.timedelta]], Sequence[Result]]
"""Told how far the clock is from each watch, gives the results of all checks."""


def look(plan: Plan, progress: Progress, now: dt.datetime, excuse: str = "") -> Examine:
    """Look at this machine, with the waivers of the plan; what people's watches say is put in later.

    `excuse` says why the ceremony may be held on another day than the plan's. A specimen always may.
    """
    machine = Machine()
    if plan.ceremony.kind is Kind.SPECIMEN:
        excuse = "a specimen"
    expected = Expected(inventory=planned(plan.machine), day=Day(now, plan.days, excuse), prints=plan.prints)
    seen = run(machine, plan.reasons, progress, expected)

    def examine(drifts: Sequence[dt.timedelta]) -> Sequence[Result]:
        watches = judge(clock_drift_check(drifts), machine, plan.reasons)
        return [watches if result.id == watches.id else result for result in seen]

    return examine
