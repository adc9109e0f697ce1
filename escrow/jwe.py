"""A provisioner's key as step encrypts it, and as the CA serves it to anybody: does a password open it?

Compact JWE (RFC 7516), PBES2-HS256+A128KW (RFC 7518, 4.8), as `step ca init` writes `encryptedKey`.
"""

import base64
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from escrow.memory import Secret, isolate

_ALGORITHM = "PBES2-HS256+A128KW"
_MOST = 1_000_000  # iterations; step refuses more
_LONGEST = 1 << 12  # characters of the header and the wrapped key; step writes fewer than 250


def opens(encrypted: str, password: Secret) -> bool:
    """Whether a password unwraps the content key of a compact JWE; False also for one of another kind."""

    def in_worker() -> bytes:
        return b"yes" if _unwraps(encrypted, bytes(password.view)) else b""

    return bool(isolate(in_worker, password))


def _unwraps(encrypted: str, password: bytes) -> bool:
    try:
        header, wrapped = (_decoded(part) for part in encrypted[:_LONGEST].split(".")[:2])
        fields = json.loads(header)
        if fields["alg"] != _ALGORITHM or not 0 < fields["p2c"] <= _MOST:
            return False
        salt = _ALGORITHM.encode() + b"\0" + _decoded(fields["p2s"])
        key = PBKDF2HMAC(hashes.SHA256(), 16, salt, fields["p2c"]).derive(password)
        aes_key_unwrap(key, wrapped)
    except (ValueError, KeyError, TypeError, RecursionError, InvalidUnwrap):
        return False
    return True


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
