"""How paper comes back into the program during a ceremony: scans in a folder in memory, or a camera."""

from pathlib import Path
from typing import Protocol

from ceremony.runner import Asked, Questions
from escrow.errors import PageError, RefusedError
from escrow.files import is_memory_backed
from escrow.gather import Collection, Verdict


class Paper(Protocol):
    """Reads sheets that people put before it."""

    def read(self, collection: Collection, what: str, ask: Questions) -> list[Verdict]:
        """Have something read into a collection; what was found. Raises PageError when nothing came."""


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
