"""No swap: what is swapped out is written to something, even if it is memory."""

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError


@check(
    "no-swap",
    requirement="No swap is in use.",
    measured="/proc/swaps, /sys/block/zram*",
    remedy="As root: swapoff --all",
)
def swap(machine: Machine) -> Finding:
    """A zram device that is no swap does no harm, and is named."""
    header, *areas = machine.read("/proc/swaps").strip().split("\n")
    if not header.startswith("Filename"):
        message = "/proc/swaps is not understood"
        raise UnreadableError(message)
    zram = [
        name
        for name in machine.names("/sys/block")
        if name.startswith("zram") and machine.number(f"/sys/block/{name}/disksize")
    ]
    if areas:
        return failed(listed([area.split()[0].rpartition("/")[2] for area in areas]))
    return passed(f"none, but {listed(zram)} is ready for it" if zram else "none")
