"""Memory can be locked: not looked up, but done."""

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine
from escrow.errors import LockedMemoryError
from escrow.memory.process import LOCKED_BYTES_NEEDED


@check(
    "memory-lock",
    requirement="As much memory as a ceremony needs can be locked.",
    measured="mlock(2), in a child",
    remedy="As root, raise the limit of the shell: prlimit --memlock=unlimited --pid PID, where PID is what "
    "'echo $$' says in it. If memory is short, end other programs.",
)
def memory_lock(machine: Machine) -> Finding:
    """The machine says why if it cannot."""
    try:
        machine.lock()
    except LockedMemoryError as error:
        return failed(str(error))
    return passed(f"{LOCKED_BYTES_NEEDED >> 20} MiB were locked and released")
