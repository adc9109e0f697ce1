"""Signatures over public records, by a key that is made for one ceremony and thrown away. Ed25519 (RFC 8032)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from escrow import keys
from escrow.errors import KeyFileError, SignatureError
from escrow.keys import PrivateKey
from escrow.memory import isolate

LENGTH = 64


def new_key() -> PrivateKey:
    """A key in locked memory."""
    return keys.generate("Ed25519")


def sign(key: PrivateKey, content: bytes) -> bytes:
    """The signature, 64 bytes. Raises SignatureError for a key of another kind."""

    def in_worker() -> bytes:
        private = keys.parse(bytes(key.pem.view))
        if not isinstance(private, Ed25519PrivateKey):
            message = f"Records are signed with Ed25519, not with {key.algorithm}."
            raise SignatureError(message)
        return private.sign(content)

    return isolate(in_worker, key.pem)


def verify(public: bytes, content: bytes, signature: bytes) -> None:
    """Raise SignatureError unless the signature is by the key of this SubjectPublicKeyInfo (DER) over the content."""
    try:
        key = keys.parse_public(public)
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, content)
            return
    except (InvalidSignature, ValueError, KeyFileError):
        pass
    message = "the signature is not by the key that the ceremony was opened with."
    raise SignatureError(message)
