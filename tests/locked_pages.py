"""Write what the kernel says of each page of a worker's memory: new, inherited, and inherited and written to.

One line a page: its kind, and "locked" or "not locked" (KPF_MLOCKED in /proc/kpageflags; Linux,
Documentation/admin-guide/mm/pagemap.rst). Needs root. With the argument "forget", the worker does not lock itself.
"""

import ctypes
import os
import struct
import sys

from escrow.memory import isolate, protect, worker
from escrow.memory.libc import PAGE

COUNT = 512  # pages of each kind
PRESENT, FRAME, MLOCKED = 1 << 63, (1 << 55) - 1, 1 << 33


def said_of(pages: bytearray, kind: str) -> list[str]:
    """What the kernel says of the whole pages of a buffer."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    lines = []
    with open("/proc/self/pagemap", "rb", 0) as map_, open("/proc/kpageflags", "rb", 0) as flags:  # noqa: PTH123 - for pread
        for page in range(-(-address // PAGE), (address + len(pages)) // PAGE):
            (entry,) = struct.unpack("=Q", os.pread(map_.fileno(), 8, page * 8))
            (said,) = struct.unpack("=Q", os.pread(flags.fileno(), 8, (entry & FRAME) * 8))
            assert entry & PRESENT
            lines.append(f"{kind} {'locked' if said & MLOCKED else 'not locked'}")
    return lines


if __name__ == "__main__":
    if sys.argv[1:] == ["forget"]:
        worker.lock_again = lambda: None  # type: ignore[attr-defined]  # what isolate calls
    protect(required=True)
    inherited, written = bytearray(os.urandom(COUNT * PAGE)), bytearray(os.urandom(COUNT * PAGE))

    def task() -> bytes:
        """Write to what was inherited, and to new memory."""
        written[:] = new = bytearray(os.urandom(COUNT * PAGE))
        kinds = {"inherited": inherited, "written": written, "new": new}
        return "\n".join(line for kind, pages in kinds.items() for line in said_of(pages, kind)).encode()

    sys.stdout.write(isolate(task).decode())
