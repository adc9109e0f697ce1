"""Hashes as words: to be read aloud, compared and written down.

One word a byte, of the same 256 words as on the sheets.
"""

from collections.abc import Sequence

from escrow.wordlist import WORDS

_ROW = 8


def words_of(digest: bytes) -> tuple[str, ...]:
    """All of a hash: one word a byte, 32 for a SHA-256."""
    return tuple(WORDS[byte] for byte in digest)


def rows_of(words: Sequence[str]) -> tuple[str, ...]:
    """The full form: rows of eight words."""
    return tuple(" ".join(words[start : start + _ROW]) for start in range(0, len(words), _ROW))


def first_three_and_last(words: Sequence[str]) -> str:
    """The short form, to recognise a hash by: 32 bits of it, which is no proof against somebody who wants a match."""
    return f"{' '.join(words[:3])} ... {words[-1]}"
