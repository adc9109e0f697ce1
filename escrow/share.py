"""A share as bytes and as text: `encode` and `decode` are inverses; commitments tell a wrong share from a right one.

The layout stands in FORMAT.md, section "Share record". Values are plain bytes here: work on them in a worker.
"""

import base64
import binascii
import hashlib
import re
import struct
import zlib
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from escrow.errors import ShareError
from escrow.policy import Position

SET_ID_LENGTH = 16
SHORT_SET_ID_LENGTH = 8
VALUE_LENGTH = 32
LANE = 16
RECORD_LENGTH = 48

_LAYOUT = struct.Struct(">B8sBBB32sI")
_COMMITMENT_LABEL = b"step-ca escrow v1 share commitment\x00"
_KEY_CHECK_LABEL = b"step-ca escrow v1 key check\x00"


class Kind(Enum):
    """Production material is precious; specimen material is for practice, and the two never mix."""

    PRODUCTION = "production"
    SPECIMEN = "specimen"

    @property
    def version(self) -> int:
        """The first byte of a record: format version 1, the highest bit set for a specimen."""
        return 0x01 if self is Kind.PRODUCTION else 0x81

    @property
    def prefix(self) -> str:
        """What the text in a QR code begins with."""
        return "ESCR1:" if self is Kind.PRODUCTION else "SPEC1:"


@dataclass(frozen=True)
class Record:
    """One share with all that is needed to know what it is. The value does not show."""

    kind: Kind
    set_id: bytes
    group: int
    x: int
    k: int
    value: bytes = field(repr=False)

    @property
    def position(self) -> Position:
        """Where the share stands in its policy."""
        return Position(self.group, self.x)

    def encode(self) -> bytes:
        """The 48 bytes of this record."""
        body = _LAYOUT.pack(self.kind.version, self.set_id, self.group, self.x, self.k, self.value, 0)[:-4]
        return body + zlib.crc32(body).to_bytes(4, "big")

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The record in 48 bytes.

        Only what can be said without a manifest is checked: length, checksum, version. Raises ShareError.
        """
        if len(data) != RECORD_LENGTH:
            message = (
                f"A share has {RECORD_LENGTH} bytes and this has {len(data)}: part of it is missing, or it is no share."
            )
            raise ShareError(message)
        version, set_id, group, x, k, value, checksum = _LAYOUT.unpack(data)
        if zlib.crc32(data[:-4]) != checksum:
            message = (
                f"The checksum of share {x} does not fit: something was misread or mistyped. Read the sheet again."
            )
            raise ShareError(message)
        for kind in Kind:
            if version == kind.version:
                return cls(kind, set_id, group, x, k, value)
        message = f"The share has format version {version}, which this program does not know: use a newer one."
        raise ShareError(message)

    def to_text(self) -> str:
        """What stands in the QR code: the prefix and unpadded base32 (RFC 4648, section 6)."""
        return self.kind.prefix + base64.b32encode(self.encode()).decode("ascii").rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The record in a QR code's text. Raises ShareError, also when the encoding is not the canonical one."""
        for kind in Kind:
            if text.startswith(kind.prefix):
                record = cls.decode(_from_base32(text.removeprefix(kind.prefix)))
                break
        else:
            version = text.partition(":")[0]
            message = "The text does not begin with ESCR1: or SPEC1:, so it is no share."
            if is_share_text(text):
                message = f"The share has the format {version}, which this program does not know: use a newer one."
            raise ShareError(message)
        if record.kind is not kind or record.to_text() != text:
            message = "The share's text is not in its canonical form: it was changed after printing."
            raise ShareError(message)
        return record


def ssss_lines(record: Record) -> tuple[str, str]:
    """The left and the right lane as ssss-combine reads them: a number, a hyphen, 32 hex digits.

    The number is x. A share with k = 1 is a whole group, not to be combined with others of its group: it bears
    the number that its group has among the groups.
    """
    number = record.group if record.k == 1 else record.x
    return f"{number}-{record.value[:LANE].hex()}", f"{number}-{record.value[LANE:].hex()}"


def is_share_text(text: str) -> bool:
    """Whether a QR code's text claims to be a share of any version."""
    return re.match(r"(ESCR|SPEC)\d+:", text) is not None


def commitment(position: Position, k: int, value: bytes) -> bytes:
    """SHA-256 that binds a share's value to its place in the policy. Hides it: the value is 256 random bits."""
    return hashlib.sha256(_COMMITMENT_LABEL + bytes([position.group, position.x, k]) + value).digest()


def key_check(wrapping_key: bytes) -> bytes:
    """SHA-256 by which a recombined wrapping key is recognised before it is used."""
    return hashlib.sha256(_KEY_CHECK_LABEL + wrapping_key).digest()


def _from_base32(body: str) -> bytes:
    try:
        return base64.b32decode(body + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        message = "The share's text has characters that a share never has, or a wrong length: it was misread."
        raise ShareError(message) from None
