"""Private keys: `generate` and `load` bring them into locked memory, `export` brings them out, encrypted.

A `PrivateKey` is PKCS#8 PEM in a Secret and the public half beside it. Each operation runs in a worker, because
cryptography leaves copies of keys on heap and stack.
"""

import base64
import json
import re
import textwrap
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, get_args

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from escrow import pbes2
from escrow.errors import KeyFileError, PasswordRequiredError
from escrow.memory import Secret, isolate

Algorithm = Literal["EC P-256", "EC P-384", "EC P-521", "Ed25519", "RSA 2048", "RSA 3072", "RSA 4096"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
SupportedPublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
SupportedKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

KEY_CAPACITY = 1 << 14  # an RSA key of 8192 bits is 6.5 kB as PEM

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "EC P-256": ec.SECP256R1,
    "EC P-384": ec.SECP384R1,
    "EC P-521": ec.SECP521R1,
}
_CURVE_NAMES = {"secp256r1": "EC P-256", "secp384r1": "EC P-384", "secp521r1": "EC P-521"}
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_BLOCK = re.compile(rb"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class PrivateKey:
    """A private key in locked memory. `public` is its SubjectPublicKeyInfo (DER)."""

    pem: Secret = field(repr=False)
    public: bytes
    algorithm: str


def generate(algorithm: Algorithm) -> PrivateKey:
    """Make a new key."""
    return _hold(lambda: new(algorithm))


def load(content: Secret, password: Secret | None, name: str) -> PrivateKey:
    """Read a key file: PKCS#8, SEC1, PKCS#1 or OpenSSH, plain or encrypted, legacy PEM included.

    Raises PasswordRequiredError when it is encrypted and `password` is None, KeyFileError for anything else.
    """
    return _hold(
        lambda: _read(bytes(content.view), bytes(password.view) if password is not None else None, name),
        content,
        password,
    )


def export(key: Secret, password: Secret) -> bytes:
    """Encrypt a PKCS#8 PEM key for a file that step-ca reads.

    PBES2 (RFC 8018) with PBKDF2-HMAC-SHA256, 600,000 iterations, and AES-256-CBC; as PEM.
    Raises KeyFileError for an empty password.
    """
    if not len(password):
        message = "The new password is empty: step would take that for no password at all. Choose one."
        raise KeyFileError(message)

    def in_worker() -> bytes:
        encrypted = _encrypt(bytes(key.view), bytes(password.view))
        _prove(
            _read(encrypted, bytes(password.view), "The exported key"), public_of(parse(bytes(key.view))), "exported"
        )
        return encrypted

    return isolate(in_worker, key, password)


def prove(key: Secret, public: bytes, name: str) -> None:
    """Show that a PKCS#8 PEM key works and belongs to a public key: sign something, and verify it.

    Raises KeyFileError.
    """

    def in_worker() -> bytes:
        _prove(_parse_pkcs8(bytes(key.view), name), public, name)
        return b""

    isolate(in_worker, key)


def public_half(key: Secret, name: str) -> bytes:
    """The SubjectPublicKeyInfo (DER) of a PKCS#8 PEM key. Raises KeyFileError."""

    def in_worker() -> bytes:
        return public_of(_parse_pkcs8(bytes(key.view), name))

    return isolate(in_worker, key)


def public_of(key: SupportedKey) -> bytes:
    """The SubjectPublicKeyInfo of a private key (DER)."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def parse(pem: bytes) -> SupportedKey:
    """A PKCS#8 PEM key as an object to sign with. Only in a worker: the object holds the key in the open."""
    return _parse_pkcs8(pem, "the key")


def parse_public(public: bytes) -> SupportedPublicKey:
    """The public key in a SubjectPublicKeyInfo (DER) that came from a supported private key."""
    key = serialization.load_der_public_key(public)
    if not isinstance(key, SupportedPublicKey):
        message = f"A public key is a {type(key).__name__}, which a CA should not use."
        raise KeyFileError(message)
    return key


def _hold(make: Callable[[], SupportedKey], *shared: Secret | None) -> PrivateKey:
    pem = Secret(KEY_CAPACITY)

    def in_worker() -> bytes:
        key = make()
        pem.fill(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        public = base64.b64encode(public_of(key)).decode("ascii")
        return json.dumps({"public": public, "algorithm": _algorithm_of(key)}).encode()

    with ExitStack() as undo:
        undo.callback(pem.close)
        facts = json.loads(isolate(in_worker, pem, *(secret for secret in shared if secret is not None)))
        undo.pop_all()
    return PrivateKey(pem, base64.b64decode(facts["public"]), facts["algorithm"])


def new(algorithm: Algorithm) -> SupportedKey:
    """A new key as an object to sign with. Only in a worker: the object holds the key in the open."""
    if algorithm == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    return rsa.generate_private_key(65537, int(algorithm.removeprefix("RSA ")))


def _read(content: bytes, password: bytes | None, name: str) -> SupportedKey:
    blocks = list(_BLOCK.finditer(content))
    if len(blocks) != 1:
        message = f"{name} holds {len(blocks) or 'no'} private keys in PEM form where one is expected."
        raise KeyFileError(message)
    # Only the block itself: openssl writes EC PARAMETERS before it, and mail programs whatever they like.
    pem, label = blocks[0].group(0) + b"\n", blocks[0].group(1)
    read = serialization.load_ssh_private_key if label == b"OPENSSH PRIVATE KEY" else serialization.load_pem_private_key
    try:
        key = read(pem, password)
    except TypeError:
        if password is not None:
            return _read(content, None, name)  # the file is not encrypted, whatever the password is for
        message = f"{name} is encrypted and needs its password."
        raise PasswordRequiredError(message) from None
    except Exception as error:  # noqa: BLE001 - a library's error may quote the key; only its type is told
        message = (
            f"{name} cannot be opened: the password is wrong, or the file is damaged ({type(error).__name__})."
            if password is not None
            else f"{name} cannot be read: it is damaged or of a kind that is not supported ({type(error).__name__})."
        )
        raise KeyFileError(message) from None
    return _supported(key, name)


def _parse_pkcs8(pem: bytes, name: str) -> SupportedKey:
    try:
        return _supported(serialization.load_pem_private_key(pem, None), name)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = f"{name} in the package is not a readable PKCS#8 key ({type(error).__name__})."
        raise KeyFileError(message) from None


def _supported(key: object, name: str) -> SupportedKey:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVE_NAMES:
        return key
    if isinstance(key, rsa.RSAPrivateKey) and _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
        return key
    message = (
        f"{name} is a {type(key).__name__.removeprefix('_')} of a curve or size that a CA should not use. Supported: "
        f"EC P-256, P-384, P-521, Ed25519, RSA {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits."
    )
    raise KeyFileError(message)


def _algorithm_of(key: SupportedKey) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _CURVE_NAMES[key.curve.name]
    return f"RSA {key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else "Ed25519"


def _encrypt(pem: bytes, password: bytes) -> bytes:
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    body = base64.b64encode(pbes2.encrypt(der, password)).decode("ascii")
    lines = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", *textwrap.wrap(body, 64), "-----END ENCRYPTED PRIVATE KEY-----"]
    return "\n".join([*lines, ""]).encode()


def _prove(key: SupportedKey, public: bytes, name: str) -> None:
    if public_of(key) != public:
        message = f"The private key {name} does not belong to its certificate or public key."
        raise KeyFileError(message)
    text = b"step-ca escrow: proof that this key works"
    public_key = key.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(key.sign(text, ec.ECDSA(hashes.SHA256())), text, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPrivateKey) and isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(
                key.sign(text, padding.PKCS1v15(), hashes.SHA256()), text, padding.PKCS1v15(), hashes.SHA256()
            )
        elif isinstance(key, ed25519.Ed25519PrivateKey) and isinstance(public_key, ed25519.Ed25519PublicKey):
            public_key.verify(key.sign(text), text)
    except InvalidSignature:
        message = f"A signature made with the private key {name} does not verify."
        raise KeyFileError(message) from None
