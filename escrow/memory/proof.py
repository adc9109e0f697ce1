"""Prove that memory can be locked, by doing it: what preflight asks long before the first secret."""

from contextlib import suppress
from pathlib import Path

from escrow.errors import LockedMemoryError
from escrow.memory import libc
from escrow.memory.process import LOCKED_BYTES_NEEDED, raise_limit
from escrow.memory.worker import isolate


def prove_lockable(length: int = LOCKED_BYTES_NEEDED) -> None:
    """Lock `length` bytes in a forked child, and let them go.

    Raises LockedMemoryError with the reason, WorkerError if the kernel kills the child for want of memory.
    """

    def in_worker() -> bytes:
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # if memory is short, this is what may go
        libc.unlock_all()  # what a protected parent has locked counts against the same limit
        raise_limit()
        try:
            libc.lock_and_release(length)
        except OSError as error:
            message = f"{length >> 20} MiB of memory cannot be locked: {libc.explain(error)}."
            raise LockedMemoryError(message) from None
        return b""

    isolate(in_worker)
