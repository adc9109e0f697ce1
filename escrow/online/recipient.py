"""A secret, encrypted to a public key that somebody gave: `openssl cms -decrypt -inkey` opens it.

CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084). The content key goes to an RSA key by RSAES-OAEP with
SHA-256 (RFC 4056), to a key on a curve by ephemeral-static ECDH with the X9.63 derivation over SHA-256 and
AES-256 key wrap (RFC 5753, 3.1). Certificates are not needed to open it, and not looked at beyond their key.
"""

import base64
import hashlib
import re
import textwrap
from dataclasses import dataclass
from typing import Annotated

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import PublicKeyAlgorithmOID

from escrow.cms import AES256_WRAP, AUTH_ENVELOPED_DATA, EncryptedContentInfo, encrypt_content
from escrow.contents import key_fingerprint
from escrow.errors import CertificateError
from escrow.memory import Secret, isolate

_OAEP = ObjectIdentifier("1.2.840.113549.1.1.7")
_MGF1 = ObjectIdentifier("1.2.840.113549.1.1.8")
_SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_ECDH_SHA256 = ObjectIdentifier("1.3.132.1.11.1")  # dhSinglePass-stdDH-sha256kdf-scheme
_EC = ObjectIdentifier("1.2.840.10045.2.1")
_KEY = 32
_MIN_RSA_BITS = 3072
_PUBLIC_KEY = re.compile(rb"-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", re.DOTALL)
_RSASSA_PSS = asn1.encode_der(PublicKeyAlgorithmOID.RSASSA_PSS)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


@asn1.sequence
class _Plain:
    algorithm: ObjectIdentifier


@asn1.sequence
class _Hash:
    algorithm: ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class _Mask:
    algorithm: ObjectIdentifier
    parameters: _Hash


@asn1.sequence
class _OaepParameters:
    digest: Annotated[_Hash, asn1.Explicit(0)]
    mask: Annotated[_Mask, asn1.Explicit(1)]


@asn1.sequence
class _Oaep:
    algorithm: ObjectIdentifier
    parameters: _OaepParameters


@asn1.sequence
class _Transport:
    """KeyTransRecipientInfo, the recipient by a key identifier (RFC 5652, 6.2.1)."""

    version: int
    recipient: Annotated[bytes, asn1.Implicit(0)]
    encryption: _Oaep
    encrypted_key: bytes


@asn1.sequence
class _OriginatorKey:
    algorithm: _Plain
    point: asn1.BitString


@asn1.sequence
class _Originator:
    """A CHOICE of one, so that its own tag lies within the field's (RFC 5652, 6.2.2)."""

    key: Annotated[_OriginatorKey, asn1.Implicit(1)]


@asn1.sequence
class _Agreement:
    algorithm: ObjectIdentifier
    wrap: _Plain


@asn1.sequence
class _Identifier:
    subject_key: bytes


@asn1.sequence
class _EncryptedKey:
    recipient: Annotated[_Identifier, asn1.Implicit(0)]
    encrypted_key: bytes


@asn1.sequence
class _Agreed:
    """KeyAgreeRecipientInfo with an originator's key of its own (RFC 5652, 6.2.2)."""

    version: int
    originator: Annotated[_Originator, asn1.Implicit(0)]
    encryption: _Agreement
    keys: list[_EncryptedKey]


@asn1.sequence
class _SharedInfo:
    """ECC-CMS-SharedInfo (RFC 5753, 7.2)."""

    key_info: _Plain
    length: Annotated[bytes, asn1.Explicit(2)]


@asn1.sequence
class _AuthEnvelopedData:
    version: int
    recipients: asn1.SetOf[_Transport | Annotated[_Agreed, asn1.Implicit(1)]]
    content: EncryptedContentInfo
    tag: bytes


@asn1.sequence
class _ContentInfo:
    content_type: ObjectIdentifier
    content: Annotated[_AuthEnvelopedData, asn1.Explicit(0)]


