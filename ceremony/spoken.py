"""Hashes as words: to be read aloud, compared and written down.

One word a byte, of the same 256 words as on the sheets.
"""

import functools
import hashlib
from collections.abc import Sequence

from escrow.wordlist import WORDS

_ROW = 8
_CHECK_WORDS = 2
_ROUNDS = 1_000_000


def words_of(digest: bytes) -> tuple[str, ...]:
    """All of a hash: one word a byte, 32 for a SHA-256."""
    return tuple(WORDS[byte] for byte in digest)


def rows_of(words: Sequence[str]) -> tuple[str, ...]:
    """The full form: rows of eight words."""
    return tuple(" ".join(words[start : start + _ROW]) for start in range(0, len(words), _ROW))


def first_three_and_last(words: Sequence[str]) -> str:
    """The short form, to recognise a hash by: 32 bits of it, which is no proof against somebody who wants a match."""
    return f"{' '.join(words[:3])} ... {words[-1]}"


@functools.cache
def witness_words(head: bytes) -> tuple[str, ...]:
    """What witnesses write down of a journal's head: four words of a hash that is slow on purpose.

    Four words are 32 bits. So that nobody quickly finds another journal with the same ones by trying, each try costs a
    million rounds (PBKDF2, RFC 8018): decades of a processor core, days of a large graphics card, for each checkpoint.
    """
    words = words_of(hashlib.pbkdf2_hmac("sha256", head, b"step-ca escrow witness words", _ROUNDS))
    return (*words[:3], words[-1])


def check_words(plan: bytes, step: str) -> tuple[str, ...]:
    """The words that stand beside an irreversible step in the witnesses' scripts alone, from the plan's digest.

    They make an officer ask a witness. They are no secret from whoever can run this program.
    """
    return words_of(hashlib.sha256(b"step-ca escrow check words\n" + plan + step.encode()).digest())[:_CHECK_WORDS]
