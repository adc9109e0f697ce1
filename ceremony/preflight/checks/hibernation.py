"""Hibernation is off: it writes all memory to a disk, locked or not."""

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine, UnreadableError

_STATES = {"freeze", "standby", "mem", "disk"}
_FILES = {"state", "disk", "image_size", "resume"}
_OFF = "[disabled]"


@check(
    "no-hibernation",
    requirement="The machine cannot hibernate.",
    measured="/sys/power/state, /sys/power/disk",
    remedy="Start with the kernel parameter 'nohibernate'.",
)
def hibernation(machine: Machine) -> Finding:
    """A kernel without hibernation lacks several files; where only some are missing, nothing is believed."""
    there = {name for name in machine.names("/sys/power") if name in _FILES}
    if there == {"state"}:
        return passed("the kernel does not know how")
    states = machine.word("/sys/power/state").split()
    if there != _FILES or not set(states) <= _STATES:
        message = "/sys/power is not understood"
        raise UnreadableError(message)
    mode = machine.word("/sys/power/disk")
    return passed("disabled") if mode == _OFF and "disk" not in states else failed(f"possible: {mode}")