@dataclass(frozen=True)
class Recipient:
    """A public key to which secrets can be encrypted."""

    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, as hex: to be compared with whoever has the private half."""
        return key_fingerprint(_spki(self.key))

    @property
    def kind(self) -> str:
        """What kind of key it is, in words."""
        return f"RSA {self.key.key_size}" if isinstance(self.key, rsa.RSAPublicKey) else f"EC {self.key.curve.name}"


def parse(pem: str) -> Recipient:
    """A recipient's public key or certificate, in PEM form. Raises CertificateError for what cannot be used."""
    text = pem.encode()
    try:
        if b"BEGIN CERTIFICATE" in text:
            certificate = x509.load_pem_x509_certificate(text)
            key: object = certificate.public_key()
            for_encryption = _may_encrypt(certificate)
        else:
            key = serialization.load_pem_public_key(text)
            for_encryption = not _may_only_sign(text)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        message = "is no public key and no certificate in PEM form."
        raise CertificateError(message) from None
    if not for_encryption:
        message = "is of a key that may only sign: nobody could open what is encrypted to it."
        raise CertificateError(message)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return Recipient(key)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return Recipient(key)
    message = (
        f"must be RSA of {_MIN_RSA_BITS} bits or more, or EC P-256, P-384 or P-521: nothing is encrypted to others."
    )
    raise CertificateError(message)


def _may_only_sign(pem: bytes) -> bool:
    """Whether a public key is one for RSASSA-PSS alone (RFC 4055, 1.2), which its object does not tell."""
    body = _PUBLIC_KEY.search(pem)
    return body is not None and _RSASSA_PSS in base64.b64decode(body[1])


def _may_encrypt(certificate: x509.Certificate) -> bool:
    """Whether a certificate's key is one to encrypt to: not for RSASSA-PSS alone, and not against its key usage."""
    if certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
        return False
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.key_encipherment or usage.key_agreement


def encrypt(recipient: Recipient, secret: Secret) -> bytes:
    """Encrypt a secret to a recipient; PEM with the label CMS. Only the private half opens it."""

    def in_worker() -> bytes:
        content_key, content, tag = encrypt_content(bytes(secret.view))
        key = recipient.key
        info = _transport(key, content_key) if isinstance(key, rsa.RSAPublicKey) else _agreement(key, content_key)
        envelope = _AuthEnvelopedData(version=0, recipients=asn1.SetOf([info]), content=content, tag=tag)
        return asn1.encode_der(_ContentInfo(content_type=AUTH_ENVELOPED_DATA, content=envelope))

    body = base64.b64encode(isolate(in_worker, secret)).decode("ascii")
    return "\n".join(["-----BEGIN CMS-----", *textwrap.wrap(body, 64), "-----END CMS-----", ""]).encode()


def _transport(key: rsa.RSAPublicKey, content_key: bytes) -> _Transport:
    digest = _Hash(algorithm=_SHA256, parameters=asn1.Null())
    parameters = _OaepParameters(digest=digest, mask=_Mask(algorithm=_MGF1, parameters=digest))
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return _Transport(
        version=2,  # because the recipient is told by a key identifier
        recipient=_identifier(key),
        encryption=_Oaep(algorithm=_OAEP, parameters=parameters),
        encrypted_key=key.encrypt(content_key, oaep),
    )


def _agreement(key: ec.EllipticCurvePublicKey, content_key: bytes) -> _Agreed:
    ephemeral = ec.generate_private_key(key.curve)
    wrap = _Plain(algorithm=AES256_WRAP)
    shared_info = asn1.encode_der(_SharedInfo(key_info=wrap, length=(8 * _KEY).to_bytes(4, "big")))
    derived = X963KDF(hashes.SHA256(), _KEY, shared_info).derive(ephemeral.exchange(ec.ECDH(), key))
    originator = _OriginatorKey(
        algorithm=_Plain(algorithm=_EC), point=asn1.BitString(_point(ephemeral.public_key()), 0)
    )
    wrapped = _EncryptedKey(
        recipient=_Identifier(subject_key=_identifier(key)), encrypted_key=aes_key_wrap(derived, content_key)
    )
    return _Agreed(
        version=3,
        originator=_Originator(key=originator),
        encryption=_Agreement(algorithm=_ECDH_SHA256, wrap=wrap),
        keys=[wrapped],
    )


def _identifier(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    """SHA-1 of the public key's bits (RFC 5280, 4.2.1.2): a name, on which no secret rests."""
    bits = (
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        if isinstance(key, rsa.RSAPublicKey)
        else _point(key)
    )
    return hashlib.sha1(bits, usedforsecurity=False).digest()


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _spki(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
