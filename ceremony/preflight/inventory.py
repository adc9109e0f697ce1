"""The inventory of a machine: which disks, USB and PCI devices it has. No serial numbers, no order, no addresses."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass

from ceremony.planning.tables import Devices
from ceremony.preflight.machine import Machine

_SECTOR = 512  # bytes, whatever the disk's own sectors are (Linux, Documentation/ABI/stable/sysfs-block)
_NO_DEVICE = ("loop", "ram", "zram", "dm-", "md")


@dataclass(frozen=True)
class Inventory:
    """Each tuple sorted. Disks are "MODEL, N bytes", the others "vendor:product" in hex."""

    disks: tuple[str, ...] = ()
    usb: tuple[str, ...] = ()
    pci: tuple[str, ...] = ()

    @property
    def entries(self) -> list[str]:
        """All of them, each with its kind before it; several alike are counted."""
        return [f"{count} x {entry}" if count > 1 else entry for entry, count in self.counted.items()]

    @property
    def counted(self) -> Counter[str]:
        """How many there are of each."""
        kinds = (("disk", self.disks), ("USB", self.usb), ("PCI", self.pci))
        return Counter(f"{kind} {name}" for kind, names in kinds for name in names)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the inventory as JSON, for the transcript."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode("ascii")).digest()

    @property
    def as_table(self) -> str:
        """The table [machine] of a plan that lists exactly these."""
        kinds = asdict(self).items()
        lists = (f"{kind} = {json.dumps(sorted(names), ensure_ascii=False)}" for kind, names in kinds)
        return "\n".join(["[machine]", *lists])

    def without(self, other: "Inventory") -> list[str]:
        """What is here and not in the other."""
        return sorted((self.counted - other.counted).elements())


def planned(devices: Devices | None) -> Inventory | None:
    """What a plan lists; None if it lists nothing."""
    if devices is None:
        return None
    disks, usb, pci = (tuple(sorted(names)) for names in (devices.disks, devices.usb, devices.pci))
    return Inventory(disks, usb, pci)


def take(machine: Machine) -> Inventory:
    """What this machine has. Raises UnreadableError, ValueError."""
    disks = [name for name in machine.names("/sys/block") if not name.startswith(_NO_DEVICE)]
    usb = [f"/sys/bus/usb/devices/{name}" for name in _on(machine, "usb")]
    pci = [f"/sys/bus/pci/devices/{name}" for name in _on(machine, "pci")]
    return Inventory(
        tuple(sorted(_disk(machine, f"/sys/block/{name}") for name in disks)),
        # A device has interfaces beside it in the directory: they have a colon in their names.
        tuple(sorted(_pair(machine, path, "idVendor", "idProduct") for path in usb if ":" not in path)),
        tuple(sorted(_pair(machine, path, "vendor", "device") for path in pci)),
    )


def _on(machine: Machine, bus: str) -> list[str]:
    return machine.names(f"/sys/bus/{bus}/devices") if bus in machine.names("/sys/bus") else []


def _disk(machine: Machine, path: str) -> str:
    size = machine.number(f"{path}/size") * _SECTOR
    model = f"{path}/device/model"
    return f"{' '.join(machine.word(model).split()) if machine.exists(model) else 'no model'}, {size} bytes"


def _pair(machine: Machine, path: str, first: str, second: str) -> str:
    return ":".join(f"{int(machine.word(f'{path}/{name}'), 16):04x}" for name in (first, second))
