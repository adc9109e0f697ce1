"""Whether programs of one account may read each other's memory. Recorded: the program itself cannot be traced."""

from ceremony.preflight.finding import Finding, Status, check, passed, warned
from ceremony.preflight.machine import Machine, UnreadableError

_MEANING = {
    "0": "every program of the account may trace the others",
    "1": "only parents may trace their children",
    "2": "only root may trace",
    "3": "nobody may trace",
}  # Linux, Documentation/admin-guide/LSM/Yama.rst


@check(
    "tracing",
    requirement="Programs cannot read each other's memory (recorded).",
    measured="/proc/sys/kernel/yama/ptrace_scope",
    remedy="As root: sysctl kernel.yama.ptrace_scope=2",
    unreadable=Status.WARN,
)
def tracing(machine: Machine) -> Finding:
    """The program's own processes forbid it whatever this says."""
    scope = machine.word("/proc/sys/kernel/yama/ptrace_scope")
    if scope not in _MEANING:
        message = "ptrace_scope is not understood"
        raise UnreadableError(message)
    return warned(_MEANING[scope]) if scope == "0" else passed(_MEANING[scope])
