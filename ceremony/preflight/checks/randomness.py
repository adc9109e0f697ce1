"""The kernel's random generator is ready: tried, for `entropy_avail` means nothing since Linux 5.18."""

import re

from ceremony.preflight.finding import Finding, check, failed, listed, passed, warned
from ceremony.preflight.machine import Machine

_DIRECTORY = "/sys/class/misc/hw_random"


@check(
    "random",
    requirement="The kernel's random generator is ready, and a hardware generator feeds it.",
    measured="getrandom(2), /sys/class/misc/hw_random, /proc/cpuinfo",
    remedy="Wait a minute, move the mouse, type; then look again. Without a hardware generator, add dice.",
)
def randomness(machine: Machine) -> Finding:
    """Hardware is good to have: the generator is ready without it."""
    try:
        machine.draw()
    except BlockingIOError:
        return failed("not ready: it has not yet gathered enough")
    found = []
    if machine.members("/sys/class/misc", "hw_random"):
        current = machine.word(f"{_DIRECTORY}/rng_current")
        if current not in {*machine.read(f"{_DIRECTORY}/rng_available").split(), "none"}:
            return warned("ready; the hardware generator is not understood")
        found += [current] if current != "none" else []
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", machine.read("/proc/cpuinfo"), re.MULTILINE)
    if flags is None:
        return warned("ready; what the processor has is not understood")
    found += [flag for flag in ("rdrand", "rdseed", "rng") if flag in flags[1].split()]
    return passed(f"ready, fed by {listed(found)}") if found else warned("ready, without a hardware generator")
