"""What each check must say of which machine: at least one that passes, and one for each way to warn or to fail."""

import datetime as dt
from dataclasses import dataclass, replace

from machines import DISK, FIT, IPV6, MOUNTS, NVME, PRINTER, ROOT, ROUTES, SECURE_BOOT, STICK, Change, Stage

from ceremony.preflight.checklist import Expected
from ceremony.preflight.checks.clock import Day
from ceremony.preflight.finding import Status
from ceremony.preflight.inventory import Inventory
from escrow.errors import LockedMemoryError, SelfTestError

PASS, WARN, FAIL, WAIVED = Status
SECONDS = dt.timedelta(seconds=1)
INVENTORY = Inventory(("Ultra Fit, 15376318464 bytes",), ("0781:5583",), ("8086:a12f",))
DATES = (dt.date(2030, 1, 15), dt.date(2030, 1, 22))
MIDNIGHT = dt.datetime(2030, 1, 15, tzinfo=dt.UTC)
CALM = Expected(INVENTORY, (), (12 * SECONDS, 59 * SECONDS), Day(MIDNIGHT + dt.timedelta(hours=10), DATES))


def at(hours: int, minutes: int = 0, excuse: str = "") -> Expected:
    """What is expected so long after the planned day began in UTC."""
    return replace(CALM, day=Day(MIDNIGHT + dt.timedelta(hours=hours, minutes=minutes), DATES, excuse))


def refuse() -> None:
    message = "512 MiB of memory cannot be locked: the limit on locked memory (RLIMIT_MEMLOCK) is reached."
    raise LockedMemoryError(message)


def block() -> None:
    raise BlockingIOError


def miscount() -> None:
    message = "the answer is wrong (combine)"
    raise SelfTestError(message)


def break_down() -> None:
    raise ZeroDivisionError


def mounts(*lines: str) -> dict[str, Change]:
    return {"/proc/self/mountinfo": "".join(f"{line}\n" for line in lines)}


def on(device: str, number: str, removable: str, **more: str) -> dict[str, Change]:
    """A block device, and a mount of it."""
    files: dict[str, Change] = {
        f"/sys/dev/block/{number}": f"-> ../..{device.removeprefix('/sys')}",
        f"{device}/removable": removable,
        "/proc/self/mountinfo": f"{MOUNTS}40 22 {number} / /mnt rw - ext4 /dev/x rw\n",
    }
    return files | {f"{device}/{name.replace('_', '/')}": content for name, content in more.items()}


def battery(capacity: str, online: str, **more: str) -> dict[str, Change]:
    supply = "/sys/class/power_supply"
    files: dict[str, Change] = {f"{supply}/BAT0/capacity": capacity, f"{supply}/AC/online": online}
    return files | {f"{supply}/{name.replace('_', '/')}": content for name, content in more.items()}


def without(*starts: str) -> dict[str, Change]:
    return {path: None for path in FIT if path.startswith(starts)}


DISK_ROOT = mounts("22 1 8:1 / / rw - ext4 /dev/sda1 rw")
AUTO_LOG = DISK_ROOT | {"/etc/systemd/journald.conf": "[Journal]\n#Storage=auto\n"}
VOLATILE = DISK_ROOT | {"/etc/systemd/journald.conf": "[Journal]\nStorage=volatile\n"}
NO_DROP_IN: dict[str, Change] = {"/run/systemd/journald.conf.d/README": "[Journal]\nStorage=persistent\n"}
DROP_IN = {"/run/systemd/journald.conf.d/90-disk.conf": "[Journal]\nStorage=persistent\n"}
RFKILL = {
    f"/sys/class/rfkill/rfkill0/{name}": text for name, text in {"name": "hci0", "soft": "1", "hard": "0"}.items()
}
NO_HIBERNATION: dict[str, Change] = {f"/sys/power/{name}": None for name in ("disk", "image_size", "resume")}
DEFAULT_ROUTE = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
DEFAULT_ROUTE_6 = IPV6.replace("00200200", "00000003").replace("lo", "eth0")
LINK_ROUTE_6 = DEFAULT_ROUTE_6.replace(f"{'0' * 32} 00", f"fe80{'0' * 28} 40", 1)
LUKS = "/sys/devices/virtual/block/dm-0"
LUKS_ON_STICK = on(LUKS, "254:0", "0", slaves_sdb1=f"-> ../../../..{STICK.removeprefix('/sys/devices')}/sdb1")
LUKS_ON_DISK = on(LUKS, "254:0", "0", slaves_sda=f"-> ../../../..{DISK.removeprefix('/sys/devices')}")


