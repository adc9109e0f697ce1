"""A provisioner's key as step encrypts it, and as the CA serves it to anybody: `encrypt` one; does a password open it?

Compact JWE (RFC 7516), PBES2-HS256+A128KW (RFC 7518, 4.8) and A256GCM, as `step ca init` writes `encryptedKey`.
"""

import base64
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from escrow.memory import Secret, isolate
from escrow.pbes2 import ITERATIONS

_ALGORITHM = "PBES2-HS256+A128KW"
_MOST = 1_000_000  # iterations; step refuses more
_LONGEST = 1 << 12  # characters of the header and the wrapped key; step writes fewer than 250
_WRAPPING, _CONTENT, _SALT, _NONCE, _TAG = 16, 32, 16, 12, 16


def encrypt(plaintext: bytes, password: bytes) -> str:
    """Encrypt a JWK under a password, as step reads it. Leaves both on heap and stack: call in a worker."""
    salt, nonce, content_key = os.getrandom(_SALT), os.getrandom(_NONCE), os.getrandom(_CONTENT)
    fields = {"alg": _ALGORITHM, "cty": "jwk+json", "enc": "A256GCM", "p2c": ITERATIONS, "p2s": encoded(salt)}
    header = encoded(json.dumps(fields, separators=(",", ":")).encode())
    wrapped = aes_key_wrap(_derived(password, salt, ITERATIONS), content_key)
    sealed = AESGCM(content_key).encrypt(nonce, plaintext, header.encode("ascii"))
    parts = (wrapped, nonce, sealed[:-_TAG], sealed[-_TAG:])
    return ".".join([header, *map(encoded, parts)])


def opens(encrypted: str, password: Secret) -> bool:
    """Whether a password unwraps the content key of a compact JWE; False also for one of another kind."""

    def in_worker() -> bytes:
        return b"yes" if _unwraps(encrypted, bytes(password.view)) else b""

    return bool(isolate(in_worker, password))


def encoded(part: bytes) -> str:
    """Base64url without padding (RFC 7515, 2), as all of JOSE has it."""
    return base64.urlsafe_b64encode(part).decode("ascii").rstrip("=")


def _unwraps(encrypted: str, password: bytes) -> bool:
    try:
        header, wrapped = (_decoded(part) for part in encrypted[:_LONGEST].split(".")[:2])
        fields = json.loads(header)
        if fields["alg"] != _ALGORITHM or not 0 < fields["p2c"] <= _MOST:
            return False
        aes_key_unwrap(_derived(password, _decoded(fields["p2s"]), fields["p2c"]), wrapped)
    except (ValueError, KeyError, TypeError, RecursionError, InvalidUnwrap):
        return False
    return True


def _derived(password: bytes, salt: bytes, iterations: int) -> bytes:
    """The wrapping key: PBKDF2 with the algorithm's name before the salt (RFC 7518, 4.8.1.1)."""
    return PBKDF2HMAC(hashes.SHA256(), _WRAPPING, _ALGORITHM.encode() + b"\0" + salt, iterations).derive(password)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
