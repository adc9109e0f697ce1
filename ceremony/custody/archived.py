"""What the register takes from the archive of any ceremony that was held with a set: that it is whole, which it is."""

from pathlib import Path
from typing import Any

from ceremony.planning.plan import Plan
from ceremony.rules.state import State
from ceremony.rules.steps import key_of
from ceremony.run.archive import digest_of
from ceremony.run.audit import Report, audit
from ceremony.run.before import unsigned
from escrow.errors import RefusedError


def examined(archive: Path) -> tuple[Report, Plan, State]:
    """An archive that is as its ceremony left it. Raises RefusedError, with what was found, for another one.

    That an abort which nobody opened is not signed is no finding: its new bags are there all the same.
    """
    report = audit(archive)
    findings = [finding for finding in report.findings if finding not in unsigned(report)]
    if findings or not report.plan or not report.state or not report.state.ended:
        told = "\n".join(f"  {finding}" for finding in findings) or "  It has not ended."
        message = f"{archive} is not what its ceremony left, and is not entered into a register:\n{told}"
        raise RefusedError(message)
    return report, report.plan, report.state


def of_archive(archive: Path, report: Report, plan: Plan) -> dict[str, Any]:
    """The fields that the entry of every archive has."""
    ended = report.entries[-1].utc
    return {"on": ended[:10], "ended": ended, "ceremony": plan.ceremony.id, "archive": digest_of(archive).hex()}


def bags_of(state: State) -> dict[str, str]:
    """The bags that sheets were put into, by share: of each the last."""
    return {key_of(position): bag for bag, position in state.bags.items()}
