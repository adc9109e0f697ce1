"""The list of files with their hashes, sorted by name: `sha256sum -c` checks it."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from escrow.errors import EscrowError

FILE = "MANIFEST.sha256"


class BundleError(EscrowError):
    """A bundle cannot be made, or what was installed from one is not what it had."""


def encode(hashes: Mapping[str, str]) -> bytes:
    """The list: a line for each file, `hash  name`."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items())).encode()


def decode(text: bytes) -> dict[str, str]:
    """The hashes by name. Raises BundleError for what is no list."""
    try:
        rows = [line.split("  ", 1) for line in text.decode().splitlines()]
        hashes = {name: digest for digest, name in rows}
    except ValueError:
        message = "The list of files is damaged: a line of it is no hash and name."
        raise BundleError(message) from None
    if encode(hashes) != text:
        message = "The list of files is damaged: it is not sorted, or names a file twice."
        raise BundleError(message)
    return hashes


def hashes_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The hashes of files below a folder. Raises OSError."""
    found = {}
    for name in names:
        with (folder / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What is not as it should be, a line for each file."""
    return [
        *(f"{name} is missing" for name in sorted(expected.keys() - found.keys())),
        *(f"{name} was added" for name in sorted(found.keys() - expected.keys())),
        *(f"{name} was changed" for name in sorted(expected.keys() & found.keys()) if expected[name] != found[name]),
    ]
