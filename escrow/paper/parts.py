"""The package's text as numbered parts for QR codes: `split` and `join` are inverses, and parts may be lost.

Parts 1 to `data` carry the text in order, each the same number of bytes, the last one filled up with zeros. The
others are parity: byte j of all parts is a codeword of a Reed-Solomon code over GF(256), so any `data` of the parts
give all of them back. The layout stands in FORMAT.md, section "Package parts".

The payload is base32 (RFC 4648, section 6): `base32 -d` is on every Linux machine, and a multiple of five bytes
needs no padding, so a stranger can lay the parts' payloads end to end and decode them in one go. Base45 (RFC 9285)
would save 6 % of the codes, and no common program decodes it.
"""

import base64
import hashlib
import itertools
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from reedsolo import ReedSolomonError, RSCodec

from escrow.errors import PackageError

MAX_PARTS = 255
PAYLOAD = 780
"""The most bytes in one part. With 50 characters around it, that is a QR code of version 24 at level M."""

_LOSS = 30  # per cent of all parts, rounded up
_BLOCK = 5  # bytes that base32 writes without padding
_TEXT = re.compile(r"PKG1:([0-9A-F]{16}):(\d{1,3}):(\d{1,3}):(\d{1,3}):(\d{1,6}):([A-Z2-7]+):([0-9A-F]{8})")


@dataclass(frozen=True)
class Part:
    """One part: number `number` of `total`, any `data` of which give the package's text of `length` bytes."""

    package: str
    number: int
    data: int
    total: int
    length: int
    payload: bytes

    @property
    def label(self) -> str:
        """What stands beside the code: PKG, the first digits of the package's id, number and total."""
        return label(self.package, self.number, self.total)

    def to_text(self) -> str:
        """What stands in the QR code: seven fields, and a CRC-32 over all before the last colon."""
        numbers = f"{self.number}:{self.data}:{self.total}:{self.length}"
        body = f"PKG1:{self.package}:{numbers}:{base64.b32encode(self.payload).decode()}"
        return f"{body}:{zlib.crc32(body.encode()):08X}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The part in a QR code's text. Raises PackageError for anything that `to_text` does not make."""
        match = _TEXT.fullmatch(text)
        if not match:
            message = "a code of a package is cut off or of a version that this program does not know"
            raise PackageError(message)
        package, payload = match[1], match[6]
        number, data, total, length = (int(match[group]) for group in (2, 3, 4, 5))
        if zlib.crc32(text[:-9].encode()) != int(match[7], 16):
            message = f"the checksum of code {label(package, number, total)} does not fit: it was misread or changed"
            raise PackageError(message)
        sound = 1 <= number <= total <= MAX_PARTS and 1 <= data <= total and length >= 1
        if not sound or len(payload) * _BLOCK != _payload_length(length, data) * 8:
            message = f"the numbers in code {label(package, number, total)} contradict each other: it was changed"
            raise PackageError(message)
        part = cls(package, number, data, total, length, base64.b32decode(payload))
        if part.to_text() != text:
            message = f"the code {part.label} is not in its canonical form: it was changed"
            raise PackageError(message)
        return part


def is_part_text(text: str) -> bool:
    """Whether a QR code's text claims to be a part of a package, of any version."""
    return re.match(r"PKG\d+:", text) is not None


def label(package: str, number: int, total: int) -> str:
    """The label of a code, such as PKG 4F2C 07/22."""
    width = max(2, len(str(total)))
    return f"PKG {package[:4]} {number:0{width}}/{total}"


def split(text: bytes, payload: int = PAYLOAD) -> list[Part]:
    """The parts of a package's text, at most `payload` bytes in each (a multiple of five).

    Raises PackageError for a text that needs more than 255 parts.
    """
    data, parity = _numbers(len(text), payload)
    total = data + parity
    if total > MAX_PARTS:
        message = (
            f"The package has {len(text)} bytes, which would take {total} codes; more than {MAX_PARTS} cannot be made. "
            "Keep it as a file, on several media."
        )
        raise PackageError(message)
    size = _payload_length(len(text), data)
    padded = text.ljust(data * size, b"\0")
    rows = [padded[start : start + size] for start in range(0, len(padded), size)]
    codec = RSCodec(parity)
    columns = [bytes(codec.encode(bytes(column))) for column in zip(*rows, strict=True)]
    return [
        Part(package_id(text), number, data, total, len(text), bytes(row))
        for number, row in enumerate(zip(*columns, strict=True), 1)
    ]


