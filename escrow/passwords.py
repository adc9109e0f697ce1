"""Passwords that a machine invents and a person may have to type: words with hyphens between them."""

import os

from escrow.memory import Secret, isolate
from escrow.wordlist import WORDS

COUNT = 16  # words of 8 bits: 128 bits, beyond guessing even without a slow key derivation


def invent() -> Secret:
    """A new random password: 16 words of four letters, joined by hyphens. There are 2^128 of them, all as likely."""
    password = Secret(COUNT * 5)

    def in_worker() -> bytes:
        password.fill("-".join(WORDS[byte] for byte in os.getrandom(COUNT)).encode("ascii"))
        return b""

    isolate(in_worker, password)
    return password
