"""Hand something over to another program through memory, and become that program.

What is handed over has no name in any file system: it ends with the program that got it.
"""

import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from typing import NoReturn

from escrow.memory.process import environment_for_others
from escrow.memory.secret import Secret, close_all
from escrow.memory.signals import HELD

FIRST_FREE = 100
"""What is handed over lies at descriptors from here on, or at the number below that the program expects."""


def memory_file(name: str, content: bytes | memoryview) -> int:
    """A file in memory that nobody can change any more (memfd_create(2), all seals); its descriptor.

    Its pages can be swapped, and the account's other processes may read it: only for what is public or encrypted.
    """
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return _out_of_the_way(descriptor)


def pipe_holding(secret: Secret) -> int:
    """The end of a pipe from which a short secret can be read once; its descriptor.

    A pipe's pages are the kernel's own, and are never swapped. Up to PIPE_BUF (4096) bytes.
    """
    reading, writing = os.pipe()
    try:
        os.write(writing, secret.view)
    finally:
        os.close(writing)
    return _out_of_the_way(reading)


def become(command: Sequence[str], descriptors: Mapping[int, int]) -> NoReturn:
    """Wipe every Secret and replace this process by another program, found on the PATH.

    It gets the descriptors under the numbers that are their keys, this process' number, terminal and directory,
    the environment that this program was given, and no core dumps. Raises OSError if it cannot be executed.
    """
    close_all()
    for number, descriptor in descriptors.items():
        if number == descriptor:
            os.set_inheritable(descriptor, True)
        else:
            os.dup2(descriptor, number, inheritable=True)
    # From here on a signal does what it would do to the new program in its first moment: none is lost in between.
    for each in (*HELD, signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores the last two, and exec would keep that
        signal.signal(each, signal.SIG_DFL)
    os.execvpe(command[0], list(command), environment_for_others())  # noqa: S606 - no shell between


def _out_of_the_way(descriptor: int) -> int:
    """The same at a number that no program expects anything at."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
    os.close(descriptor)
    return high
