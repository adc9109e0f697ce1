"""No core dumps: a program that breaks must not leave its memory in a file."""

import re

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine, UnreadableError

_NOWHERE = {"|/bin/false", "|/bin/true", "|/usr/bin/false", "|/usr/bin/true"}
_LIMIT = "Max core file size"


@check(
    "no-core-dumps",
    requirement="No program started here leaves its memory in a file when it breaks.",
    measured="/proc/sys/kernel/core_pattern, RLIMIT_CORE in /proc/self/limits",
    remedy="As root: sysctl kernel.core_pattern='|/bin/false'",
)
def core_dumps(machine: Machine) -> Finding:
    """A program that dumps are piped to gets them whatever the limit is (core(5)), but for 1: ours, once it is set."""
    pattern = machine.word("/proc/sys/kernel/core_pattern")
    if pattern in _NOWHERE:
        return passed(f"thrown away: {pattern}")
    if pattern.startswith("|"):
        return failed(f"given to {pattern[1:].split()[0].rpartition('/')[2]}")
    if not re.fullmatch(r"[\w./%-]*core[\w./%-]*", pattern):
        message = "/proc/sys/kernel/core_pattern is not understood"
        raise UnreadableError(message)
    lines = machine.read("/proc/self/limits").split("\n")
    soft = next(line for line in lines if line.startswith(_LIMIT)).removeprefix(_LIMIT).split()[0]
    return passed(f"the limit is {soft}") if soft in {"0", "1"} else failed(f"written to files, up to {soft} bytes")
