"""A machine that is fit for the ceremony, laid out in a directory: /proc, /sys, /etc and what programs say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ceremony.preflight.machine import Machine, UnreadableError

Change = str | bytes | None
"""The content of a file; "-> TARGET" is a link; None is nothing. A path that ends with / is a directory."""

UPPER = "upperdir=/run/live/overlay/rw,workdir=/run/live/overlay/work"
ROOT = f"22 1 0:20 / / rw,noatime shared:1 - overlay overlay rw,lowerdir=/run/live/rootfs/a.squashfs/,{UPPER}\n"
MOUNTS = f"""{ROOT}23 22 0:21 / /proc rw,nosuid - proc proc rw
24 22 0:22 / /sys rw,nosuid - sysfs sysfs rw
25 22 0:23 / /run rw,nosuid master:2 - tmpfs tmpfs rw,size=1g
26 25 8:17 / /run/live/medium ro - iso9660 /dev/sdb1 ro
27 25 7:0 / /run/live/rootfs/a.squashfs ro - squashfs /dev/loop0 ro
28 25 0:24 / /run/live/overlay rw - tmpfs tmpfs rw,mode=755
"""
STICK = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/host6/block/sdb"
DISK = "/sys/devices/pci0000:00/0000:00:17.0/ata1/host0/block/sda"
NVME = "/sys/devices/pci0000:00/0000:00:1d.0/nvme/nvme0/nvme0n1"
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
IPV6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
ROUTES = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
PRINTER = "device for Laser: usb://HP/LaserJet%20400?serial=CNF12345\n"

FIT: Mapping[str, Change] = {
    "/proc/self/mountinfo": MOUNTS,
    "/proc/self/environ": "HOME=/home/user\0PATH=/usr/bin\0",
    "/proc/self/status": "Name:\tpython3\nState:\tR (running)\nPPid:\t100\n",
    "/proc/self/limits": "Limit  Soft Limit  Hard Limit  Units\nMax core file size  0  unlimited  bytes\n",
    "/proc/100/status": "Name:\tbash\nPPid:\t1\n",
    "/proc/1/status": "Name:\tsystemd\nPPid:\t0\n",
    "/proc/1/cgroup": "0::/init.scope\n",
    "/proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
    "/proc/modules": "i915 3133440 29 - Live 0x0000000000000000\nusbhid 65536 0 - Live 0x0000000000000000\n",
    "/proc/sys/kernel/modules_disabled": "0\n",
    "/proc/sys/kernel/core_pattern": "|/bin/false\n",
    "/proc/sys/kernel/yama/ptrace_scope": "1\n",
    "/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu vme rdrand aes\n",
    "/proc/net/route": ROUTES,
    "/proc/net/ipv6_route": IPV6,
    "/proc/net/if_inet6": "00000000000000000000000000000001 01 80 10 80       lo\n",
    "/sys/power/state": "freeze mem\n",
    "/sys/power/disk": "[disabled]\n",
    "/sys/power/pm_freeze_timeout": "20000\n",
    "/sys/power/image_size": "0\n",
    "/sys/power/resume": "0:0\n",
    "/sys/kernel/security/lockdown": "none integrity [confidentiality]\n",
    SECURE_BOOT: b"\x06\0\0\0\x01",
    "/sys/block/sdb/size": "30031872\n",
    "/sys/block/sdb/device/model": "Ultra Fit       \n",
    "/sys/block/loop0/size": "2000000\n",
    "/sys/dev/block/8:17": f"-> ../..{STICK.removeprefix('/sys')}/sdb1",
    "/sys/dev/block/7:0": "-> ../../devices/virtual/block/loop0",
    "/sys/devices/virtual/block/loop0/removable": "0\n",
    f"{STICK}/removable": "0\n",
    f"{STICK}/sdb1/partition": "1\n",
    "/sys/bus/usb/devices/1-1/idVendor": "0781\n",
    "/sys/bus/usb/devices/1-1/idProduct": "5583\n",
    "/sys/bus/usb/devices/1-1:1.0/": "",
    "/sys/bus/pci/devices/0000:00:14.0/vendor": "0x8086\n",
    "/sys/bus/pci/devices/0000:00:14.0/device": "0xa12f\n",
    "/sys/class/net/lo/flags": "0x9\n",
    "/sys/class/net/eth0/flags": "0x1002\n",
    "/sys/class/dmi/id/sys_vendor": "LENOVO\n",
    "/sys/class/dmi/id/product_name": "20L5\n",
    "/sys/class/misc/hw_random/rng_current": "tpm-rng-0\n",
    "/sys/class/misc/hw_random/rng_available": "tpm-rng-0 \n",
    "/sys/class/power_supply/AC/type": "Mains\n",
    "/sys/class/power_supply/AC/online": "1\n",
    "/sys/class/power_supply/BAT0/type": "Battery\n",
    "/sys/class/power_supply/BAT0/capacity": "97\n",
    "/etc/localtime": b"TZif2\0\0\0\nUTC0\n",
    "/etc/cups/cups-files.conf": "#RequestRoot /var/spool/cups\nSystemGroup root lpadmin\n",
    "/etc/cups/cupsd.conf": "LogLevel warn\nPreserveJobHistory Yes\nPreserveJobFiles No\n",
    "/dev/video0": "",
    "/home/user/": "",
    "/var/log/": "",
    "/run/live/overlay/rw/": "",
}


@dataclass
class Stage:
    """A machine to be changed: what it differs in from one that is fit."""

    files: Mapping[str, Change] = field(default_factory=dict)
    says: Mapping[str, str | None] = field(default_factory=dict)
    lock: Callable[[], None] = lambda: None
    draw: Callable[[], None] = lambda: None
    self_tests: Mapping[str, Callable[[], None]] = field(default_factory=lambda: {"sums": lambda: None})

    def build(self, root: Path, machine: type[Machine] = Machine) -> Machine:
        """Lay it out below an empty directory."""
        for path, content in {**FIT, **self.files}.items():
            _lay_out(root / path.lstrip("/"), content, is_directory=path.endswith("/"))
        tool = root / "tool"
        tool.mkdir()
        (tool / "words.py").write_text("WORDS = ()\n")
        return machine(root, self._execute, self.lock, self.draw, self.self_tests, {"escrow": tool})

    def _execute(self, command: Sequence[str]) -> str:
        said = {"lpstat": PRINTER, "systemd-detect-virt": "none\n", **self.says}[command[0]]
        if said is None:
            message = f"{command[0]} is not installed"
            raise UnreadableError(message)
        return said


def _lay_out(path: Path, content: Change, *, is_directory: bool) -> None:
    if content is None:
        return
    if is_directory:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content.startswith("-> "):
        path.symlink_to(content[3:])
    else:
        path.write_text(content)
