"""Where a tree is read from: a directory, and whatever else ca.json names on this machine."""

import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from escrow.errors import TreeError
from escrow.files import read_secret
from escrow.memory import Secret
from escrow.note import Kind, Note

MAX_FILE = 1 << 20
PUBLIC_DIRECTORIES = ("certs", "config", "templates")
KEY_MARK = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")


@dataclass(frozen=True)
class Found:
    """A file of a tree: what it is called there, where it is now, its content; its mode, if it is a file here."""

    name: str
    source: str
    content: Secret
    mode: int | None


class Directory:
    """A STEPPATH on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[Note] = []

    def __str__(self) -> str:
        return str(self.path)

    def public_files(self) -> dict[str, Secret]:
        """Certificates, configuration and templates by name."""
        return {
            str(entry.relative_to(self.path)): read_secret(entry, MAX_FILE)
            for directory in PUBLIC_DIRECTORIES
            for entry in sorted((self.path / directory).rglob("*"))
            if entry.is_file()
        }

    def find(self, directory: str, reference: str) -> Found | None:
        """A file that ca.json names by a path of its own machine; None if it is nowhere.

        What is in the tree goes before what lies where ca.json says: the tree may be a copy.
        """
        name = f"{directory}/{Path(reference).name}"
        places = [place for place in (self.path / name, Path(reference), self.path / reference) if place.is_file()]
        self.notes += [
            Note(Kind.OTHER, f"ca.json names {other}, which differs from {places[0]}: the latter was taken.")
            for other in places[1:]
            if not _same(places[0], other)
        ]
        return take(name, places[0]) if places else None

    def check_distinct(self, references: Iterable[str]) -> None:
        """Raise TreeError if two certificates that ca.json names would be one file in the package."""
        seen: dict[str, Path] = {}
        for reference in references:
            for place in (Path(reference), self.path / reference):
                if place.is_file():
                    first = seen.setdefault(Path(reference).name, place)
                    if not _same(first, place):
                        raise _two_files(first, place)
                    break

    def secret_files(self) -> Iterator[Found]:
        """All of secrets/, whether ca.json names it or not."""
        for entry in sorted((self.path / "secrets").rglob("*")):
            if entry.is_file():
                yield take(str(entry.relative_to(self.path)), entry)


def take(name: str, source: Path) -> Found:
    """A file of this machine, to be called `name` in the tree. Raises FileError."""
    return Found(name, str(source), read_secret(source, MAX_FILE), stat.S_IMODE(source.stat().st_mode))


def _same(one: Path, other: Path) -> bool:
    if one.samefile(other):
        return True
    with read_secret(one, MAX_FILE) as content, read_secret(other, MAX_FILE) as others:
        return content.matches(others)


def _two_files(one: Path, other: Path) -> TreeError:
    return TreeError(
        f"{one} and {other} differ, and both would be certs/{one.name} in the package. If one of them is out of "
        "date, move it away; if both are needed, give one another name, in ca.json too."
    )
