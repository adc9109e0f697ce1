"""The terminal: what is said goes to standard error, so that results on standard output stay clean.

Passwords come from the terminal without echo, straight into locked memory.
"""

import os
import select
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar, Self

import click

from ceremony.interrupt import Interrupted
from escrow.errors import KeyFileError, UsageError
from escrow.memory import LastWill, Secret
from escrow.passwords import strip_end

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_MAX_PASSWORD = 1024
_LINE = 4096
_NEWLINE = 0x0A
_TRIES = 3


def say(text: str = "") -> None:
    """Tell the person something."""
    click.echo(text, err=True)


def enter_pressed() -> bool:
    """Whether Enter was pressed since this was last asked, or the end was typed. Never without a terminal."""
    if not sys.stdin.isatty() or not select.select([0], [], [], 0)[0]:
        return False
    os.read(0, _LINE)
    return True


class Progress:
    """Bars for the stages of an operation, on a terminal; nothing elsewhere."""

    _shown: ClassVar["Progress | None"] = None

    def __init__(self) -> None:
        self._bars: RichProgress | None = None
        self._task: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as RichProgress

            # No refreshing thread: this process forks workers.
            self._bars = RichProgress(
                console=Console(stderr=True), auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
            Progress._shown = self
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        Progress._shown = None

    @classmethod
    def make_room(cls) -> int:
        """Leave the terminal to a question; the next stage begins a new set of bars. Says how many lines stay."""
        return cls._shown.stop() if cls._shown else 0

    def stop(self) -> int:
        """End the bars that are shown, if there are any; how many there were."""
        number = len(self._task)
        if self._bars and number:
            with suppress(OSError):  # the terminal may be gone
                self._bars.stop()
            self._task.clear()
            for task in self._bars.task_ids:
                self._bars.remove_task(task)
        return number

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` parts of a stage are done."""
        if not self._bars:
            return
        if not self._task:
            self._bars.start()
        if stage not in self._task:
            self._task[stage] = self._bars.add_task(stage)
        self._bars.update(self._task[stage], completed=done, total=total)
        self._bars.refresh()


def has_terminal() -> bool:
    """Whether somebody can be asked."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def ask(question: str) -> str:
    """Read one line from the terminal: the answer, without white space around it. What was typed before is dropped."""
    Progress.make_room()
    answer = bytearray(_MAX_PASSWORD)
    with open_terminal(question) as terminal:
        termios.tcflush(terminal, termios.TCIFLUSH)
        os.write(terminal, question.encode())
        length = _read(terminal, memoryview(answer))
    if not length:
        raise Interrupted  # the end of input, or of the terminal
    return answer[:length].decode(errors="replace").strip()


def ask_password(question: str) -> Secret:
    """Read one line from the terminal without echo. Raises UsageError where there is no terminal."""
    Progress.make_room()
    with open_terminal(question, "give the password with --password-file") as terminal, ExitStack() as undo:
        os.write(terminal, question.encode("utf-8", "replace"))
        secret = Secret(_MAX_PASSWORD)
        undo.callback(secret.close)  # whoever is interrupted here may go back, and asks anew
        secret.fill(bytes(_MAX_PASSWORD))
        with _no_echo(terminal):
            length = _read_line(terminal, secret.view)
        secret.shorten(length)
        strip_end(secret)
        undo.pop_all()
    return secret


def ask_new_password(what: str) -> Secret:
    """Ask for a new password until it was given twice alike, and is not empty."""
    while True:
        with ask_password(f"New password for {what}: ") as first, ask_password("The same again: ") as second:
            if not len(first):
                say("An empty password would leave the keys unprotected. Choose one.")
            elif not first.matches(second):
                say("The two differ. Try again.")
            else:
                return Secret.of(first.view)


class Passwords:
    """Where the passwords of encrypted keys come from: files given per key or for all, else the terminal."""

    def __init__(self, given: dict[str | None, Secret], ask: Callable[[str], Secret] = ask_password) -> None:
        self._given, self._ask = given, ask
        self._last: Secret | None = None
        self._asked: list[Secret] = []
        self._tries: dict[str, int] = {}

    def __call__(self, name: str, problem: str | None) -> Secret:
        """The password of the key `name`. `step ca init` uses one for all: the last one that worked is tried first."""
        given = self._given.get(name) or self._given.get(None)
        if given:
            if problem:
                raise KeyFileError(problem)
            return given
        if problem is None and self._last:
            return self._last
        tries = self._tries.get(name, 0)
        if tries == _TRIES:
            raise KeyFileError(problem or "")
        if tries and problem:
            say(problem)
        self._tries[name] = tries + 1
        self._last = self._ask(f"Password of the key {name}: ")
        self._asked.append(self._last)
        return self._last

    def close(self) -> None:
        """Wipe all of them."""
        for password in (*self._given.values(), *self._asked):
            password.close()
        self._given, self._last, self._asked = {}, None, []


@contextmanager
def open_terminal(question: str, instead: str = "run this at a terminal") -> Iterator[int]:
    """The process's terminal, open for reading and writing. Raises UsageError where there is none: what to do then."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        message = f"There is no terminal to ask '{question.strip()}': {instead}."
        raise UsageError(message) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _no_echo(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] &= ~termios.ECHO

    def restore(_: object = None) -> None:
        with suppress(OSError, termios.error):  # the terminal may be gone
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
            os.write(terminal, b"\n")

    will = LastWill(restore, terminal)  # killed at the prompt, this process could not give the echo back
    suspend = signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # the shell would switch the echo on, and fg not off again
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        yield
    finally:
        restore()
        signal.signal(signal.SIGTSTP, suspend)
        will.revoke()


def _read(terminal: int, view: memoryview) -> int:
    try:
        return os.readv(terminal, [view])
    except OSError:  # the terminal is gone: as good as Ctrl-C
        raise Interrupted from None


def _read_line(terminal: int, view: memoryview) -> int:
    """Read up to the end of a line into `view`; return the length without the newline."""
    length = 0
    while got := _read(terminal, view[length:]):
        length += got
        if view[length - 1] == _NEWLINE:
            return length - 1
        if length == len(view):
            message = f"A password has at most {len(view)} bytes."
            raise KeyFileError(message)
    return length
