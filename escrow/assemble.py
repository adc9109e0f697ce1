"""Assemble a package from scans of its sheets, or from the texts of their codes. The inverse is `paper.package_sheet`.

A package is not secret, but what a scanner or a stranger made is parsed in a worker all the same.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from escrow.errors import EscrowError, PackageError, WorkerError
from escrow.files import read_public
from escrow.memory import isolate
from escrow.paper import parts
from escrow.paper.parts import Part
from escrow.paper.scan import MAX_FILE, prepare, scan

SUFFIXES = {".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".txt"}
"""The files of a directory that are read; others may lie beside them."""

_PICTURES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
_CODE = re.compile(rb"PKG\d+:[0-9A-Z:]+")

Progress = Callable[[str, int, int], None]


def is_sheets(path: Path) -> bool:
    """Whether this is a directory, a PDF, a picture, or a text with codes: anything but a package file."""
    return path.is_dir() or _is_scan(read_public(path, MAX_FILE))


def assemble(path: Path, progress: Progress) -> bytes:
    """The package's text, from all its codes in a file or in the files of a directory.

    Codes that cannot be read are lost codes; codes of another package are an error. Raises PackageError, which
    says which codes would help, or FileError.
    """
    files = [path]
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        message = f"{path} holds no scan of a package sheet: no {', '.join(sorted(SUFFIXES))} is in it."
        raise PackageError(message)
    prepare()
    found: dict[int, Part] = {}
    problems: list[str] = []
    for done, file in enumerate(files):
        progress("Reading package sheets", done, len(files))
        try:
            texts = read_codes(file)
        except (PackageError, WorkerError) as error:
            problems.append(f"{file}: {error}")
            continue
        if not texts:
            problems.append(f"{file}: no code of a package can be read on it.")
        for text in texts:
            _add(found, text, file, problems)
        if found:
            needed = next(iter(found.values())).data
            progress("Codes of the package", min(len(found), needed), needed)
    progress("Reading package sheets", len(files), len(files))
    if parts.still_needed(found.values()):
        raise PackageError("\n".join([*problems, parts.what_helps(found.values())]))
    return parts.join(found.values())


def compare(texts: Iterable[str], package: bytes) -> tuple[int, list[str]]:
    """How many codes the sheets of a package have, and the labels of those that were not read.

    Raises PackageError if those that were read do not give the package, or give another one.
    """
    found: dict[int, Part] = {}
    for text in texts:
        part = Part.from_text(text)
        parts.check_fits(found.values(), part)
        found[part.number] = part
    if parts.join(found.values()) != package:
        message = "These are the sheets of another package."
        raise PackageError(message)
    first = next(iter(found.values()))
    return first.total, [parts.label(first.package, n, first.total) for n in parts.absent(found.values())]


def _add(found: dict[int, Part], text: str, file: Path, problems: list[str]) -> None:
    try:
        part = Part.from_text(text)
    except PackageError as error:
        problems.append(f"{file}: {error}.")
        return
    try:
        parts.check_fits(found.values(), part)
    except PackageError as error:
        message = f"{file}: {error}"
        raise PackageError(message) from None
    found[part.number] = part


def read_codes(file: Path) -> list[str]:
    """The texts of all codes of packages in a file: pictures, or the codes as text.

    Raises FileError, PackageError and, for what breaks a decoder, WorkerError.
    """
    content = read_public(file, MAX_FILE)

    def in_worker() -> bytes:
        try:
            texts = [text for page in scan(content) for text in page.texts]
        except EscrowError as error:
            raise PackageError(f"{error}.".replace("..", ".")) from None
        return json.dumps([text for text in texts if parts.is_part_text(text)]).encode()

    if not content.startswith(_PICTURES):
        return [match.decode() for match in dict.fromkeys(_CODE.findall(content))]
    texts: list[str] = json.loads(isolate(in_worker))
    return texts


def _is_scan(content: bytes) -> bool:
    return content.startswith(_PICTURES) or _CODE.search(content[:1000]) is not None
