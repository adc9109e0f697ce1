"""Read what somebody else made and the root is to certify: a request (PKCS#10, RFC 2986), or another CA's certificate.

Nothing is taken over silently: of a request its subject and its key count, of a certificate its key identifier, too.
Everything else is what the profile says.
"""

from dataclasses import dataclass, field
from typing import cast, get_args

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from escrow.errors import CertificateError, KeyFileError
from escrow.issuing.draft import Named, key_identifier
from escrow.issuing.fields import Fields, found
from escrow.issuing.profile import KeyIdentifier
from escrow.keys import Algorithm, SupportedPublicKey, parse_public

_WEAK = {"RSA 2048"}
_EXTENSIONS = x509.ObjectIdentifier("1.2.840.113549.1.9.14")  # of PKCS#9: what they are is told one by one
# Some texts are read only when they are asked for, and a double extension is no ValueError.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True)
class Asked:
    """Whom a certificate is asked for: name and key, the kind of key, and what was asked for and is not taken over.

    Of a CA that has a certificate already, also what that says; and whether nobody showed possession of the key.
    """

    named: Named
    algorithm: Algorithm
    not_taken: tuple[str, ...]
    original: Fields = field(default_factory=dict)
    unproven: bool = False


def read_request(content: bytes, name: str, method: KeyIdentifier) -> Asked:
    """Read a request, PEM or DER. Raises CertificateError for one that its own key did not sign, or a key too weak."""
    try:
        pem = content.lstrip().startswith(b"-----BEGIN")
        request = (x509.load_pem_x509_csr if pem else x509.load_der_x509_csr)(content)
        valid = request.is_signature_valid
        public, algorithm = _public(request.public_key(), name)
        subject = request.subject
        attributes = [each.oid for each in request.attributes if each.oid != _EXTENSIONS]
        extensions = [each.oid for each in request.extensions]
    except _UNREADABLE:
        message = f"{name} is not a certificate request that can be read."
        raise CertificateError(message) from None
    if not valid:
        message = f"{name} is not signed by its own key: whoever made it has not shown that they have the key."
        raise CertificateError(message)
    if not list(subject):
        message = f"{name} has no subject: a CA has a name."
        raise CertificateError(message)
    named = Named(subject, public, key_identifier(public, method))
    return Asked(named, algorithm, tuple(map(_called, (*extensions, *attributes))))


def read_authority(content: bytes, name: str) -> Asked:
    """Read the certificate of another CA, PEM or DER: name, key and key identifier stay.

    Raises CertificateError, also for one that is self-issued and not signed by its own key.
    """
    try:
        pem = content.lstrip().startswith(b"-----BEGIN")
        certificate = (x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate)(content)
        public, algorithm = _public(certificate.public_key(), name)
        extensions = {each.oid: each.value for each in certificate.extensions}
        original = found(certificate)
        subject = certificate.subject
        own = certificate.issuer.public_bytes() == subject.public_bytes()
    except _UNREADABLE:
        message = f"{name} is not a certificate that can be read."
        raise CertificateError(message) from None
    constraints = extensions.pop(x509.BasicConstraints.oid, None)
    if not isinstance(constraints, x509.BasicConstraints) or not constraints.ca:
        message = f"{name} is not the certificate of a CA."
        raise CertificateError(message)
    if own:
        _check_own_signature(certificate, name)
    identifier = extensions.pop(x509.SubjectKeyIdentifier.oid, None)
    named = Named(
        subject,
        public,
        # What it has issued names its key so; another identifier would break those chains.
        identifier.digest if isinstance(identifier, x509.SubjectKeyIdentifier) else key_identifier(public, "SHA-1"),
    )
    usual = {x509.KeyUsage.oid, x509.AuthorityKeyIdentifier.oid}
    not_taken = tuple(_called(oid) for oid in extensions if oid not in usual)
    return Asked(named, algorithm, not_taken, original, unproven=not own)


def _check_own_signature(certificate: x509.Certificate, name: str) -> None:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        message = f"{name} is not signed by its own key, though it says so: it was changed, or made for another's key."
        raise CertificateError(message) from None


def _public(key: PublicKeyTypes, name: str) -> tuple[SupportedPublicKey, Algorithm]:
    try:
        public = parse_public(_spki(key))
    except KeyFileError as error:
        message = f"{name}: {error}"
        raise CertificateError(message) from None
    algorithm = kind_of(public)
    if algorithm not in get_args(Algorithm) or algorithm in _WEAK:
        message = (
            f"{name} has a key of the kind {algorithm}, which a CA should not have: EC P-256, P-384, P-521, Ed25519, "
            "RSA 3072 or 4096."
        )
        raise CertificateError(message)
    return public, cast("Algorithm", algorithm)


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def kind_of(public: SupportedPublicKey) -> str:
    """What people call this kind of key; something else for a kind that nobody plans."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(public, ec.EllipticCurvePublicKey):
        named = {"secp256r1": "EC P-256", "secp384r1": "EC P-384", "secp521r1": "EC P-521"}
        return named.get(public.curve.name, public.curve.name)
    if isinstance(public, rsa.RSAPublicKey):
        usual = public.public_numbers().e == 65537  # noqa: PLR2004 - the exponent that everybody has
        return f"RSA {public.key_size}{'' if usual else ' with an unusual exponent'}"
    return "Ed25519"


def _called(oid: x509.ObjectIdentifier) -> str:
    known = getattr(oid, "_name", "")
    return known if known and known != "Unknown OID" else oid.dotted_string
