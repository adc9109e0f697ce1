"""What an officer should know of a CA that is imported. Never a secret: notes stand in journal and transcript."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How much a note matters, the most first."""

    ABSENT = "NOT ESCROWED"
    WEAK = "WEAK"
    OTHER = "NOTE"


@dataclass(frozen=True)
class Note:
    """What was found, and what to do about it."""

    kind: Kind
    found: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.found} {self.advice}".rstrip()


def ordered(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The notes by how much they matter; those of one kind in their order."""
    return tuple(sorted(notes, key=lambda note: list(Kind).index(note.kind)))


def listed(names: Sequence[str]) -> str:
    """Names as people list them: a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
