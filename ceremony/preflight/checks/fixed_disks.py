"""No fixed disk is mounted: nothing can be written to what stays in the machine."""

from pathlib import PurePosixPath

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError
from escrow.mounts import Mount

# File systems that are the kernel's own, or lie on others. Whatever is not known here counts as a disk.
_NO_DISK = {
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tmpfs",
    "tracefs",
}
_IN_MEMORY = ("loop", "ram", "zram")  # a loop device's file lies on another mount, which counts itself


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
        device = _device(machine, mount)
        if device is None:
            continue
        (fixed if _is_fixed(machine, device) else others).add(f"{PurePosixPath(device).name} ({mount.kind})")
    if fixed:
        return failed(listed(sorted(fixed)))
    return passed(f"none; mounted are {listed(sorted(others))}" if others else "none")


def _device(machine: Machine, mount: Mount) -> str | None:
    """The device of a mount below /sys/devices, or None if it is on none. An unknown one is given as its kind."""
    if not mount.device.startswith("0:"):
        return machine.real(f"/sys/dev/block/{mount.device}")
    if mount.kind in _NO_DISK:
        return None
    if mount.source.startswith("/dev/"):  # file systems that may span several devices
        name = PurePosixPath(machine.real(mount.source)).name
        return machine.real(f"/sys/class/block/{name}")
    return mount.kind


def _is_fixed(machine: Machine, device: str) -> bool:
    if not device.startswith("/"):
        return True
    if machine.exists(f"{device}/partition"):
        device = str(PurePosixPath(device).parent)
    if PurePosixPath(device).name.rstrip("0123456789") in _IN_MEMORY:
        return False
    below = machine.members(device, "slaves")
    if below:
        return any(_is_fixed(machine, machine.real(f"{device}/slaves/{name}")) for name in below)
    if machine.exists(f"{device}/device/type") and machine.read(f"{device}/device/type").strip() == "SD":
        return False
    by_cable = any(part.startswith("usb") for part in PurePosixPath(device).parts)
    return not by_cable and machine.word(f"{device}/removable") != "1"
