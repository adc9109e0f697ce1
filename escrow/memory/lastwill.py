"""What is to be undone if this process dies without doing it itself.

A process that is killed or aborts runs no handler: unfinished files would stay, and a terminal would stay silent.
So a child waits for its end. It is forked before it could inherit a secret (Secrets are not inherited), reads
one pipe, and acts when the pipe closes.
"""

import os
import signal
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import NoReturn

from escrow.memory.signals import signals_held

_REVOKED = b"\0"
_SEPARATOR = b"\n\0\n"


class LastWill:
    """`undo` is called with all that was added, in a process of its own, unless `revoke` was called before.

    That process has no open descriptors but the `needed` ones.
    """

    def __init__(self, undo: Callable[[Sequence[str]], None], *needed: int) -> None:
        reading, self._writing = os.pipe()
        self._owner = os.getpid()
        with signals_held():
            self._executor = os.fork()
            if self._executor == 0:
                _execute(undo, {reading, *needed}, reading)
        os.close(reading)

    def add(self, entry: str) -> None:
        """Have `undo` called with this entry too. Any text but a NUL between two line ends."""
        os.write(self._writing, os.fsencode(entry) + _SEPARATOR)

    def revoke(self) -> None:
        """Everything was done or undone by this process itself. In any other process nothing happens."""
        if self._owner != os.getpid():
            return
        os.write(self._writing, _REVOKED)
        os.close(self._writing)
        os.waitpid(self._executor, 0)


def _execute(undo: Callable[[Sequence[str]], None], needed: AbstractSet[int], reading: int) -> NoReturn:
    try:
        os.setsid()  # outlive what is sent to the group, and set a terminal from its background
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)
        first = 0
        for descriptor in sorted(needed):
            os.closerange(first, descriptor)  # above all the other end of this pipe, and of another will's
            first = descriptor + 1
        os.closerange(first, os.sysconf("SC_OPEN_MAX"))
        content = b""
        while chunk := os.read(reading, 1 << 16):
            content += chunk
        if not content.endswith(_REVOKED):
            with suppress(OSError):  # nobody is left to be told
                undo([os.fsdecode(entry) for entry in content.split(_SEPARATOR)[:-1]])
    finally:
        os._exit(0)
