"""The desk at the terminal: one step a screen, 80 columns by 24 lines, no colour. Enter goes on, no other key."""

import os
import textwrap
from collections.abc import Iterator, Sequence

from ceremony.interrupt import Interrupted
from ceremony.run.questions import Asked, Fields
from ceremony.terminal.console import Progress, ask_password, open_terminal
from escrow.memory import Secret

_CLEAR = b"\x1b[H\x1b[2J\x1b[3J"  # the scroll-back, too
_WIDTH, _HEIGHT = 79, 22
_LONGEST = 4096


class TerminalDesk:
    """Asks and shows at the terminal of the process, whatever its standard input and output are."""

    def page(self, lines: Sequence[str]) -> None:
        """Show a step on a cleared screen."""
        Progress.make_room()
        with open_terminal("") as descriptor:
            os.write(descriptor, _CLEAR)
            self._write(descriptor, lines)

    def say(self, text: str) -> None:
        """Add lines below."""
        Progress.make_room()
        with open_terminal("") as descriptor:
            self._write(descriptor, text.split("\n"))

    def line(self, asked: Asked, fields: Fields) -> str:
        """Ask for a line."""
        question = asked.text(fields)
        Progress.make_room()
        with open_terminal(question) as descriptor:
            prompt = textwrap.wrap(question, _WIDTH - 2)
            os.write(descriptor, ("\n".join(prompt) + ": ").encode("utf-8", "replace"))
            return _read_line(descriptor).strip()

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """Ask for a line without echo."""
        return ask_password(f"{asked.text(fields)} (not shown): ")

    def _write(self, descriptor: int, lines: Sequence[str]) -> None:
        height = max(1, min(_HEIGHT, os.get_terminal_size(descriptor).lines - 2))
        for number, line in enumerate(_wrapped(lines), 1):
            os.write(descriptor, (line + "\n").encode("utf-8", "replace"))
            if number % height == 0:
                os.write(descriptor, b"Enter shows more: ")
                _read_line(descriptor)


def _wrapped(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(line, _WIDTH, drop_whitespace=True) or [""]


def _read_line(descriptor: int) -> str:
    """One line in the terminal's own editing. The end of input is as good as Ctrl-C."""
    try:
        got = os.read(descriptor, _LONGEST)
    except OSError:
        raise Interrupted from None
    if not got:
        raise Interrupted
    return got.decode("utf-8", "replace")
