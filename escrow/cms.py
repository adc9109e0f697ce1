"""CMS AuthEnvelopedData with one KEK recipient: `encrypt` and `decrypt` are inverses.

RFC 5083 (AuthEnvelopedData), RFC 5652 section 6.2.3 (KEKRecipientInfo), RFC 3565 (id-aes256-wrap, which is
RFC 3394), RFC 5084 (AES-GCM in CMS). `openssl cms -decrypt -secretkey` opens the same bytes.
The content key and the nonce are used once. Leaves keys on heap and stack: call in a worker.
"""

import os
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.x509 import ObjectIdentifier

from escrow.errors import PackageError

AUTH_ENVELOPED_DATA = ObjectIdentifier("1.2.840.113549.1.9.16.1.23")
_DATA = ObjectIdentifier("1.2.840.113549.1.7.1")
AES256_WRAP = ObjectIdentifier("2.16.840.1.101.3.4.1.45")
_AES256_GCM = ObjectIdentifier("2.16.840.1.101.3.4.1.46")
_KEY, _NONCE, _TAG = 32, 12, 16


@asn1.sequence
class _GcmParameters:
    nonce: bytes
    tag_length: int


@asn1.sequence
class _ContentEncryption:
    algorithm: ObjectIdentifier
    parameters: _GcmParameters


@asn1.sequence
class EncryptedContentInfo:
    """RFC 5652, 6.1: what was encrypted, without its tag."""

    content_type: ObjectIdentifier
    encryption: _ContentEncryption
    content: Annotated[bytes, asn1.Implicit(0)]


@asn1.sequence
class _KeyEncryption:
    algorithm: ObjectIdentifier


@asn1.sequence
class _KekIdentifier:
    key_identifier: bytes


@asn1.sequence
class _KekRecipientInfo:
    version: int
    identifier: _KekIdentifier
    encryption: _KeyEncryption
    encrypted_key: bytes


@asn1.sequence
class _AuthEnvelopedData:
    version: int
    recipients: asn1.SetOf[Annotated[_KekRecipientInfo, asn1.Implicit(2)]]
    content: EncryptedContentInfo
    tag: bytes


@asn1.sequence
class _ContentInfo:
    content_type: ObjectIdentifier
    content: Annotated[_AuthEnvelopedData, asn1.Explicit(0)]


def encrypt(wrapping_key: bytes, key_identifier: bytes, plaintext: bytes) -> bytes:
    """Encrypt under a fresh content key that is wrapped by the 32-byte wrapping key; return DER."""
    content_key, content, tag = encrypt_content(plaintext)
    return asn1.encode_der(
        _ContentInfo(
            content_type=AUTH_ENVELOPED_DATA,
            content=_AuthEnvelopedData(
                version=0,
                recipients=asn1.SetOf(
                    [
                        _KekRecipientInfo(
                            version=4,
                            identifier=_KekIdentifier(key_identifier=key_identifier),
                            encryption=_KeyEncryption(algorithm=AES256_WRAP),
                            encrypted_key=aes_key_wrap(wrapping_key, content_key),
                        )
                    ]
                ),
                content=content,
                tag=tag,
            ),
        )
    )


def encrypt_content(plaintext: bytes) -> tuple[bytes, EncryptedContentInfo, bytes]:
    """Encrypt under a fresh content key, which is for the recipient alone: the key, what to send, and its tag."""
    content_key = os.getrandom(_KEY)
    nonce = os.getrandom(_NONCE)  # the content key is used once, so any nonce would do
    sealed = AESGCM(content_key).encrypt(nonce, plaintext, None)
    encryption = _ContentEncryption(algorithm=_AES256_GCM, parameters=_GcmParameters(nonce=nonce, tag_length=_TAG))
    content = EncryptedContentInfo(content_type=_DATA, encryption=encryption, content=sealed[:-_TAG])
    return content_key, content, sealed[-_TAG:]


def decrypt(wrapping_key: bytes, key_identifier: bytes, der: bytes) -> bytes:
    """Give back what `encrypt` encrypted.

    Raises PackageError, telling apart: not this structure, another key identifier, a wrong wrapping key, a
    damaged content.
    """
    envelope = _parse(der)
    recipient = envelope.recipients.as_list()[0]
    if recipient.identifier.key_identifier != key_identifier:
        message = (
            "The encrypted part belongs to another share set than the manifest: the package was put together wrongly."
        )
        raise PackageError(message)
    try:
        content_key = aes_key_unwrap(wrapping_key, recipient.encrypted_key)
    except (InvalidUnwrap, ValueError):
        message = (
            "The wrapping key does not open the package's encrypted key: "
            "it is another set's, or the package is damaged."
        )
        raise PackageError(message) from None
    parameters = envelope.content.encryption.parameters
    try:
        return AESGCM(content_key).decrypt(parameters.nonce, envelope.content.content + envelope.tag, None)
    except (InvalidTag, ValueError):
        message = "The package's encrypted content is damaged: its authentication tag does not fit. Use another copy."
        raise PackageError(message) from None


def check_structure(der: bytes) -> None:
    """Check all that needs no key: structure, algorithms, lengths. Raises PackageError."""
    _parse(der)


def _parse(der: bytes) -> _AuthEnvelopedData:
    try:
        info = asn1.decode_der(_ContentInfo, der)
    except ValueError:
        message = "The package's encrypted part is not CMS AuthEnvelopedData: it is damaged. Use another copy."
        raise PackageError(message) from None
    envelope = info.content
    recipients = envelope.recipients.as_list()
    encryption = envelope.content.encryption
    known = (
        info.content_type == AUTH_ENVELOPED_DATA
        and envelope.version == 0
        and len(recipients) == 1
        and recipients[0].version == 4  # noqa: PLR2004 - RFC 5652, 6.2.3: always 4
        and recipients[0].encryption.algorithm == AES256_WRAP
        and len(recipients[0].encrypted_key) == _KEY + 8  # RFC 3394, 2.2.1: one block of 8 bytes more
        and envelope.content.content_type == _DATA
        and encryption.algorithm == _AES256_GCM
        and len(encryption.parameters.nonce) == _NONCE
        and encryption.parameters.tag_length == len(envelope.tag) == _TAG
    )
    if not known:
        message = "The package's encrypted part uses algorithms or versions that this format does not: it is damaged."
        raise PackageError(message)
    return envelope