@dataclass(frozen=True)
class Case:
    """A check, the machine it looks at, what is expected of it, and what it must say."""

    id: str
    status: Status
    value: str
    stage: Stage
    expected: Expected


def case(identifier: str, status: Status, value: str, *, expected: Expected = CALM, **stage: object) -> Case:
    return Case(identifier, status, value, Stage(**stage), expected)  # type: ignore[arg-type]  # as the fields are


def files(identifier: str, status: Status, value: str, changes: dict[str, Change]) -> Case:
    return case(identifier, status, value, files=changes)


CASES: tuple[Case, ...] = (
    case("memory-lock", PASS, "768 MiB were locked"),
    case("memory-lock", FAIL, "RLIMIT_MEMLOCK", lock=refuse),
    case("self-tests", PASS, "sums"),
    case(
        "self-tests",
        FAIL,
        "sums: the answer is wrong (combine); more: ZeroDivisionError",
        self_tests={"sums": miscount, "more": break_down},
    ),
    case("self-tests", FAIL, "there are none", self_tests={}),
    case("tool", WARN, "compared with nothing"),
    case("tool", FAIL, "version", expected=replace(CALM, tool_words=("able",) * 32)),
    case("random", PASS, "tpm-rng-0, rdrand"),
    files("random", PASS, "ready, fed by rdrand", without("/sys/class/misc/hw_random") | {"/sys/class/misc/": ""}),
    files(
        "random",
        WARN,
        "without a hardware",
        {"/sys/class/misc/hw_random/rng_current": "none\n", "/proc/cpuinfo": "flags : fpu\n"},
    ),
    case("random", FAIL, "not ready", draw=block),
    files("clock-zone", PASS, "UTC", {}),
    files("clock-zone", PASS, "TZ=Etc/UTC", {"/proc/self/environ": "TZ=Etc/UTC\0", "/etc/localtime": None}),
    files("clock-zone", FAIL, "another zone", {"/etc/localtime": b"TZif2\nCET-1CEST,M3.5.0,M10.5.0/3\n"}),
    files("clock-zone", FAIL, "another zone", {"/proc/self/environ": "TZ=Europe/Berlin\0"}),
    case("clock-drift", PASS, "2 asked, 59 s"),
    case("clock-drift", WARN, "nobody", expected=replace(CALM, drifts=())),
    case("clock-drift", FAIL, "61 s", expected=replace(CALM, drifts=(0 * SECONDS, -61 * SECONDS))),
    case("clock-drift", FAIL, "1 asked", expected=replace(CALM, drifts=(0 * SECONDS,))),
    case("clock-day", PASS, "^2030-01-15 10:00 UTC, planned 2030-01-15 or 2030-01-22$"),
    case("clock-day", PASS, "2030-01-14 10:00", expected=at(-14)),
    case("clock-day", FAIL, "2030-01-14 09:59", expected=at(-14, -1)),
    case("clock-day", PASS, "2030-01-16 11:59", expected=at(36, -1)),
    case("clock-day", FAIL, "2030-01-16 12:00 UTC, planned", expected=at(36)),
    case("clock-day", PASS, "2030-01-22 20:00", expected=at(7 * 24 + 20)),
    case("clock-day", FAIL, "2031-01-15 00:00", expected=at(365 * 24)),
    case("clock-day", WARN, "begun before", expected=at(36, excuse="begun before")),
    case("clock-day", WARN, "no plan", expected=replace(CALM, day=None)),
    files("root-in-memory", PASS, "an overlay that writes to tmpfs", {}),
    files("root-in-memory", PASS, "rootfs", mounts("1 1 0:2 / / rw - rootfs rootfs rw")),
    files("root-in-memory", PASS, "tmpfs", mounts("5 1 8:1 / / rw - ext4 /dev/sda1 rw", "6 5 0:9 / / rw - tmpfs x rw")),
    files("root-in-memory", FAIL, "ext4", DISK_ROOT),
    files(
        "root-in-memory",
        FAIL,
        "writes to ext4",
        {
            "/proc/self/mountinfo": MOUNTS.replace(
                "28 25 0:24 / /run/live/overlay rw - tmpfs tmpfs", "28 25 8:5 / /run/live/overlay rw - ext4 /dev/sda5"
            )
        },
    ),
    files("root-in-memory", FAIL, "cannot be seen", mounts(ROOT.strip())),
    files("root-in-memory", FAIL, "cannot be seen", {"/run/live/overlay/rw/": None}),
    files(
        "root-in-memory",
        FAIL,
        "cannot be seen",
        {"/proc/self/mountinfo": MOUNTS.replace("upperdir=/run/live/overlay/rw,", "")},
    ),
    files("no-swap", PASS, "none$", {}),
    files("no-swap", PASS, "zram0 is ready", {"/sys/block/zram0/disksize": "1073741824\n"}),
    files("no-swap", PASS, "none$", {"/sys/block/zram0/disksize": "0\n"}),
    files(
        "no-swap",
        FAIL,
        "sda2, zram0",
        {"/proc/swaps": "Filename Type\n/dev/sda2 partition 1 0 -2\n/dev/zram0 partition 1 0 5\n"},
    ),
    files("no-hibernation", PASS, "disabled", {}),
    files("no-hibernation", PASS, "does not know how", NO_HIBERNATION),
    files("no-hibernation", PASS, "does not know how", {**NO_HIBERNATION, "/sys/power/state": ""}),
    files("no-hibernation", FAIL, "possible: [disabled]", {"/sys/power/state": "freeze mem disk\n"}),
    files(
        "no-hibernation",
        FAIL,
        "[platform] shutdown",
        {"/sys/power/state": "freeze mem disk\n", "/sys/power/disk": "[platform] shutdown reboot suspend\n"},
    ),
    files("no-core-dumps", PASS, "|/bin/false", {}),
    files("no-core-dumps", PASS, "the limit is 0", {"/proc/sys/kernel/core_pattern": "core\n"}),
    files(
        "no-core-dumps",
        FAIL,
        "systemd-coredump",
        {"/proc/sys/kernel/core_pattern": "|/usr/lib/systemd/systemd-coredump %P %u\n"},
    ),
    files(
        "no-core-dumps",
        FAIL,
        "unlimited",
        {
            "/proc/sys/kernel/core_pattern": "core\n",
            "/proc/self/limits": "Max core file size        unlimited           unlimited   bytes\n",
        },
    ),
    files("no-fixed-disks", PASS, "none; mounted are loop0 (squashfs), sdb1 (iso9660)", {}),
    files("no-fixed-disks", PASS, "none", mounts(ROOT.strip())),
    files("no-fixed-disks", PASS, "sr0 (ext4)", on(f"{DISK}/../sr0", "11:0", "1")),
    files(
        "no-fixed-disks",
        PASS,
        "mmcblk0 (ext4)",
        on("/sys/devices/pci/mmc/block/mmcblk0", "179:0", "0", device_type="SD\n"),
    ),
    files("no-fixed-disks", PASS, "dm-0 (ext4)", LUKS_ON_STICK),
    files("no-fixed-disks", FAIL, "dm-0 (ext4)", LUKS_ON_DISK | {f"{DISK}/removable": "0\n"}),
    files(
        "no-fixed-disks",
        FAIL,
        "mmcblk0 (ext4)",
        on("/sys/devices/pci/mmc/block/mmcblk0", "179:0", "0", device_type="MMC\n"),
    ),
    files("no-fixed-disks", FAIL, "sda (ext4)", on(DISK, "8:0", "0")),
    files(
        "no-fixed-disks",
        FAIL,
        "nvme0n1p2 (ext4)",
        on(f"{NVME}/nvme0n1p2", "259:2", "0", partition="2\n") | {f"{NVME}/removable": "0\n"},
    ),
    files(
        "no-fixed-disks",
        FAIL,
        "sda (btrfs)",
        on(DISK, "8:0", "0")
        | {
            "/dev/sda": "",
            "/sys/class/block/sda": f"-> ../..{DISK.removeprefix('/sys')}",
            "/proc/self/mountinfo": f"{MOUNTS}40 22 0:50 / /mnt rw - btrfs /dev/sda rw\n",
        },
    ),
    files(
        "no-fixed-disks",
        FAIL,
        "nfs4 (nfs4)",
        {"/proc/self/mountinfo": f"{MOUNTS}40 22 0:50 / /mnt rw - nfs4 server:/x rw\n"},
    ),
    files("no-network", PASS, "only lo; down: eth0$", {}),
    files("no-network", PASS, "only lo", {"/proc/net/ipv6_route": None, "/proc/net/if_inet6": None}),
    files("no-network", PASS, "only lo", {"/proc/net/route": "", "/sys/class/net/lo/flags": "0x8\n"}),
    files("no-network", PASS, "only lo", {"/proc/net/ipv6_route": IPV6 + LINK_ROUTE_6}),
    files("no-network", FAIL, "up: eth0", {"/sys/class/net/eth0/flags": "0x1003\n"}),
    files("no-network", FAIL, "default route by: eth0", {"/proc/net/route": ROUTES + DEFAULT_ROUTE}),
    files("no-network", FAIL, "default route by: eth0", {"/proc/net/ipv6_route": IPV6 + DEFAULT_ROUTE_6}),
    files("no-radio", PASS, "none", {}),
    files("no-radio", PASS, "none", {"/proc/modules": None, "/proc/sys/kernel/modules_disabled": None}),
    files("no-radio", PASS, "blocked: hci0", {**RFKILL, "/sys/class/bluetooth/hci0/": ""}),
    files("no-radio", FAIL, "drivers: cfg80211", {"/proc/modules": "cfg80211 1 0 - Live 0x0\n"}),
    files("no-radio", FAIL, "not blocked: hci0", {**RFKILL, "/sys/class/rfkill/rfkill0/soft": "0"}),
    files("no-radio", FAIL, "not blocked: phy0", {"/sys/class/ieee80211/phy0/": ""}),
    case("inventory", PASS, "disk Ultra Fit, 15376318464 bytes, USB 0781:5583, PCI 8086:a12f"),
    files(
        "inventory",
        FAIL,
        "not in the plan: USB 0bda:8153; missing: USB 0781:5583",
        {"/sys/bus/usb/devices/1-1/idVendor": "0bda\n", "/sys/bus/usb/devices/1-1/idProduct": "8153\n"},
    ),
    files(
        "inventory",
        FAIL,
        "not in the plan: PCI 8086:a12f; missing: none",
        {
            "/sys/bus/pci/devices/0000:00:15.0/vendor": "0x8086\n",
            "/sys/bus/pci/devices/0000:00:15.0/device": "0xa12f\n",
        },
    ),
    case(
        "inventory",
        WARN,
        "2 x PCI 8086:a12f (the plan lists none)",
        expected=replace(CALM, inventory=None),
        files={
            "/sys/bus/pci/devices/0000:00:15.0/vendor": "0x8086\n",
            "/sys/bus/pci/devices/0000:00:15.0/device": "0xa12f\n",
        },
    ),
    files("no-virtual-machine", PASS, "no sign", {}),
    case("no-virtual-machine", PASS, "no sign", files={"/usr/bin/systemd-detect-virt": ""}),
    files("no-virtual-machine", PASS, "no sign", without("/sys/class/dmi")),
    case(
        "no-virtual-machine",
        FAIL,
        "systemd says kvm",
        files={"/usr/bin/systemd-detect-virt": ""},
        says={"systemd-detect-virt": "kvm\n"},
    ),
    case(
        "no-virtual-machine",
        FAIL,
        "systemd says nothing",
        files={"/usr/bin/systemd-detect-virt": ""},
        says={"systemd-detect-virt": "\n"},
    ),
    files("no-virtual-machine", FAIL, "hypervisor", {"/proc/cpuinfo": "flags : fpu hypervisor lahf_lm\n"}),
    files("no-virtual-machine", FAIL, "firmware says QEMU", {"/sys/class/dmi/id/sys_vendor": "QEMU\n"}),
    files(
        "no-virtual-machine", FAIL, "control group says docker", {"/proc/1/cgroup": "0::/system.slice/docker-1.scope\n"}
    ),
    files("no-virtual-machine", FAIL, "there is /.dockerenv", {"/.dockerenv": ""}),
    files("lockdown", PASS, "confidentiality", {}),
    files("lockdown", WARN, "none", {"/sys/kernel/security/lockdown": "[none] integrity confidentiality\n"}),
    files("secure-boot", PASS, "on", {}),
    files("secure-boot", WARN, "not understood", {SECURE_BOOT: b"\x06\0\0\0\x07"}),
    files("secure-boot", WARN, "off", {SECURE_BOOT: b"\x06\0\0\0\0"}),
    files("secure-boot", WARN, "not started by UEFI", without("/sys/firmware/efi") | {"/sys/firmware/acpi/": ""}),
    files("tracing", PASS, "parents", {}),
    files("tracing", WARN, "every program", {"/proc/sys/kernel/yama/ptrace_scope": "0\n"}),
    case("printer", PASS, "Laser (usb://HP/LaserJet%20400)"),
    case("printer", PASS, "Ink (gutenprint53+usb://x)", says={"lpstat": "device for Ink: gutenprint53+usb://x\n"}),
    case("printer", PASS, "Raw (file:///dev/usb/lp0)", says={"lpstat": "device for Raw: file:///dev/usb/lp0\n"}),
    case(
        "printer",
        FAIL,
        "Laser (usb://HP/LaserJet%20400), PDF (cups-pdf:/)",
        says={"lpstat": PRINTER + "device for PDF: cups-pdf:/\n"},
    ),
    case(
        "printer", FAIL, "Net (ipp://printer.local/ipp)", says={"lpstat": "device for Net: ipp://printer.local/ipp\n"}
    ),
    case("printer", FAIL, "Disk (file:///var/tmp/lp0)", says={"lpstat": "device for Disk: file:///var/tmp/lp0\n"}),
    case("printer", FAIL, "none", says={"lpstat": "\n"}),
    case("printer", FAIL, "not installed", says={"lpstat": None}),
    case("printer", FAIL, "not understood", says={"lpstat": PRINTER + "what?\n"}),
    files("print-spool", PASS, "^/var/spool/cups on tmpfs, /var/spool/cups/tmp on tmpfs$", {}),
    files(
        "print-spool",
        PASS,
        "/run/spool on tmpfs",
        {"/etc/cups/cups-files.conf": "RequestRoot /run/spool\nSystemGroup x\n"},
    ),
    files("print-spool", FAIL, "/var/spool/cups on ext4", DISK_ROOT),
    files(
        "print-spool",
        FAIL,
        "/disk/tmp on ext4",
        {
            "/etc/cups/cups-files.conf": "SystemGroup x\nTempDir /disk/tmp\n",
            "/disk/": "",
            "/proc/self/mountinfo": f"{MOUNTS}40 22 8:1 / /disk rw - ext4 /dev/sda1 rw\n",
        },
    ),
    files("print-history", PASS, "PreserveJobFiles: No, PreserveJobHistory: Yes", {}),
    files("print-history", PASS, "PreserveJobHistory: not set", {"/etc/cups/cupsd.conf": "PreserveJobFiles No\n"}),
    files("print-history", FAIL, "PreserveJobFiles: not set", {"/etc/cups/cupsd.conf": "PreserveJobHistory Yes\n"}),
    files(
        "print-history",
        FAIL,
        "PreserveJobHistory: No",
        {"/etc/cups/cupsd.conf": "PreserveJobHistory Yes\nPreserveJobFiles No\nPreserveJobHistory No\n"},
    ),
    files("camera", PASS, "video0", {}),
    files("camera", WARN, "none", {"/dev/video0": None, "/dev/videos": "", "/dev/loop1": ""}),
    files("power", PASS, "mains on, battery 97 %", {}),
    files(
        "power",
        PASS,
        "mains on, battery 97 %",
        battery("97", "1", mouse_type="Battery", mouse_scope="Device", mouse_capacity="3"),
    ),
    files("power", WARN, "battery 12 %", battery("12", "1")),
    files("power", WARN, "battery none", without("/sys/class/power_supply/BAT0")),
    files("power", WARN, "neither", without("/sys/class/power_supply")),
    files("power", PASS, "battery 97 %", {"/sys/class/power_supply/BAT0/scope": "System\n"}),
    files("power", FAIL, "mains off, battery 97 %", without("/sys/class/power_supply/AC")),
    files("power", FAIL, "mains off", battery("97", "0")),
    files("shell-history", PASS, "HOME is on tmpfs", {}),
    files("shell-history", PASS, "switched off", {**DISK_ROOT, "/proc/self/environ": "HISTFILE=/dev/null\0"}),
    files("shell-history", PASS, "switched off", {**DISK_ROOT, "/proc/self/environ": "HISTFILE=\0"}),
    files("shell-history", PASS, "switched off", {**DISK_ROOT, "/proc/self/environ": "HISTSIZE=0\0"}),
    files("shell-history", PASS, "HISTFILE is on tmpfs", {"/proc/self/environ": "HISTFILE=/home/user/history\0"}),
    files("shell-history", FAIL, "HOME is on ext4", DISK_ROOT),
    files(
        "shell-history", FAIL, "an unknown file system", {"/proc/self/environ": "HISTFILE=history\0HOME=/home/user\0"}
    ),
    files("terminal-log", PASS, "none among python3, bash, systemd", {}),
    files("terminal-log", FAIL, "script", {"/proc/100/status": "Name:\tscript\nPPid:\t1\n"}),
    files("terminal-log", FAIL, "tmux: server", {"/proc/100/status": "Name:\ttmux: server\nPPid:\t1\n"}),
    files("system-log", PASS, "/var/log is on tmpfs", {}),
    files("system-log", PASS, "storage is volatile", VOLATILE),
    files("system-log", FAIL, "storage is automatic", AUTO_LOG),
    files("system-log", PASS, "storage is volatile", {**VOLATILE, **NO_DROP_IN}),
    files("system-log", FAIL, "storage is persistent", {**VOLATILE, **DROP_IN}),
    files("system-log", FAIL, "/var/log/syslog on ext4", {**VOLATILE, "/var/log/syslog": "x"}),
)
