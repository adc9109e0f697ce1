"""No fixed disk is mounted: nothing can be written to what stays in the machine."""

from pathlib import PurePosixPath

from ceremony.preflight.disks import device_of, is_fixed
from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError


@check(
    "no-fixed-disks",
    requirement="No fixed disk is mounted.",
    measured="/proc/self/mountinfo, /sys/dev/block",
    remedy="As root, unmount it: umount DEVICE. Better: take the disk out before the machine is started.",
)
def fixed_disks(machine: Machine) -> Finding:
    """Sticks, cards and discs are not fixed, and are named."""
    mounts = machine.mounts()
    if not mounts:
        message = "/proc/self/mountinfo is empty"
        raise UnreadableError(message)
    fixed: set[str] = set()
    others: set[str] = set()
    for mount in mounts:
        device = device_of(machine, mount)
        if device is None:
            continue
        (fixed if is_fixed(machine, device) else others).add(f"{PurePosixPath(device).name} ({mount.kind})")
    if fixed:
        return failed(listed(sorted(fixed)))
    return passed(f"none; mounted are {listed(sorted(others))}" if others else "none")
