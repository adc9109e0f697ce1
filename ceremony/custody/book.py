"""The folder of a custody register: the journal of all that happened, and the register as a plain file.

The journal is what counts. The plain file is written anew after each entry, all at once; one that was changed by hand
is refused, because somebody believed it.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ceremony.custody import events, plain
from ceremony.custody.changes import RegisterError
from ceremony.custody.register import Register, ShareSet
from ceremony.run import journal
from ceremony.run.journal import Clock, Entry, Journal
from escrow.errors import FileError, RefusedError, UsageError
from escrow.files import NewFiles, read_public, sync

FILE = "custody.jsonl"

_MAX = 64 << 20


class Book:
    """A register that is open for changes: one program at a time has it. Use as a context manager."""

    def __init__(self, folder: Path, clock: Clock, *, begin: bool = False) -> None:
        """Open the register in a folder, or `begin` one there.

        Raises UsageError for a folder without a register, RefusedError for a plain file that was changed by hand,
        JournalError, FileError.
        """
        path = folder / FILE
        if not begin and not path.exists():
            message = f"There is no custody register in {folder}: 'escrow register' begins one from an archive."
            raise UsageError(message)
        if begin:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._journal = Journal(path, clock)
        try:
            self.register = events.replay(self._journal.entries)
            if self._journal.entries and not _require_same(folder, self._journal.entries, self.register):
                self._write_plain()
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()

    @property
    def current(self) -> ShareSet:
        """The set that counts. Raises RegisterError if there is none."""
        if not (at := self.register.current):
            message = f"No set is in the register of {self._folder}: 'escrow register' enters one from an archive."
            raise RegisterError(message)
        return at

    @property
    def head(self) -> bytes:
        """The hash of the journal's last line: its words prove all of it."""
        return self._journal.entries[-1].digest

    def after(self, event: str, **fields: Any) -> Register:  # noqa: ANN401 - whatever JSON can hold
        """The register as it would be after this; nothing is written. Raises RegisterError."""
        return events.after(self.register, self._journal.draft(event, **fields))

    def note(self, event: str, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
        """Write down what happened, if the register allows it. Raises RegisterError, FileError."""
        register = self.after(event, **fields)
        entry = self._journal.append(event, **fields)
        self.register = register
        self._write_plain()
        return entry

    def _write_plain(self) -> None:
        path = self._folder / plain.FILE
        new = path.with_name(f".{plain.FILE}.new")
        with suppress(FileNotFoundError):
            new.unlink()
        with NewFiles(self._folder) as out:
            out.write(new.name, plain.to_toml(self.register).encode())
            out.publish()
        try:
            new.replace(path)  # all at once, over the old one: it is only a copy of what the journal says
            sync(self._folder)
        except OSError as error:
            message = f"Cannot write {path}: {error.strerror}. The change is in the journal; the next command mends it."
            raise FileError(message) from None


def read(folder: Path) -> Register:
    """The register in a folder, without changing anything there. Raises as opening a Book does."""
    path = folder / FILE
    if not path.exists():
        message = f"There is no custody register in {folder}: 'escrow register' begins one from an archive."
        raise UsageError(message)
    entries, _ = journal.decode(read_public(path, _MAX))
    register = events.replay(entries)
    _require_same(folder, entries, register)
    return register


def _require_same(folder: Path, entries: Sequence[Entry], register: Register) -> bool:
    """Whether the plain file is up to date. Raises RefusedError for one that no crash can have left."""
    path = folder / plain.FILE
    found = read_public(path, _MAX).decode("utf-8", "replace") if path.exists() else ""
    if found == plain.to_toml(register):
        return True
    if found in {"", plain.to_toml(events.replay(entries[:-1]))}:
        return False  # a crash came between journal and file
    message = (
        f"{path} is not what its journal says: it was changed by hand, or is another one. Move it away; the next "
        "command that changes something writes it again. What you wanted to change, change with a command."
    )
    raise RefusedError(message)
