"""Media: what can be taken out of the machine, as the kernel lists it, mounted or not. Nothing is asked or written.

A medium is a mounted file system on a device that is no fixed disk, and neither the root nor where the ceremony's own
folder lies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ceremony.preflight.disks import device_of, is_fixed
from ceremony.preflight.machine import Machine
from ceremony.run.identity import Identity
from escrow.errors import EscrowError, FileError
from escrow.mounts import Mount, mount_of

_IMAGES = {"squashfs", "erofs", "cramfs"}  # a live system's own
_SECTOR = 512  # bytes, whatever the device's own sectors are (Linux, Documentation/ABI/stable/sysfs-block)
_GIGABYTE = 10**9
_ON_OTHERS = ("dm-", "md")
_IN_FILES = ("loop", "ram", "zram")
_NO_DEVICE = (*_IN_FILES, *_ON_OTHERS)


@dataclass(frozen=True)
class Medium:
    """A file system: where it is mounted, its device as "major:minor" and by name, what it is; bytes in all and free.

    `sequence` is the number that the kernel gave to the device when it was plugged in, or its disc put in: no two have
    the same (Linux 5.15, Documentation/ABI/testing/sysfs-block, diskseq). Empty if this kernel has none.
    """

    point: str
    device: str
    source: str
    name: str
    kind: str
    size: int
    free: int
    read_only: bool
    sequence: str
    identity: Identity

    def __str__(self) -> str:
        state = "READ-ONLY" if self.read_only else f"{_size(self.free)} of {_size(self.size)} free"
        return f"{self.point}  ({', '.join(filter(None, [self.source, self.name, self.kind, state]))})"


def mounted(machine: Machine, own: Path) -> list[Medium]:
    """The media that are mounted, in the order of their mount points. What cannot be examined is left out."""
    found: dict[str, Medium] = {}
    for mount in machine.mounts():
        try:
            medium = medium_at(machine, Path(mount.point), own)
        except (EscrowError, ValueError, OSError):
            continue
        if medium.device not in found or medium.point < found[medium.device].point:
            found[medium.device] = medium
    return sorted(found.values(), key=lambda medium: medium.point)


def medium_at(machine: Machine, path: Path, own: Path) -> Medium:
    """The medium that keeps what is written at a path. Raises FileError, saying why it is none; UnreadableError."""
    mount = _holder(machine, str(path))
    device = device_of(machine, mount)
    if device is None or mount.kind in _IMAGES:
        message = f"{path} is on {mount.kind}, which is no medium that can be taken out."
        raise FileError(message)
    if mount.device in {_holder(machine, place).device for place in (str(own), "/")}:
        message = (
            f"{path} is on the same file system as the ceremony's folder or the system: it is no medium of its own."
        )
        raise FileError(message)
    if PurePosixPath(device).name.startswith(_IN_FILES):
        message = f"{path} is on {mount.source}, an image in a file or in memory: it ends with that, and is no medium."
        raise FileError(message)
    if is_fixed(machine, device):
        message = f"{path} is on {mount.source}, a fixed disk, which is no medium that can be taken out."
        raise FileError(message)
    size, free, read_only = machine.space(mount.point)
    return Medium(
        mount.point,
        mount.device,
        mount.source,
        _model(machine, device),
        mount.kind,
        size,
        free,
        read_only,
        _sequence(machine, device),
        Identity.of(machine, device, _disk(machine, device)),
    )


def where(machine: Machine, medium: Medium) -> list[str]:
    """Where the very file system of a medium is still mounted; nothing once it was unmounted, or is another by now."""
    return [mount.point for mount in machine.mounts() if _is_on(machine, mount, medium)]


def _is_on(machine: Machine, mount: Mount, medium: Medium) -> bool:
    if mount.device != medium.device:
        return False
    try:
        device = device_of(machine, mount)
    except EscrowError:
        return True  # pulled out without being unmounted: the kernel still holds what it had of it
    return bool(device) and _sequence(machine, str(device)) == medium.sequence


def waiting(machine: Machine) -> list[str]:
    """Devices that can be taken out and are not mounted, or their partitions: "/dev/sdb1 (NAME, SIZE)"."""
    try:
        used = {_name_of(machine, mount) for mount in machine.mounts()}
        return [text for name in machine.names("/sys/class/block") if (text := _waiting(machine, name, used))]
    except (EscrowError, ValueError, OSError):
        return []


def _waiting(machine: Machine, name: str, used: set[str]) -> str:
    if name in used or name.startswith(_NO_DEVICE):
        return ""
    device = machine.real(f"/sys/class/block/{name}")
    size = machine.number(f"{device}/size") * _SECTOR
    if not size or is_fixed(machine, device) or any(_partitions(machine, device)):
        return ""
    return f"/dev/{name} ({', '.join(filter(None, [_model(machine, device), _size(size)]))})"


def _partitions(machine: Machine, device: str) -> Iterator[str]:
    return (name for name in machine.names(device) if machine.exists(f"{device}/{name}/partition"))


def _name_of(machine: Machine, mount: Mount) -> str:
    try:
        return PurePosixPath(device_of(machine, mount) or "").name
    except EscrowError:
        return ""


def _holder(machine: Machine, path: str) -> Mount:
    """The mount that keeps what is written at a path; in a container, where that is not to be seen, the one above."""
    try:
        return machine.holder(path)
    except FileError:
        return mount_of(machine.mounts(), machine.real(path))


def _disk(machine: Machine, device: str) -> str:
    """The whole device that a partition is of."""
    return str(PurePosixPath(device).parent) if machine.exists(f"{device}/partition") else device


def _sequence(machine: Machine, device: str) -> str:
    """Of a device that lies on others (an encrypted stick) nothing: it has a new number when only it is opened anew."""
    disk = _disk(machine, device)
    return "" if PurePosixPath(disk).name.startswith(_ON_OTHERS) else _text(machine, f"{disk}/diskseq")


def _model(machine: Machine, device: str) -> str:
    return " ".join(_text(machine, f"{_disk(machine, device)}/device/model").split())


def _text(machine: Machine, path: str) -> str:
    try:
        return machine.word(path)
    except EscrowError:
        return ""


def _size(count: int) -> str:
    return f"{count / _GIGABYTE:.1f} GB" if count >= _GIGABYTE else f"{count / 10**6:.1f} MB"
