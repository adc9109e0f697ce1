"""Power: from the mains, with a battery behind it."""

from ceremony.preflight.finding import Finding, check, failed, listed, passed, warned
from ceremony.preflight.machine import Machine, UnreadableError

# Linux, Documentation/ABI/testing/sysfs-class-power
_MAINS = {"Mains", "USB", "USB_DCP", "USB_CDP", "USB_C", "USB_PD", "USB_PD_DRP", "BrickID", "Wireless"}
_OTHERS = {"UPS", "USB_ACA", "Unknown"}
_ENOUGH = 50  # per cent: an hour or more on most machines


@check(
    "power",
    requirement=f"The mains are connected, and a battery has at least {_ENOUGH} % for when they fail.",
    measured="/sys/class/power_supply",
    remedy="Connect the mains and charge the battery. A power cut ends a ceremony wherever it is.",
)
def power(machine: Machine) -> Finding:
    """Batteries of mice and keyboards, whose scope is the device, do not count."""
    mains, charges = [], []
    for name in machine.members("/sys/class", "power_supply"):
        path = f"/sys/class/power_supply/{name}"
        kind = machine.word(f"{path}/type")
        if kind not in {"Battery", *_MAINS, *_OTHERS}:
            message = f"{path}/type is not understood"
            raise UnreadableError(message)
        if machine.exists(f"{path}/scope") and machine.word(f"{path}/scope") == "Device":
            continue
        if kind == "Battery":
            charges.append(machine.number(f"{path}/capacity"))
        elif kind in _MAINS:
            mains.append(machine.number(f"{path}/online") in {1, 2})
    if not mains and not charges:
        return warned("neither mains nor a battery is seen")
    value = f"mains {'on' if any(mains) else 'off'}, battery {listed([f'{charge} %' for charge in charges])}"
    if not any(mains):
        return failed(value)
    return passed(value) if charges and all(_ENOUGH <= charge <= 100 for charge in charges) else warned(value)  # noqa: PLR2004
