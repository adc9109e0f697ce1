"""The preflight step of a ceremony: what the machine is, as public facts for the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ceremony.plan import Plan
from ceremony.preflight.machine import Machine
from ceremony.preflight.run import failures, run
from escrow.progress import Progress

Findings = tuple[Sequence[Mapping[str, Any]], Sequence[str]]
"""The results of all checks, and the ids of those that failed without a waiver."""


def examine(plan: Plan, progress: Progress) -> Findings:
    """Look at this machine, with the waivers of the plan."""
    results = run(Machine(), {waiver.lint: waiver.reason for waiver in plan.waivers}, progress)
    return [asdict(result) for result in results], [result.id for result in failures(results)]
