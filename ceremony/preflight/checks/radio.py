"""No radio: neither drivers of wireless and Bluetooth devices, nor devices that are not blocked."""

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError

# What the drivers of all such devices need, and the commonest drivers.
_DRIVERS = {
    "bluetooth",
    "btusb",
    "cdc_mbim",
    "cfg80211",
    "hci_uart",
    "ieee802154",
    "lib80211",
    "mac80211",
    "mac802154",
    "nfc",
    "qmi_wwan",
    "wwan",
}


@check(
    "no-radio",
    requirement="No wireless or Bluetooth driver is loaded, and no radio is unblocked.",
    measured="/proc/modules, /sys/class/rfkill, ieee80211, bluetooth",
    remedy="Take the radio out, or switch it off in the firmware. Else, as root: rfkill block all; then "
    "modprobe --remove for each driver.",
)
def radio(machine: Machine) -> Finding:
    """Drivers that are part of the kernel itself are seen by their devices only."""
    drivers = sorted(_modules(machine) & _DRIVERS)
    devices = [name for kind in ("ieee80211", "bluetooth") for name in machine.members("/sys/class", kind)]
    switches = [f"/sys/class/rfkill/{name}" for name in machine.members("/sys/class", "rfkill")]
    unblocked = [machine.word(f"{switch}/name") for switch in switches if not _is_blocked(machine, switch)]
    if devices and not switches:
        unblocked = devices  # and nothing to block them with
    if drivers or unblocked:
        return failed(f"drivers: {listed(drivers)}; not blocked: {listed(unblocked)}")
    return passed(f"none; blocked: {listed(devices)}" if devices else "none")


def _modules(machine: Machine) -> set[str]:
    signs = [machine.exists(path) for path in ("/proc/modules", "/proc/sys/kernel/modules_disabled")]
    if not any(signs):
        return set()  # a kernel without modules has neither
    lines = machine.read("/proc/modules").strip().split("\n")
    if any(not line.rpartition(" 0x")[2] or len(line.split()) < 6 for line in lines):  # noqa: PLR2004
        message = "/proc/modules is not understood"
        raise UnreadableError(message)
    return {line.split()[0] for line in lines}


def _is_blocked(machine: Machine, switch: str) -> bool:
    states = {machine.word(f"{switch}/{kind}") for kind in ("soft", "hard")}
    if not states <= {"0", "1"}:
        message = f"{switch} is not understood"
        raise UnreadableError(message)
    return "1" in states
