"""Which medium it is, as far as it says so itself: so that two copies do not lie on one stick without anybody noticing.

A stick has a serial number, but a card reader gives its own for every card, and makers give one number to many sticks.
A file system has an identifier, but a stick may have several. Neither alone decides.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from ceremony.preflight.machine import Machine
from escrow.errors import EscrowError

_BY_UUID = "/dev/disk/by-uuid"  # made by udev, systemd's or another
_SECTOR = 512  # bytes, whatever the device's own sectors are (Linux, Documentation/ABI/stable/sysfs-block)


@dataclass(frozen=True)
class Identity:
    """What a medium says of itself; empty where it says nothing. `size` is the whole device's, in bytes.

    `partition` is the number of its partition, empty if it has none; `uuid` is that of its file system.
    """

    model: str
    serial: str
    size: int
    partition: str
    uuid: str

    @classmethod
    def of(cls, machine: Machine, device: str, disk: str) -> "Identity":
        """Of a device below /sys/devices, and the disk that it is a partition of, or itself. Raises nothing."""
        size = _word(machine, f"{disk}/size")
        return cls(
            " ".join(_word(machine, f"{disk}/device/model").split()),
            _serial(machine, disk),
            int(size) * _SECTOR if size.isdecimal() else 0,
            _word(machine, f"{device}/partition"),
            _uuid(machine, device),
        )

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Identity":
        """The inverse of `facts`. Raises TypeError for what it did not make."""
        return cls(**facts)

    @property
    def facts(self) -> dict[str, str | int]:
        """What the journal keeps."""
        return asdict(self)

    def is_that_of(self, other: "Identity") -> bool:
        """Whether both are of one medium: nothing says that they are of two."""
        if self.serial and other.serial and self.serial != other.serial:
            return False  # also if one was made of the other, bit by bit
        if self.uuid and self.uuid == other.uuid:
            return True
        one_device = (self.model, self.serial, self.size) == (other.model, other.serial, other.size)
        one_reader = self.partition == other.partition and self.uuid and other.uuid  # in it another card
        return bool(self.serial) and one_device and not one_reader


def _serial(machine: Machine, disk: str) -> str:
    """The device's own; of one on a USB cable that of the nearest USB device, and not that of the hub above it."""
    if own := _word(machine, f"{disk}/device/serial"):
        return own
    for path in PurePosixPath(disk).parents:
        if _word(machine, f"{path}/idVendor"):
            return _word(machine, f"{path}/serial")
    return ""


def _uuid(machine: Machine, device: str) -> str:
    name = PurePosixPath(device).name
    try:
        links = machine.names(_BY_UUID)
        return next((link for link in links if PurePosixPath(machine.real(f"{_BY_UUID}/{link}")).name == name), "")
    except EscrowError:
        return ""


def _word(machine: Machine, path: str) -> str:
    try:
        return machine.word(path)
    except EscrowError:
        return ""
