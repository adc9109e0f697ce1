"""Certificates: read them, and check that they form a hierarchy."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from escrow.errors import CertificateError

Certificate = x509.Certificate
"""For those who name the type and do nothing with it themselves."""


def read(pem: bytes, name: str) -> list[x509.Certificate]:
    """The certificates in a PEM file, one or more. Raises CertificateError."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        message = f"{name} holds no readable certificate in PEM form."
        raise CertificateError(message) from None


def public_key(certificate: x509.Certificate) -> bytes:
    """The SubjectPublicKeyInfo of a certificate (DER). Raises CertificateError for a key nobody supports."""
    try:
        return certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, UnsupportedAlgorithm):
        message = f"The certificate of {certificate.subject.rfc4514_string()} has a public key of an unknown kind."
        raise CertificateError(message) from None


def read_ssh_public_key(line: bytes, name: str) -> bytes:
    """The SubjectPublicKeyInfo (DER) of an authorized_keys line. Raises CertificateError."""
    try:
        return serialization.load_ssh_public_key(line).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, UnsupportedAlgorithm):
        message = f"{name} is not a readable SSH public key."
        raise CertificateError(message) from None


def to_ssh_public_key(public: bytes) -> bytes:
    """The authorized_keys line of a SubjectPublicKeyInfo (DER), as step writes it: without a comment."""
    key = serialization.load_der_public_key(public)
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return line + b"\n"


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate's DER, lower-case hex: what step shows and defaults.json holds."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def to_pem(certificate: x509.Certificate) -> bytes:
    """The certificate in PEM form."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def name_of(certificate: x509.Certificate) -> str:
    """What people call the CA of this root: its organisation, or else its common name, or its whole subject."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(oid):
            return str(attribute.value)
    return certificate.subject.rfc4514_string()


def check_chain(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> None:
    """Check that each certificate was issued by the next, and the last by one of the roots.

    Names, signatures and CA rights are checked; dates are not, because a CA is escrowed to outlive them, and
    every intermediate that `step ca init` makes outlives its root by a second. Raises CertificateError.
    """
    if chain and chain[-1] in roots:
        chain = chain[:-1]
    for position, certificate in enumerate(chain):
        subject = certificate.subject.rfc4514_string()
        _check_is_authority(certificate, subject)
        issuers = chain[position + 1 : position + 2] or roots
        if not any(is_issued(issuer, certificate) for issuer in issuers):
            wanted = " or ".join(issuer.subject.rfc4514_string() for issuer in issuers)
            message = f"The certificate of {subject} was not issued by {wanted}: the chain to the root does not hold."
            raise CertificateError(message)
    for root in roots:
        _check_is_authority(root, root.subject.rfc4514_string())


def is_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a certificate names this issuer, and is signed by it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_is_authority(certificate: x509.Certificate, subject: str) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        constraints = None
    if constraints is None or not constraints.ca:
        message = f"The certificate of {subject} is not a CA's: it has no basic constraint that says so."
        raise CertificateError(message)
