"""Words from a sheet, drawn by lot and typed by its custodian: the paper in hand is the paper that was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from escrow.errors import ShareError
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.policy import Position
from escrow.words import COLUMNS, ROWS, to_words

T = TypeVar("T")

_ROWS_ASKED, _WORDS_ASKED = 2, 3


class Lots(Protocol):
    """Draws lots: of words, of custodians. Never keys."""

    def sample(self, population: Sequence[T], k: int) -> list[T]:
        """So many of these, each once, in the order drawn."""


@dataclass(frozen=True)
class Place:
    """Some words of one row; rows and columns count from 1."""

    row: int
    columns: tuple[int, ...]

    @property
    def columns_text(self) -> str:
        """The columns as people read them: 2, 5 and 7."""
        *most, last = map(str, self.columns)
        return f"{', '.join(most)} and {last}"

    def __str__(self) -> str:
        return f"{self.row}/{','.join(map(str, self.columns))}"


def drawn(lots: Lots, rows: int = ROWS, columns: int = COLUMNS) -> Sequence[Place]:
    """Two rows of three words each."""
    chosen = sorted(lots.sample(range(1, rows + 1), _ROWS_ASKED))
    return [Place(row, tuple(sorted(lots.sample(range(1, columns + 1), _WORDS_ASKED)))) for row in chosen]


def compare_words(manifest: Manifest, position: Position, share: Secret, place: Place, typed: Secret) -> None:
    """Raise ShareError unless the typed words are those of the share at this place."""

    def in_worker() -> bytes:
        row = to_words(manifest.record(position, bytes(share.view)).encode())[place.row - 1]
        if bytes(typed.view).decode("utf-8", "replace").lower().split() != [
            row[column - 1] for column in place.columns
        ]:
            message = f"The words typed for row {place.row} are not those of the sheet that was read."
            raise ShareError(message)
        return b""

    isolate(in_worker, share, typed)


def same_words(typed: Secret, wanted: Sequence[str]) -> bool:
    """Whether these words were typed; blanks and letter case do not matter."""

    def in_worker() -> bytes:
        return str(bytes(typed.view).decode("utf-8", "replace").lower().split() == list(wanted)).encode()

    return isolate(in_worker, typed) == b"True"


def number_of_words(typed: Secret) -> int:
    """How many words were typed."""

    def in_worker() -> bytes:
        return str(len(bytes(typed.view).split())).encode()

    return int(isolate(in_worker, typed))
