"""Signals and forks: a handler must not unwind a newborn child through its parent's frames."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait until the end of the block. A child forked inside starts with them waiting, too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release_signals() -> None:
    """In a child: let signals come, now that its own handlers are set."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
