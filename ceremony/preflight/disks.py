"""Which device a mount is on, and whether that is a fixed disk or something that is taken out."""

from pathlib import PurePosixPath

from ceremony.preflight.machine import Machine
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


def device_of(machine: Machine, mount: Mount) -> str | None:
    """The device of a mount below /sys/devices, or None if it is on none. An unknown one is given as its kind."""
    if not mount.device.startswith("0:"):
        return machine.real(f"/sys/dev/block/{mount.device}")
    if mount.kind in _NO_DISK:
        return None
    if mount.source.startswith("/dev/"):  # file systems that may span several devices
        name = PurePosixPath(machine.real(mount.source)).name
        return machine.real(f"/sys/class/block/{name}")
    return mount.kind


def is_fixed(machine: Machine, device: str) -> bool:
    """Whether a device stays in the machine. Raises UnreadableError."""
    if not device.startswith("/"):
        return True
    if machine.exists(f"{device}/partition"):
        device = str(PurePosixPath(device).parent)
    if PurePosixPath(device).name.rstrip("0123456789") in _IN_MEMORY:
        return False
    below = machine.members(device, "slaves")
    if below:
        return any(is_fixed(machine, machine.real(f"{device}/slaves/{name}")) for name in below)
    if machine.exists(f"{device}/device/type") and machine.read(f"{device}/device/type").strip() == "SD":
        return False
    by_cable = any(part.startswith("usb") for part in PurePosixPath(device).parts)
    return not by_cable and machine.word(f"{device}/removable") != "1"
