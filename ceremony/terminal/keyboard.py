"""The keyboard of the terminal while words are typed: each key as it is pressed, and nothing shown by itself."""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ceremony.terminal import screen
from escrow.errors import UsageError
from escrow.memory import LastWill


@contextmanager
def terminal_to_type_at() -> Iterator[int]:
    """The process's terminal. Raises UsageError where there is none."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        message = "There is no terminal to type shares at: give PAGES instead, or '-' for text on standard input."
        raise UsageError(message) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def whole_keyboard(terminal: int) -> Iterator[None]:
    """Get each key as it is pressed, without echo. Ctrl-C stays an interrupt; Ctrl-Z would leave the terminal so."""
    before = termios.tcgetattr(terminal)
    direct = termios.tcgetattr(terminal)
    direct[0] &= ~termios.IXON
    direct[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
    for key in (termios.VSUSP, termios.VQUIT):
        direct[6][key] = b"\0"
    direct[6][termios.VMIN], direct[6][termios.VTIME] = 1, 0

    def restore(_: object = None) -> None:
        with suppress(OSError, termios.error):  # the terminal may be gone
            os.write(terminal, screen.LEAVE)
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    will = LastWill(restore, terminal)  # killed in between, this process could not give the terminal back
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, direct)
        os.write(terminal, screen.ENTER)
        yield
    finally:
        restore()
        will.revoke()
