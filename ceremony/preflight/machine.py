"""The machine as the checks see it: files below a root directory, and the few things that can only be tried.

All of it is handed in, so a test lays out /proc and /sys in a directory. Nothing is written.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ceremony.bundle.installed import home
from escrow import mounts
from escrow.errors import EscrowError
from escrow.memory import prove_lockable
from escrow.mounts import Mount

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 20
_PIECE = 4096


class UnreadableError(EscrowError):
    """Something that a check must see cannot be seen."""


def execute(command: Sequence[str]) -> str:
    """What a program of the system says. Raises UnreadableError if it is missing, or fails and says nothing."""
    program = shutil.which(command[0], path=_PATH)
    if program is None:
        message = f"{command[0]} is not installed"
        raise UnreadableError(message)
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, with fixed arguments
            [program, *command[1:]],
            env={"PATH": _PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{command[0]} does not answer ({type(error).__name__})"
        raise UnreadableError(message) from None
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode and not said.strip():
        message = f"{command[0]} says: {' '.join(done.stderr.decode('utf-8', 'replace').split()) or 'nothing'}"
        raise UnreadableError(message)
    return said


def _draw() -> None:
    os.getrandom(1, os.GRND_NONBLOCK)


def _self_tests() -> Mapping[str, Callable[[], None]]:
    from escrow.selftest import SELF_TESTS

    return SELF_TESTS


def _tool() -> Mapping[str, Path]:
    from escrow.paper import source

    here = Path(__file__).parent.parent
    return {"ceremony": here, "escrow": Path(mounts.__file__).parent, "templates": source.directory()}


@dataclass(frozen=True)
class Machine:
    """Where the checks look. As it is by default it is the real machine."""

    root: Path = Path("/")
    execute: Callable[[Sequence[str]], str] = execute
    lock: Callable[[], None] = prove_lockable
    draw: Callable[[], None] = _draw
    self_tests: Mapping[str, Callable[[], None]] = field(default_factory=_self_tests)
    tool: Mapping[str, Path] = field(default_factory=_tool)
    installed: Path | None = field(default_factory=home)
    """Where the program was installed from a bundle."""

    def read(self, path: str) -> str:
        """The text of a file. Raises UnreadableError."""
        try:
            with self._at(path).open("rb", buffering=0) as file:
                # In small pieces: of a setting the kernel makes as large a copy as is asked for, if it can.
                return b"".join(iter(lambda: file.read(_PIECE), b"")).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise _unreadable(path, error) from None

    def word(self, path: str) -> str:
        """The text of a file of one line that can be shown and is not empty. Raises UnreadableError."""
        text = self.read(path).strip()
        if not text or not text.isprintable():
            message = f"{path} is {'not one line of text' if text else 'empty'}"
            raise UnreadableError(message)
        return text

    def number(self, path: str) -> int:
        """The number, from 0, in a file. Raises UnreadableError."""
        word = self.word(path)
        if not (word.isascii() and word.isdigit()):
            message = f"{path} is not a number"
            raise UnreadableError(message)
        return int(word)

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted. Raises UnreadableError."""
        try:
            return sorted(entry.name for entry in self._at(path).iterdir())
        except OSError as error:
            raise _unreadable(path, error) from None

    def members(self, directory: str, name: str) -> list[str]:
        """What is in directory/name, sorted; nothing if the directory, which must be there, has no such entry.

        The kernel has no /sys/class/rfkill, say, where nothing is of that class.
        """
        return self.names(f"{directory}/{name}") if name in self.names(directory) else []

    def exists(self, path: str) -> bool:
        """Whether there is anything at a path. Raises UnreadableError if that cannot be seen."""
        try:
            self._at(path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _unreadable(path, error) from None
        return True

    def real(self, path: str) -> str:
        """The path with all links followed. Raises UnreadableError if there is nothing."""
        try:
            found = self._at(path).resolve(strict=True)
        except (OSError, RuntimeError):
            message = f"{path} leads nowhere"
            raise UnreadableError(message) from None
        return f"/{found.relative_to(self.root.resolve())}"

    def environment(self) -> dict[str, str]:
        """The environment that this process was started with. Raises UnreadableError."""
        path = "/proc/self/environ"
        entries = self.read(path).split("\0")[:-1]
        if not entries or not all("=" in entry for entry in entries):
            message = f"{path} is not understood"
            raise UnreadableError(message)
        return {name: value for name, _, value in (entry.partition("=") for entry in entries)}

    def mounts(self) -> tuple[Mount, ...]:
        """What is mounted. Raises UnreadableError, ValueError."""
        return mounts.parse(self.read(mounts.MOUNTINFO))

    def holder(self, path: str) -> Mount:
        """The mount that keeps what is written at a path, of which the end may be missing. Raises FileError too."""
        existing = Path(path)
        while not self.exists(str(existing)):
            existing = existing.parent
        return mounts.holder(self.mounts(), self.real(str(existing)), lambda upper: self._at(upper).is_dir())

    def space(self, path: str) -> tuple[int, int, bool]:
        """Of the file system at a path: bytes in all, bytes free, whether it is read-only. Raises UnreadableError."""
        try:
            found = os.statvfs(self._at(path))
        except OSError as error:
            raise _unreadable(path, error) from None
        read_only = bool(found.f_flag & os.ST_RDONLY)
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, read_only

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def _unreadable(path: str, error: OSError) -> UnreadableError:
    return UnreadableError(f"{path} cannot be read: {error.strerror}")
