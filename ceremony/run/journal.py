"""The journal: JSON lines, each holding the hash of the one before, fsynced one by one.

A line is canonical JSON (sorted keys, no blanks, UTF-8) with `n` (from 0), `before` (the hash of the line before; of
the first line: of the label), `utc`, `clock` (seconds of a clock that is never set), `event`, and the event's own
fields. Its hash is SHA-256 over the line without the newline. Nothing secret is ever in it.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from escrow.errors import EscrowError, FileError
from escrow.files import sync

FILE = "journal.jsonl"
LABEL = b"step-ca escrow journal, version 1\n"

_CHUNK = 1 << 20
_OWN = frozenset({"n", "before", "utc", "clock", "event"})


class JournalError(EscrowError):
    """A journal was changed, or does not describe a ceremony."""


class Clock(Protocol):
    """Where the time comes from."""

    def utc(self) -> str:
        """The time, as 2026-12-03T09:30:00Z."""

    def monotonic(self) -> float:
        """Seconds of a clock that nobody sets."""


@dataclass(frozen=True)
class Entry:
    """One line, and its hash (32 bytes)."""

    n: int
    before: bytes
    utc: str
    clock: float
    event: str
    fields: Mapping[str, Any]

    def encode(self) -> bytes:
        """The line, without the newline."""
        own = {"n": self.n, "before": self.before.hex(), "utc": self.utc, "clock": self.clock, "event": self.event}
        text = json.dumps({**self.fields, **own}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """The inverse of `encode`. Raises JournalError for anything that `encode` does not make."""
        try:
            content = json.loads(line)
            fields = {name: value for name, value in content.items() if name not in _OWN}
            entry = cls(
                content["n"],
                bytes.fromhex(content["before"]),
                content["utc"],
                content["clock"],
                content["event"],
                fields,
            )
            canonical = entry.encode()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            message = "it is no line of a journal"
            raise JournalError(message) from None
        if canonical != line:
            message = "it is not in the form in which this program writes"
            raise JournalError(message)
        return entry

    @property
    def digest(self) -> bytes:
        """SHA-256 of the line: what the next one holds as `before`."""
        return hashlib.sha256(self.encode()).digest()


def decode(content: bytes) -> tuple[list[Entry], bytes]:
    """All entries, and what is left of a last line that a crash cut off.

    Raises JournalError, with the number of the line, if any other line is not what was written.
    """
    whole, newline, torn = content.rpartition(b"\n")
    lines = whole.split(b"\n") if newline else []
    if lines and not torn and not _is_json(lines[-1]):
        torn = lines.pop() + b"\n"  # its end reached the disk before its middle
    return list(chained(lines, 0, hashlib.sha256(LABEL).digest())), torn


def chained(lines: Sequence[bytes], first: int, before: bytes) -> Iterator[Entry]:
    """The entries of lines that follow one another, from the number `first` (from 0) and the hash `before` it.

    Raises JournalError, with the number of the line from 1, for one that was changed.
    """
    for number, line in enumerate(lines, first):
        try:
            entry = Entry.decode(line)
        except JournalError as error:
            message = f"Line {number + 1} of the journal was changed: {error}."
            raise JournalError(message) from None
        if entry.n != number or entry.before != before:
            message = f"Line {number + 1} of the journal does not follow from the one before: one of them was changed."
            raise JournalError(message)
        before = entry.digest
        yield entry


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


class Journal:
    """A journal on a disk, open for writing. Only one program can have it open at a time."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open a journal, or begin one. A torn last line is cut off; its length is in `torn`.

        Raises JournalError if it was changed, FileError if it cannot be read, written, or is open elsewhere.
        """
        self._path, self._clock = path, clock
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = _read(self._descriptor)
            self.entries, torn = decode(content)
            os.ftruncate(self._descriptor, len(content) - len(torn))
            os.fsync(self._descriptor)
            sync(path.parent)
        except JournalError:
            os.close(self._descriptor)
            raise
        except BlockingIOError:
            message = f"{path} is open in another program: end that one first."
            raise FileError(message) from None
        except OSError as error:
            message = f"Cannot open {path}: {error.strerror}."
            raise FileError(message) from None
        self.torn = len(torn)

    def draft(self, event: str, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
        """The entry that `append` would write now. Its fields are as reading it again gives them."""
        before = self.entries[-1].digest if self.entries else hashlib.sha256(LABEL).digest()
        now = round(self._clock.monotonic(), 3)
        entry = Entry(len(self.entries), before, self._clock.utc(), now, event, fields)
        return Entry.decode(entry.encode())

    def append(self, event: str, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
        """Write one entry; it is on the disk when this returns. Raises FileError."""
        entry = self.draft(event, **fields)
        line = memoryview(entry.encode() + b"\n")
        end = os.fstat(self._descriptor).st_size
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, end)  # half a line would spoil the next one
            message = f"Cannot write {self._path}: {error.strerror}. What was written before is safe."
            raise FileError(message) from None
        self.entries.append(entry)
        return entry

    def close(self) -> None:
        """Let another program have it."""
        os.close(self._descriptor)


def _read(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, _CHUNK):
        chunks.append(chunk)
    return b"".join(chunks)
