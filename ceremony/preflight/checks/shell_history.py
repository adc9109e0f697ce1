"""The shell does not write down what is typed."""

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine, UnreadableError


@check(
    "shell-history",
    requirement="What is typed into the shell is not kept.",
    measured="HISTFILE and HISTSIZE of this process, the file system of HOME",
    remedy="In the shell: export HISTFILE=/dev/null",
)
def shell_history(machine: Machine) -> Finding:
    """A shell's own variables cannot be seen, only those that it hands on. In memory a history does no harm."""
    environment = machine.environment()
    file = environment.get("HISTFILE")
    if file in {"", "/dev/null"} or environment.get("HISTSIZE") == "0":
        return passed("switched off")
    if file is None and not environment.get("HOME", "").startswith("/"):
        message = "HOME is not known"
        raise UnreadableError(message)
    place = environment["HOME"] if file is None else file
    kind = machine.holder(place).kind if place.startswith("/") else "an unknown file system"
    where = "HOME" if file is None else "HISTFILE"
    if place.startswith("/") and machine.holder(place).in_memory:
        return passed(f"in memory: {where} is on {kind}")
    return failed(f"kept: {where} is on {kind}")
