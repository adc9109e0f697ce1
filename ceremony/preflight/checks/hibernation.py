"""Hibernation is off: it writes all memory to a disk, locked or not."""

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine, UnreadableError

_STATES = {"freeze", "standby", "mem", "disk"}
_OFF = "[disabled]"


@check(
    "no-hibernation",
    requirement="The machine cannot hibernate.",
    measured="/sys/power/state, /sys/power/disk",
    remedy="Start with the kernel parameter 'nohibernate'.",
)
def hibernation(machine: Machine) -> Finding:
    """A kernel without hibernation lacks several files; where only some are missing, nothing is believed."""
    files = machine.names("/sys/power")
    states = machine.read("/sys/power/state").split()
    there = [name in files for name in ("disk", "image_size", "resume")]
    if not set(states) <= _STATES or len(set(there)) > 1 or (not states and any(there)):
        message = "/sys/power is not understood"
        raise UnreadableError(message)
    if not any(there) and "disk" not in states:
        return passed("the kernel does not know how")
    mode = machine.word("/sys/power/disk")
    return passed("disabled") if mode == _OFF and "disk" not in states else failed(f"possible: {mode}")
