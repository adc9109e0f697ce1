"""Where paper comes from and comes back: a tray that stands in for a printer, a folder of scans."""

from pathlib import Path
from typing import Protocol

from ceremony.runner import Asked, Questions
from escrow.errors import PageError, RefusedError
from escrow.files import NewFiles, is_memory_backed
from escrow.gather import Collection
from escrow.judge import Verdict
from escrow.printing import Write


class Paper(Protocol):
    """Reads sheets that people put before it."""

    def read(self, collection: Collection, what: str, ask: Questions) -> list[Verdict]:
        """Have something read into a collection; what was found. Raises PageError when nothing came."""


class Tray:
    """Stands in for a printer where nothing is printed: each sheet is a file in a folder, numbered as they come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self) -> None:
        """Raise RefusedError if the folder is not there."""
        if not self._folder.is_dir():
            message = f"{self._folder} is no folder to put sheets into."
            raise RefusedError(message)

    def print(self, write: Write) -> None:
        """Write one sheet."""
        number = sum(1 for _ in self._folder.glob("*.pdf")) + 1
        with NewFiles(self._folder) as out:
            name = f"{number:03}.pdf"
            with open(out.open(name), "wb", buffering=0) as opened:  # noqa: PTH123 - a descriptor, not a path
                write(opened.fileno(), self._folder / name)
            out.publish()


class Scans:
    """A folder into which the scanner's own program writes. What was read is removed at once."""

    def __init__(self, folder: Path, *, allow_disk: bool = False) -> None:
        """Raises RefusedError for a folder on a disk: scans of sheets would stay there."""
        if not allow_disk and not is_memory_backed(folder):
            message = f"{folder} is on a disk, where scans of sheets stay readable: name a folder below /dev/shm."
            raise RefusedError(message)
        self._folder = folder

    def read(self, collection: Collection, what: str, ask: Questions) -> list[Verdict]:
        """Read and remove every file in the folder."""
        ask.line(Asked.SCAN, what=what, how=f"scan it into {self._folder}")
        files = sorted(path for path in self._folder.iterdir() if path.is_file() and not path.name.startswith("."))
        if not files:
            message = f"There is no scan in {self._folder}."
            raise PageError(message)
        verdicts = []
        for file in files:
            try:
                verdicts += collection.add_file(file)
            finally:
                file.unlink()
        return verdicts
