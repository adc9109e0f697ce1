"""Passwords: from files and descriptors, as step reads them; and invented ones, which a person may have to type."""

import os
import re

from escrow.errors import FileError
from escrow.memory import Secret, isolate
from escrow.wordlist import WORDS

COUNT = 16  # words of 8 bits: 128 bits, beyond guessing even without a slow key derivation

_DESCRIPTOR = re.compile(r"(?:/dev/fd/|/proc/self/fd/|fd:)(\d+)")


def read_password(source: str) -> Secret:
    """Read a password from a file, from `-` (standard input), or from a descriptor (/dev/fd/N, fd:N).

    White space at the end is cut off, as step does. Raises FileError, also when nothing is left.
    """
    limit = 1024
    match = _DESCRIPTOR.fullmatch({"-": "fd:0", "/dev/stdin": "fd:0"}.get(source, source))
    name = "standard input" if match and match[1] == "0" else source
    if match:
        # Not by opening /dev/fd/N: that path is closed to a process that forbids being traced.
        password = Secret.read(int(match[1]), limit, name)
    else:
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            message = f"Cannot read {source}: {error.strerror}."
            raise FileError(message) from None
        try:
            password = Secret.read(descriptor, limit, name)
        finally:
            os.close(descriptor)
    strip_end(password)
    if not len(password):
        password.close()
        message = f"The password from {name} is empty. step would take that for no password at all; give one."
        raise FileError(message)
    return password


def strip_end(password: Secret) -> None:
    """Cut white space off the end, in place: step and step-ca do the same when they read a password file."""
    view = password.view
    length = len(view)
    while length and view[length - 1] in b" \t\n\v\f\r":
        length -= 1
    password.shorten(length)


def invent() -> Secret:
    """A new random password: 16 words of four letters, joined by hyphens. There are 2^128 of them, all as likely."""
    password = Secret(COUNT * 5)

    def in_worker() -> bytes:
        password.fill("-".join(WORDS[byte] for byte in os.getrandom(COUNT)).encode("ascii"))
        return b""

    isolate(in_worker, password)
    return password
