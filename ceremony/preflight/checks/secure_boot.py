"""Secure Boot: whether the firmware starts signed systems only. Recorded."""

from ceremony.preflight.finding import Finding, Status, check, passed, warned
from ceremony.preflight.machine import Machine, UnreadableError

# UEFI specification 2.10, section 3.3: the global variable SecureBoot. Four bytes of attributes come before it.
_VARIABLE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_LENGTH = 5


@check(
    "secure-boot",
    requirement="The machine was started with Secure Boot (recorded).",
    measured="/sys/firmware/efi/efivars/SecureBoot-*",
    remedy="Switch it on in the firmware, if the system on the stick is signed.",
    unreadable=Status.WARN,
)
def secure_boot(machine: Machine) -> Finding:
    """One byte says it: 1 or 0."""
    if "efi" not in machine.names("/sys/firmware"):
        return warned("not started by UEFI")
    value = machine.read(_VARIABLE)
    if len(value) != _LENGTH or value[-1] not in "\0\1":
        message = "the variable SecureBoot is not understood"
        raise UnreadableError(message)
    return passed("on") if value[-1] == "\1" else warned("off")
