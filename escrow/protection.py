"""How well a key file is encrypted: `look` says how, and what is weak about it. Nothing is decrypted.

Sources: RFC 1421 headers as OpenSSL writes them, RFC 8018 (PBES1, PBES2), RFC 5958, openssh PROTOCOL.key.
"""

import base64
import json
import re
from dataclasses import dataclass

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from escrow.memory import Secret, isolate
from escrow.pbes2 import ITERATIONS

_BLOCK = re.compile(rb"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_DEK = re.compile(rb"^DEK-Info: *([A-Za-z0-9-]+)", re.MULTILINE)
_PBES2, _PBKDF2 = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12"
_NO_CIPHER = b"openssh-key-v1\0\0\0\0\4none"


@asn1.sequence
class _Algorithm:
    algorithm: ObjectIdentifier
    parameters: asn1.TLV


@asn1.sequence
class _Encrypted:
    algorithm: _Algorithm
    data: bytes


@asn1.sequence
class _Pbes2:
    derivation: _Algorithm
    encryption: _Algorithm


@asn1.sequence
class _Pbkdf2:
    salt: bytes
    iterations: int
    length: int | None
    prf: _Algorithm | None


@dataclass(frozen=True)
class Protection:
    """Whether a key file is encrypted, and what is weak about that; "" if nothing is."""

    encrypted: bool
    weakness: str


def look(content: Secret) -> Protection:
    """How a key file is encrypted. What cannot be parsed is taken for sound: opening it will tell."""

    def in_worker() -> bytes:
        block = _BLOCK.search(bytes(content.view))
        return json.dumps(_of(block[1].decode(), block[2]) if block else (False, "")).encode()

    return Protection(*json.loads(isolate(in_worker, content)))


def _of(label: str, body: bytes) -> tuple[bool, str]:
    if cipher := _DEK.search(body):
        return True, f"PEM's old encryption ({cipher[1].decode()}): one pass of MD5 makes the key of the password"
    try:
        data = base64.b64decode(body)
        if label == "OPENSSH PRIVATE KEY":
            return not data.startswith(_NO_CIPHER), ""
        return (True, _of_pkcs8(data)) if label == "ENCRYPTED PRIVATE KEY" else (False, "")
    except ValueError:
        return label == "ENCRYPTED PRIVATE KEY", ""


def _of_pkcs8(data: bytes) -> str:
    algorithm = asn1.decode_der(_Encrypted, data).algorithm
    if algorithm.algorithm.dotted_string != _PBES2:
        return "PKCS#5's old encryption (PBES1), of 56 to 168 bits and few iterations"
    derivation = algorithm.parameters.parse(_Pbes2).derivation
    if derivation.algorithm.dotted_string != _PBKDF2:
        return ""
    iterations = derivation.parameters.parse(_Pbkdf2).iterations
    return f"PBKDF2 with {iterations:,} iterations" if iterations < ITERATIONS else ""
