"""The preflight step of a ceremony: what the machine is, as public facts for the journal.

`look` is called before the process protects itself: what the kernel tells of a protected process it tells root alone.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ceremony.planning.plan import Plan
from ceremony.preflight.checklist import Expected
from ceremony.preflight.checks.clock import clock_drift_check
from ceremony.preflight.finding import Result
from ceremony.preflight.inventory import planned
from ceremony.preflight.machine import Machine
from ceremony.preflight.run import failures, judge, run
from escrow.progress import Progress

Findings = tuple[Sequence[Mapping[str, Any]], Sequence[str]]
"""The results of all checks, and the ids of those that failed without a waiver."""

Examine = Callable[[Sequence[dt.timedelta]], Findings]
"""Told how far the clock is from each watch, says what was found."""


def look(plan: Plan, progress: Progress) -> Examine:
    """Look at this machine, with the waivers of the plan; what people's watches say is put in later."""
    machine = Machine()
    seen = run(machine, plan.reasons, progress, Expected(inventory=planned(plan.machine)))

    def examine(drifts: Sequence[dt.timedelta]) -> Findings:
        watches = judge(clock_drift_check(drifts), machine, plan.reasons)
        results: list[Result] = [watches if result.id == watches.id else result for result in seen]
        return [asdict(result) for result in results], [result.id for result in failures(results)]

    return examine
