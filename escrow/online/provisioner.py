"""A provisioner that works with a password: its key is made, encrypted and forgotten in one worker."""

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from escrow import jwe
from escrow.memory import Secret, isolate

_OCTETS = 32  # of each number of P-256 (RFC 7518, 6.2.1.2)


def new_key(password: Secret) -> dict[str, Any]:
    """The fields `key` and `encryptedKey` of a new JWK provisioner (P-256, ES256), as `step ca init` makes them.

    The private half exists nowhere but in `encryptedKey`, under the password.
    """

    def in_worker() -> bytes:
        numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
        public = _public(numbers.public_numbers)
        private = json.dumps({**public, "d": _number(numbers.private_value)}, separators=(",", ":")).encode()
        return json.dumps({"key": public, "encryptedKey": jwe.encrypt(private, bytes(password.view))}).encode()

    made: dict[str, Any] = json.loads(isolate(in_worker, password))
    return made


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The public half of a provisioner's key (P-256) as its field `key` in ca.json (RFC 7517)."""
    return _public(key.public_numbers())


def thumbprint(x: str, y: str) -> str:
    """What a key of P-256 is called: SHA-256 over its required members in order (RFC 7638, 3)."""
    members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return jwe.encoded(hashlib.sha256(canonical).digest())


def _public(numbers: ec.EllipticCurvePublicNumbers) -> dict[str, str]:
    x, y = (_number(value) for value in (numbers.x, numbers.y))
    return {"use": "sig", "kty": "EC", "kid": thumbprint(x, y), "crv": "P-256", "alg": "ES256", "x": x, "y": y}


def _number(value: int) -> str:
    return jwe.encoded(value.to_bytes(_OCTETS, "big"))
