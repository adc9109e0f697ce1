"""The label of a share, which is public: `encode` and `decode` are inverses. And the public words of sets and shares.

Whoever holds a sealed bag can show, from its label alone, which share of which set is in it. The layout stands
in FORMAT.md, sections "Label" and "Public words".
"""

import base64
import binascii
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Self

from escrow.errors import ShareError
from escrow.manifest import Manifest
from escrow.policy import Position
from escrow.share import SET_ID_LENGTH, Kind
from escrow.wordlist import WORDS

PREFIX = "LABEL1:"
PUBLIC_WORDS = 4
"""How many words people compare of a set, and of a share."""

_LAYOUT = struct.Struct(f">B{SET_ID_LENGTH}sBB32s")
_CHECKSUM = 4


@dataclass(frozen=True)
class Label:
    """Which share this is: its set, its place in the policy, and the commitment to its value. Nothing secret."""

    kind: Kind
    set_id: bytes
    group: int
    x: int
    commitment: bytes

    @classmethod
    def of(cls, manifest: Manifest, position: Position) -> Self:
        """The label of a share of a set."""
        commitment = manifest.commitment_at(position)
        return cls(manifest.kind, manifest.set_id, position.group, position.x, commitment)

    def encode(self) -> bytes:
        """The 55 bytes of this label."""
        body = _LAYOUT.pack(self.kind.version, self.set_id, self.group, self.x, self.commitment)
        return body + zlib.crc32(body).to_bytes(_CHECKSUM, "big")

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The label in 55 bytes. Raises ShareError for another length, checksum or version."""
        if (
            len(data) != _LAYOUT.size + _CHECKSUM
            or zlib.crc32(data[:-_CHECKSUM]).to_bytes(4, "big") != data[-_CHECKSUM:]
        ):
            message = "The label's length or checksum does not fit: it was misread. Scan it again."
            raise ShareError(message)
        version, set_id, group, x, commitment = _LAYOUT.unpack(data[:-_CHECKSUM])
        for kind in Kind:
            if version == kind.version:
                return cls(kind, set_id, group, x, commitment)
        message = f"The label has format version {version}, which this program does not know: use a newer one."
        raise ShareError(message)

    def to_text(self) -> str:
        """What stands in the QR code: the prefix and base32 (RFC 4648, section 6), which needs no padding here."""
        return PREFIX + base64.b32encode(self.encode()).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The label in a QR code's text. Raises ShareError for anything that `to_text` does not make."""
        if not text.startswith(PREFIX):
            message = f"The text does not begin with {PREFIX}, so it is no label of a share."
            raise ShareError(message)
        try:
            return cls.decode(base64.b32decode(text.removeprefix(PREFIX)))  # 88 characters have no other form
        except (binascii.Error, ValueError):
            message = "The label's text has characters that a label never has, or a wrong length: it was misread."
            raise ShareError(message) from None

    def check(self, manifest: Manifest) -> None:
        """Raise ShareError unless this is the label of a share of this set."""
        position = Position(self.group, self.x)
        if position not in manifest.policy.positions or self != Label.of(manifest, position):
            share = manifest.policy.name_of(position)
            message = f"The label of share {share} does not belong to this package's set: it is of another, or changed."
            raise ShareError(message)


def is_label_text(text: str) -> bool:
    """Whether a QR code's text claims to be a label of any version."""
    return re.match(r"LABEL\d+:", text) is not None


def set_words(set_id: bytes) -> str:
    """The public words of a set, by which people compare: one for each of the set id's first 4 bytes."""
    return _words(set_id)


def share_words(commitment: bytes) -> str:
    """The public words of a share: one for each of the first 4 bytes of its commitment. They say nothing about it."""
    return _words(commitment)


def _words(data: bytes) -> str:
    return " ".join(WORDS[byte].upper() for byte in data[:PUBLIC_WORDS])
