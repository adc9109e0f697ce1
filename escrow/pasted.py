"""Shares as pasted text: the texts of QR codes, or the words of sheets. The text holds shares: call in a worker."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from escrow.errors import ShareError
from escrow.share import Record, is_share_text
from escrow.words import COLUMNS, ROWS, Correction, from_words, wrong_rows

MAX_TEXT = 1 << 16

_TEXT = bytes([*b"\t\n\v\f\r", *range(0x20, 0x7F)])
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUMBERS = re.compile(r"[0-9.:|)]+")  # before rows; a copy of the sheet's text has them


@dataclass(frozen=True)
class Pasted:
    """One share as the text of its QR code, and which words were mended; or why there is none."""

    text: str = field(default="", repr=False)
    mended: str = ""
    problem: str | None = None


def is_pasted(content: bytes) -> bool:
    """Whether this is plain text, so neither a PDF nor an image."""
    plain = content.removeprefix(_BYTE_ORDER_MARK)
    is_text = len(plain) <= MAX_TEXT and not plain.translate(None, _TEXT) and not plain.startswith(b"%PDF")
    return is_text and bool(plain.strip())


def shares_in(content: bytes) -> Iterator[Pasted]:
    """All shares in a text: codes, separated by white space, or else 64 words, or 72 with the check words, a share."""
    tokens = content.removeprefix(_BYTE_ORDER_MARK).decode("ascii").split()
    codes = dict.fromkeys(token.upper() for token in tokens if is_share_text(token.upper()))
    if codes:
        yield from (Pasted(code) for code in codes)
        return
    words = [token for token in tokens if not _NUMBERS.fullmatch(token)]
    width = next((width for width in (COLUMNS + 1, COLUMNS) if words and len(words) % (ROWS * width) == 0), 0)
    if not width:
        problem = (
            f"the text has no code of a share and {len(words)} words. A share has {ROWS * COLUMNS} words, "
            f"or {ROWS * (COLUMNS + 1)} with the check words; ? stands for an illegible one."
        )
        yield Pasted(problem=problem)
        return
    rows = [words[start : start + width] for start in range(0, len(words), width)]
    for start in range(0, len(rows), ROWS):
        yield from_rows(rows[start : start + ROWS])


def from_rows(rows: Sequence[Sequence[str]]) -> Pasted:
    """One share from its 8 rows, mended as far as can be. It counts only if the commitment matches."""
    try:
        data, corrections = from_words(rows)
        text = Record.decode(data).to_text()
    except ShareError as error:
        unfit = ", ".join(map(str, wrong_rows(rows))) if len(rows[0]) > COLUMNS else ""
        hint = f" Rows that do not fit their check words: {unfit}." if unfit else ""
        return Pasted(problem=f"{error}{hint}")
    return Pasted(text, places(corrections))


def places(corrections: Sequence[Correction]) -> str:
    """Where words were mended, without the words: they are secret."""
    return ", ".join(f"row {correction.row} word {correction.column}" for correction in corrections)
