"""Lockdown: whether the kernel keeps root from changing it while it runs. Recorded."""

import re

from ceremony.preflight.finding import Finding, Status, check, passed, warned
from ceremony.preflight.machine import Machine, UnreadableError


@check(
    "lockdown",
    requirement="The kernel is locked down against root (recorded).",
    measured="/sys/kernel/security/lockdown",
    remedy="Start with the kernel parameter 'lockdown=confidentiality', or with Secure Boot.",
    unreadable=Status.WARN,
)
def lockdown(machine: Machine) -> Finding:
    """The mode in brackets is the one in force."""
    mode = re.search(r"\[(none|integrity|confidentiality)\]", machine.read("/sys/kernel/security/lockdown"))
    if mode is None:
        message = "/sys/kernel/security/lockdown is not understood"
        raise UnreadableError(message)
    return warned("none") if mode[1] == "none" else passed(mode[1])
