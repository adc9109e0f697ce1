"""Destinations of share sheets. A sheet is never seen here: its one-shot worker writes it to a descriptor."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from escrow.errors import PrintError, RefusedError
from escrow.files import NewFiles, write_all

Write = Callable[[int, Path], None]
"""Has a worker write the sheet to a descriptor; the path is for its messages. May be called again."""

Attend = Callable[[str, str | None], bool]
"""Told which sheet was printed, and what went wrong with it, if anything did: whether to print it again.

It returns when the sheet has been taken. To give up, it returns False after a problem, or raises.
"""


SHEET = "sheet"
"""The title of a share sheet: it says nothing of whose it is."""


def public(document: bytes) -> Write:
    """What writes a document that is no secret."""

    def write(descriptor: int, path: Path) -> None:
        write_all(descriptor, document, path)

    return write


class Destination(Protocol):
    """Where sheets go, one at a time."""

    def put(self, file: str, label: str, write: Write) -> None:
        """Have a sheet written: `file` is its name among files, `label` its name to people."""
        ...


class Files:
    """Sheets as files, to appear with the others."""

    def __init__(self, out: NewFiles) -> None:
        self._out = out

    def put(self, file: str, label: str, write: Write) -> None:  # noqa: ARG002 - the interface
        """Write a sheet. Raises FileError, RefusedError."""
        with open(self._out.open(file), "wb", buffering=0) as opened:  # noqa: PTH123 - a descriptor, not a path
            write(opened.fileno(), self._out.root / file)


class Printer(Protocol):
    """Prints one document at a time."""

    def check(self) -> None:
        """Raise RefusedError if nothing should be sent to it."""
        ...

    def print(self, write: Write, title: str = SHEET, media: str | None = None) -> None:
        """Print what `write` writes, and return when it is printed. Raises PrintError if it is not.

        The title is seen by whoever sees the printer's jobs; `media` is the paper, if it is another than usual.
        """
        ...


class Printouts:
    """Sheets on paper, with somebody beside the printer. Use as a context manager around all that may fail.

    When the block fails, the error carries a note that lists the sheets that came out of the printer.
    """

    def __init__(self, printer: Printer, attend: Attend) -> None:
        self._printer = printer
        self._attend = attend
        self._begun: list[str] = []

    def __enter__(self) -> Self:
        self._printer.check()
        return self

    def put(self, file: str, label: str, write: Write) -> None:  # noqa: ARG002 - the interface
        """Print a sheet until it is good. Raises PrintError when that is given up; SpoolError."""
        again = True
        while again:
            problem = self._try(label, write)
            again = self._attend(label, problem)
            if problem and not again:
                message = f"{label} is spoilt, and nothing was sealed: {problem}"
                raise PrintError(message)

    def _try(self, label: str, write: Write) -> str | None:
        try:
            self._printer.check()
            self._begun += [label] if label not in self._begun else []
            self._printer.print(write)
        except (PrintError, RefusedError) as error:
            return str(error)
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error and self._begun:
            error.add_note(
                f"Destroy every printout, also incomplete ones, of: {'; '.join(self._begun)}. "
                "They belong to a set that does not exist."
            )
