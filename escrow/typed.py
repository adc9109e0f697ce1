"""Judge a grid of typed words, row by row and as a whole. Each judgement is the work of a worker of its own."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from escrow.entry import CELL, LETTERS, WIDTH
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.share import SHORT_SET_ID_LENGTH, Kind, Record
from escrow.wordlist import BYTES
from escrow.words import COLUMNS, ILLEGIBLE, ROWS, Correction, check_word, from_words, to_words

FITS, UNFIT, UNCHECKED, PARTLY = "fits", "does not fit", "not checked", "illegible words"
ELSEWHERE = "fits as row "
_MANY = 4  # of the eight words of row 1: so many are not mistyped by chance


@dataclass(frozen=True)
class Judgement:
    """What can be said of the rows so far; rows count from 1, and a row that is not complete has no note.

    `shifted` names a row, and 1 if a word of it seems to be missing, -1 if one seems to stand there twice.
    """

    notes: tuple[str, ...]
    swapped: tuple[int, int] | None
    shifted: tuple[int, int] | None
    foreign: str | None

    @property
    def all_fit(self) -> bool:
        """Whether every row fits its check word."""
        return set(self.notes) == {FITS}


def judge_rows(manifest: Manifest, grid: Secret) -> Judgement:
    """Judge all complete rows of a grid."""

    def in_worker() -> bytes:
        return json.dumps(asdict(judge(manifest, rows_in(bytes(grid.view))))).encode()

    fields = json.loads(isolate(in_worker, grid))
    swapped, shifted = (fields[name] and tuple(fields[name]) for name in ("swapped", "shifted"))
    return Judgement(tuple(fields["notes"]), swapped, shifted, fields["foreign"])


def mend(grid: Secret, mended: Secret) -> list[Correction]:
    """Fill `mended` with the grid as it must have been meant; return the places where it differs, without words.

    What was mended is a hint until the share's commitment matches. Raises ShareError when there is too much to mend.
    """

    def in_worker() -> bytes:
        record, corrections = from_words([row[:COLUMNS] for row in rows_in(bytes(grid.view))])
        lines = [" ".join(word.ljust(LETTERS) for word in row) + "\n" for row in to_words(record)]
        mended.fill("".join(lines).encode())
        return json.dumps([(c.row, c.column) for c in corrections]).encode()

    return [Correction(row, column, "", "") for row, column in json.loads(isolate(in_worker, grid, mended))]


def rows_in(text: bytes) -> list[list[str]]:
    """The words of each row of a grid. Call in a worker."""
    length = WIDTH * CELL
    return [text[start : start + length].decode("ascii").split() for start in range(0, ROWS * length, length)]


def judge(manifest: Manifest, rows: Sequence[Sequence[str]]) -> Judgement:
    """Judge rows of words: which fit their check words, which two were swapped, and whose sheet it is."""
    fitting = {number: _numbers_that_fit(row) for number, row in enumerate(rows, 1) if len(row) == WIDTH}
    notes = tuple(_note(number, row, fitting) for number, row in enumerate(rows, 1))
    swapped = [
        (one, other)
        for one, others in fitting.items()
        for other in others
        if one < other and one not in others and one in fitting.get(other, ()) and other not in fitting[other]
    ]
    return Judgement(notes, swapped[0] if swapped else None, _shifted(rows, notes), _foreign(manifest, rows, notes))


def _numbers_that_fit(row: Sequence[str]) -> list[int]:
    """As which rows this one would fit its check word."""
    if ILLEGIBLE in row:
        return []
    data = bytes(BYTES[word] for word in row[:COLUMNS])
    return [number for number in range(1, ROWS + 1) if check_word(number, data) == row[COLUMNS]]


def _shifted(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> tuple[int, int] | None:
    """The first row that does not fit, if all behind it would fit one place earlier (1) or later (-1).

    A row fits at a wrong place by chance once in 256 times; it says no more of the words than its check word does.
    """
    unfit = [number for number, note in enumerate(notes, 1) if note and note != FITS]
    if not unfit or FITS in notes[unfit[0] :]:
        return None
    words = [word for row in rows for word in row]
    for missing in (1, -1):
        starts = {number: (number - 1) * WIDTH - missing for number in range(unfit[0] + 1, ROWS + 1)}
        behind = {number: words[start : start + WIDTH] for number, start in starts.items()}
        whole = {number: row for number, row in behind.items() if len(row) == WIDTH}
        if whole and all(number in _numbers_that_fit(row) for number, row in whole.items()):
            return unfit[0], missing
    return None


def _note(number: int, row: Sequence[str], fitting: dict[int, list[int]]) -> str:
    if len(row) < WIDTH:
        return ""
    if row[COLUMNS] == ILLEGIBLE:
        return UNCHECKED
    if ILLEGIBLE in row:
        return PARTLY
    if number in fitting[number]:
        return FITS
    # A wrong row fits some other number by chance once in 37 times; a row that fits its own is no other's.
    others = [other for other in fitting[number] if other not in fitting.get(other, ())]
    return f"{ELSEWHERE}{others[0]}" if others else UNFIT


def _foreign(manifest: Manifest, rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str | None:
    """Why this sheet is not of the set, as far as the first two rows tell: kind and set id are bytes 0 to 8."""
    given = [BYTES.get(word) for row in rows[:2] for word in row[:COLUMNS]][: 1 + SHORT_SET_ID_LENGTH]
    meant = bytes([manifest.kind.version]) + manifest.short_set_id
    wrong = [place for place, byte in enumerate(given) if byte is not None and byte != meant[place]]
    certain = [place for place in wrong if notes[place // COLUMNS] == FITS]
    if not notes[0] or notes[0].startswith(ELSEWHERE) or not (certain or len(wrong) >= _MANY):
        return None
    if notes[0] != FITS:  # whatever was typed there may be a share's value: it is not repeated
        return "its first row is not that of this set, or another row was typed in its place."
    kind = next((kind for kind in Kind if given[0] == kind.version), None)
    if not kind and 0 in certain:
        return "its format version is not known to this program: use a newer one."
    # Row 1 has all of the set id but its last byte: enough to name an earlier set.
    known = given if notes[1] == FITS else given[:COLUMNS]
    set_id = bytes(byte or 0 for byte in known[1:])
    return manifest.problem_with(Record(kind or manifest.kind, set_id, 0, 0, 0, b""))
