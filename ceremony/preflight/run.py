"""Make all checks, and say of each how it ended. Fails closed: what cannot be seen has not passed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ceremony.preflight.checklist import Expected, checks
from ceremony.preflight.finding import Check, Finding, Result, Status
from ceremony.preflight.ids import NEVER_WAIVED
from ceremony.preflight.machine import Machine
from escrow.errors import EscrowError
from escrow.progress import Progress

STAGE = "Looking at this machine"


def run(
    machine: Machine, plan_waivers: Mapping[str, str], progress: Progress, expected: Expected | None = None
) -> tuple[Result, ...]:
    """All results, in the order of `ids.IDS`. Raises nothing that a check meets.

    `plan_waivers` gives reasons by id; ids that are not of a check are of no concern here. Call it before
    `escrow.memory.protect`: what the kernel tells of a protected process it tells root alone.
    """
    todo = checks(expected or Expected())
    results = []
    for number, check in enumerate(todo):
        progress(STAGE, number, len(todo))
        results.append(judge(check, machine, plan_waivers))
    progress(STAGE, len(todo), len(todo))
    return tuple(results)


def judge(check: Check, machine: Machine, plan_waivers: Mapping[str, str]) -> Result:
    """The result of one check, waived if the plan waives it."""
    return _waive(_make(check, machine), plan_waivers.get(check.id, ""))


def failures(results: Sequence[Result]) -> tuple[Result, ...]:
    """What failed and is not waived: with any of it, no ceremony."""
    return tuple(result for result in results if result.status is Status.FAIL)


def _make(check: Check, machine: Machine) -> Result:
    try:
        finding = check.judge(machine)
    except EscrowError as error:
        finding = Finding(check.unreadable, f"not known: {error}")
    except Exception as error:  # noqa: BLE001 - whatever a check stumbles over, it has not passed
        finding = Finding(check.unreadable, f"not known: what was read is not understood ({type(error).__name__})")
    remedy = "" if finding.status is Status.PASS else finding.remedy or check.remedy
    return Result(check.id, check.requirement, check.measured, _plain(finding.value), finding.status, remedy)


def _waive(result: Result, reason: str) -> Result:
    if result.status is not Status.FAIL or not reason.strip():
        return result
    if result.id in NEVER_WAIVED:
        return replace(result, remedy=f"{result.remedy} This check cannot be waived.")
    return replace(result, status=Status.WAIVED, waiver=reason)


def _plain(value: str) -> str:
    """A device may call itself anything; a terminal is shown only letters."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in value)
