"""No network: no interface is up but the loopback, and nothing leads anywhere else."""

import re
from collections.abc import Iterator

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError

_IFF_UP = 0x1
_RTF_REJECT = 0x0200
_ZERO = {"00000000", "0" * 32, "00"}


@check(
    "no-network",
    requirement="No network interface is up but lo, and there is no default route.",
    measured="/sys/class/net/*/flags, /proc/net/route, /proc/net/ipv6_route",
    remedy="Unplug the cables. As root, for each interface: ip link set dev NAME down",
)
def network(machine: Machine) -> Finding:
    """Interfaces that are down are named."""
    names = machine.names("/sys/class/net")
    if "lo" not in names:
        message = "/sys/class/net shows no loopback"
        raise UnreadableError(message)
    up = [name for name in names if name != "lo" and _is_up(machine, name)]
    down = [name for name in names if name != "lo" and name not in up]
    routes = sorted({*_ipv4(machine), *_ipv6(machine)})
    if up or routes:
        return failed(f"up: {listed(up)}; default route by: {listed(routes)}")
    return passed(f"only lo; down: {listed(down)}")


def _is_up(machine: Machine, name: str) -> bool:
    flags = machine.word(f"/sys/class/net/{name}/flags")
    if not re.fullmatch("0x[0-9a-f]+", flags):
        message = f"the flags of {name} are not understood"
        raise UnreadableError(message)
    return bool(int(flags, 16) & _IFF_UP)


def _ipv4(machine: Machine) -> Iterator[str]:
    text = machine.read("/proc/net/route")
    if not text and not _is_up(machine, "lo"):
        return  # before the first address there is no table
    header, *lines = text.strip().split("\n")
    if not header.startswith("Iface"):
        message = "/proc/net/route is not understood"
        raise UnreadableError(message)
    for name, destination, _, _, _, _, _, mask, *_ in map(str.split, lines):
        if {destination, mask} <= _ZERO:
            yield name


def _ipv6(machine: Machine) -> Iterator[str]:
    there = [machine.exists(f"/proc/net/{name}") for name in ("ipv6_route", "if_inet6")]
    if not any(there):
        return  # a kernel without IPv6 has neither
    lines = machine.read("/proc/net/ipv6_route").strip().split("\n")
    for destination, length, _, _, _, _, _, _, flags, name in map(str.split, lines):
        if {destination, length} <= _ZERO and not int(flags, 16) & _RTF_REJECT:
            yield name
