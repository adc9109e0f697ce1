"""A share record as words: `to_words` and `from_words` are inverses, and the second forgives mistakes.

48 bytes and 16 Reed-Solomon parity bytes make 64 words in 8 rows of 8; each row is closed by a ninth word that
checks the row and its number. Any 8 wrong words, or any 16 that cannot be read, are recovered.
The layout stands in FORMAT.md, section "Words". Call in a worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reedsolo import ReedSolomonError, RSCodec

from escrow.errors import ShareError
from escrow.share import RECORD_LENGTH
from escrow.wordlist import BYTES, WORDS

ROWS = 8
COLUMNS = 8
ILLEGIBLE = "?"
_CRC_8 = 0x07
_PARITY = ROWS * COLUMNS - RECORD_LENGTH


@dataclass(frozen=True)
class Correction:
    """A word that was read differently than it stands on the sheet. Row and column count from 1."""

    row: int
    column: int
    given: str
    word: str


def to_words(record: bytes) -> list[list[str]]:
    """8 rows of 9 words: 8 that carry the 48 bytes and their parity, and the row's check word."""
    coded = bytes(_codec().encode(record))
    rows = [coded[start : start + COLUMNS] for start in range(0, len(coded), COLUMNS)]
    return [[WORDS[byte] for byte in row] + [check_word(number, row)] for number, row in enumerate(rows, 1)]


def from_words(rows: Sequence[Sequence[str]]) -> tuple[bytes, list[Correction]]:
    """The 48 bytes in 8 rows of 8 words (check words, if given, are not needed), and what was corrected.

    A word that is unknown or `?` counts as illegible. A correction is a hint until the share's commitment
    matches. Raises ShareError when there are more mistakes than can be mended.
    """
    if len(rows) != ROWS or any(len(row) not in {COLUMNS, COLUMNS + 1} for row in rows):
        message = f"A share has {ROWS} rows of {COLUMNS} words, each with one check word more."
        raise ShareError(message)
    given = [word.lower() for row in rows for word in row[:COLUMNS]]
    unknown = [index for index, word in enumerate(given) if word not in BYTES]
    coded = bytearray(BYTES.get(word, 0) for word in given)
    try:
        record, mended, _ = _codec().decode(coded, erase_pos=unknown)
    except ReedSolomonError:
        message = (
            f"Too many words are wrong or illegible: up to {_PARITY // 2} wrong or {_PARITY} illegible ones "
            "can be mended. Compare the rows whose check word does not fit with the sheet."
        )
        raise ShareError(message) from None
    corrections = [
        Correction(index // COLUMNS + 1, index % COLUMNS + 1, given[index], WORDS[byte])
        for index, byte in enumerate(bytes(mended))
        if given[index] != WORDS[byte]
    ]
    return bytes(record), corrections


def check_word(number: int, row: bytes) -> str:
    """The word that closes row `number` (from 1): a CRC-8 over the number and the row.

    Polynomial x^8 + x^2 + x + 1, nothing reflected, from 0 (CRC-8/SMBUS): no single wrong word escapes it.
    """
    remainder = 0
    for byte in bytes([number]) + row:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder << 1 ^ (_CRC_8 if remainder & 0x80 else 0)) & 0xFF
    return WORDS[remainder]


def wrong_rows(rows: Sequence[Sequence[str]]) -> list[int]:
    """The numbers of the rows that have an unknown word, or whose check word does not fit."""
    return [number for number, row in enumerate(rows, 1) if not _row_holds(number, row)]


def _row_holds(number: int, row: Sequence[str]) -> bool:
    words = [word.lower() for word in row]
    if len(words) != COLUMNS + 1 or any(word not in BYTES for word in words):
        return False
    return check_word(number, bytes(BYTES[word] for word in words[:COLUMNS])) == words[COLUMNS]


def _codec() -> RSCodec:
    return RSCodec(_PARITY)
