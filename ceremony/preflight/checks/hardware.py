"""The devices of this machine are those that the plan lists: nothing was plugged in or changed."""

from ceremony.preflight.finding import Check, Finding, check, failed, listed, passed, warned
from ceremony.preflight.inventory import Inventory, take
from ceremony.preflight.machine import Machine


def hardware_check(expected: Inventory | None) -> Check:
    """The check against the plan's inventory, if it has one."""

    @check(
        "inventory",
        requirement="The disks, USB and PCI devices are those that the plan lists.",
        measured="/sys/block, /sys/bus/usb, /sys/bus/pci",
        remedy="Unplug what is not in the plan, and look again. Find out what became of what is missing.",
    )
    def hardware(machine: Machine) -> Finding:
        found = take(machine)
        shown = f"SHA-256 {found.digest.hex()[:16]}: {listed(found.entries)}"
        if expected is None:
            return warned(f"{shown} (the plan lists none)", "Compare the list with the preparation's record.")
        if found == expected:
            return passed(shown)
        return failed(f"not in the plan: {listed(found.without(expected))}; missing: {listed(expected.without(found))}")

    return hardware
