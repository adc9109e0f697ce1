"""The desk at the terminal: one step a screen, 80 columns by 24 lines, no colour. Enter goes on, no other key.

Nothing leaves the screen before somebody could read it: what is shown is counted, and a full screen waits for Enter.
"""

import os
import termios
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from ceremony.interrupt import CtrlC, Interrupted
from ceremony.run.questions import Asked, Fields
from ceremony.terminal.console import Progress, ask_password, open_terminal
from escrow.memory import Secret

_CLEAR = b"\x1b[H\x1b[2J\x1b[3J"  # the scroll-back, too
_WIDTH, _ROWS = 79, 24
_LONGEST = 4096
_MORE = ("Enter shows more",)
_GOES_ON = "the same command goes on from the journal and from paper"
_STOP = "The ceremony stands. If the program ends now, what is in its memory is lost, and {then}."
_SURE = "Type 'stop' to end the program; Enter goes back"


class TerminalDesk:
    """Asks and shows at the terminal of the process, whatever its standard input and output are."""

    def __init__(self, then: str = _GOES_ON) -> None:
        """`then` is what people are told of the time after an end in between."""
        self._stop = ["", _STOP.format(then=then), _SURE]
        self._lines = 0  # shown since the page began, or since somebody last pressed Enter

    def page(self, lines: Sequence[str]) -> None:
        """Show a step on a cleared screen."""
        Progress.make_room()
        with open_terminal("") as terminal:
            os.write(terminal, _CLEAR)
            self._lines = 0
            self._write(terminal, lines)

    def say(self, text: str) -> None:
        """Add lines below."""
        self._lines += Progress.make_room()
        with open_terminal("") as terminal:
            self._write(terminal, text.split("\n"))

    def line(self, asked: Asked, fields: Fields) -> str:
        """Ask for a line. Raises Interrupted when the person wants the program to end."""
        self._lines += Progress.make_room()
        question = asked.text(fields)
        with open_terminal(question) as terminal:
            prompt = list(_wrapped([question]))
            self._make_room_for(terminal, prompt)
            return self._ask(terminal, prompt)

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """Ask for a line without echo. Raises Interrupted when the person wants the program to end."""
        return self.password(f"{asked.text(fields)} (not shown): ")

    def password(self, question: str) -> Secret:
        """The same, whatever the question is."""
        self._lines += Progress.make_room()
        with open_terminal(question) as terminal:
            prompt = list(_wrapped([question]))
            self._make_room_for(terminal, prompt)
            while True:
                try:
                    secret = ask_password("\n".join(prompt) + " ")
                except CtrlC:
                    self._offer_to_end(terminal)
                else:
                    self._lines = 0
                    return secret

    def _ask(self, terminal: int, prompt: Sequence[str]) -> str:
        while True:
            try:
                answer = _prompted(terminal, prompt)
            except CtrlC:
                self._offer_to_end(terminal)
            else:
                self._lines = 0
                return answer

    def _make_room_for(self, terminal: int, prompt: Sequence[str]) -> None:
        """A question that would push lines off the screen waits until they were read."""
        if self._lines and self._lines + len(prompt) >= _rows(terminal):
            self._ask(terminal, _MORE)

    def _offer_to_end(self, terminal: int) -> None:
        """Ask whether Ctrl-C was meant. Raises Interrupted if it was, and if it is pressed again."""
        while answer := _prompted(terminal, list(_wrapped(self._stop))).lower():
            if answer == "stop":
                raise Interrupted

    def _write(self, terminal: int, lines: Iterable[str]) -> None:
        for line in _wrapped(lines):
            if self._lines + 2 >= _rows(terminal):
                self._ask(terminal, _MORE)
            os.write(terminal, (line + "\n").encode("utf-8", "replace"))
            self._lines += 1


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Lines as wide as the screen. A line that begins with blanks is indented as a whole."""
    for given in lines:
        line = _shown(given)
        indent = line[: len(line) - len(line.lstrip())]
        yield from textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _shown(text: str) -> str:
    """The text without what would move the cursor or turn the writing round: names come from files of others."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


def _rows(terminal: int) -> int:
    """How many lines the screen has; where nobody knows, as at a serial line, 24."""
    return max(os.get_terminal_size(terminal).lines or _ROWS, 4)


def _prompted(terminal: int, prompt: Sequence[str]) -> str:
    """One line in the terminal's own editing. The end of input is as good as being told to end."""
    termios.tcflush(terminal, termios.TCIFLUSH)  # an Enter too many, pressed before this was asked, answers nothing
    os.write(terminal, ("\n".join(prompt) + ": ").encode("utf-8", "replace"))
    try:
        got = os.read(terminal, _LONGEST)
    except OSError:
        raise Interrupted from None
    if not got:
        raise Interrupted
    return got.decode("utf-8", "replace").strip()
