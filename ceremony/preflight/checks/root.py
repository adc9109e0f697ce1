"""The root file system lies in memory: what programs write is gone with the power."""

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine


@check(
    "root-in-memory",
    requirement="The root file system lies in memory, so that nothing survives the power.",
    measured="/proc/self/mountinfo",
    remedy="Start a live system without persistence (Debian live, Tails) from a stick or a disc.",
)
def root(machine: Machine) -> Finding:
    """A live system's root is an overlay: where that writes to counts."""
    mounts = [mount for mount in machine.mounts() if mount.point == "/"]
    holder = machine.holder("/")
    value = holder.kind if holder in mounts else f"an overlay that writes to {holder.kind}"
    return passed(value) if holder.in_memory else failed(value)