def fits(text: bytes) -> bool:
    """Whether `split` can make parts of a package's text."""
    return sum(_numbers(len(text), PAYLOAD)) <= MAX_PARTS


def join(parts: Iterable[Part]) -> bytes:
    """The package's text from any `data` of its parts, in any order.

    Raises PackageError, which says what helps, for too few parts, parts of different packages, and parts that
    do not give the text whose hash they carry. More parts than needed mend wrong ones.
    """
    found: dict[int, Part] = {}
    for part in parts:
        check_fits(found.values(), part)
        found[part.number] = part
    if not found or still_needed(found.values()):
        raise PackageError(what_helps(found.values()))
    first = next(iter(found.values()))
    missing = [number - 1 for number in absent(found.values())]
    blank = bytes(len(first.payload))
    rows = [found[number].payload if number in found else blank for number in range(1, first.total + 1)]
    if first.total > first.data:
        codec = RSCodec(first.total - first.data)
        try:
            columns = [bytes(codec.decode(bytes(c), erase_pos=missing)[0]) for c in zip(*rows, strict=True)]
        except ReedSolomonError:
            raise PackageError(_CONTRADICTION) from None
        rows = [bytes(row) for row in zip(*columns, strict=True)]
    text = b"".join(rows)[: first.length]
    if package_id(text) != first.package:
        raise PackageError(_CONTRADICTION)
    return text


def check_fits(others: Iterable[Part], part: Part) -> None:
    """Raise PackageError if a part is not of the same package as the others, or contradicts its own copy."""
    for other in others:
        same = (part.package, part.data, part.total, part.length)
        if same != (other.package, other.data, other.total, other.length):
            message = f"The code {part.label} belongs to another package than {other.label}: leave one of them out."
            raise PackageError(message)
        if part.number == other.number and part.payload != other.payload:
            message = f"The code {part.label} was read twice and differs: one of the two was changed. Leave one out."
            raise PackageError(message)


def absent(parts: Iterable[Part]) -> list[int]:
    """The numbers of the parts that are not among these."""
    found = {part.number: part for part in parts}
    total = max((part.total for part in found.values()), default=0)
    return [number for number in range(1, total + 1) if number not in found]


def still_needed(parts: Iterable[Part]) -> int:
    """How many more parts are needed before `join` can work; at least 1 when there is none yet."""
    found = {part.number: part for part in parts}
    return max(0, max((part.data for part in found.values()), default=1) - len(found))


def what_helps(parts: Iterable[Part]) -> str:
    """How many codes are still needed, and which would help, in words."""
    found = {part.number: part for part in parts}
    if not found:
        return "No code of a package was read. Its codes are labelled PKG; scan the pages flat and sharp, at 300 dpi."
    first = next(iter(found.values()))
    number = still_needed(found.values())
    labels = ", ".join(label(first.package, n, first.total).rsplit(" ", 1)[1] for n in absent(found.values()))
    return (
        f"{len(found)} codes of package {first.package[:4]} were read and {first.data} are needed: "
        f"any {number} more of {labels} will do."
    )


def package_id(text: bytes) -> str:
    """What the parts call their package: SHA-256 of its text, the first 8 bytes as upper-case hex."""
    return hashlib.sha256(text).hexdigest()[:16].upper()


def _numbers(length: int, payload: int) -> tuple[int, int]:
    """How many parts carry a text, and the fewest parity parts that replace any 30 % of all."""
    data = max(1, -(-length // payload))
    return data, next(m for m in itertools.count(1) if m * 100 >= _LOSS * (data + m))


def _payload_length(length: int, data: int) -> int:
    """Bytes in each part of a text of `length` bytes: the fewest that do, in fives."""
    return -(-length // (data * _BLOCK)) * _BLOCK


_CONTRADICTION = (
    "The codes do not give the package that they name: at least one was changed. "
    "Scan the pages again, or use another copy of the package."
)
