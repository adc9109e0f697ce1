"""Certificates: read them, check that they form a hierarchy, and issue the two that `step ca init` issues."""

import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from escrow.errors import CertificateError
from escrow.keys import PrivateKey, SupportedKey, parse, parse_public
from escrow.memory import isolate

_VALIDITY = dt.timedelta(days=3650)


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
        if not any(_issued(issuer, certificate) for issuer in issuers):
            wanted = " or ".join(issuer.subject.rfc4514_string() for issuer in issuers)
            message = f"The certificate of {subject} was not issued by {wanted}: the chain to the root does not hold."
            raise CertificateError(message)
    for root in roots:
        _check_is_authority(root, root.subject.rfc4514_string())


def issue_root(key: PrivateKey, name: str, now: dt.datetime) -> x509.Certificate:
    """A self-signed root as `step ca init` makes it (measured with step 0.30.6): ten years, path length 1."""
    return _issue(key, _subject(name, "Root CA"), 1, now, signer=key, issuer=None)


def issue_intermediate(
    key: PrivateKey, name: str, root_key: PrivateKey, root: x509.Certificate, now: dt.datetime
) -> x509.Certificate:
    """An intermediate as `step ca init` makes it: path length 0, but not outliving its root."""
    return _issue(key, _subject(name, "Intermediate CA"), 0, now, signer=root_key, issuer=root)


def _subject(name: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {role}"),
        ]
    )


def _issue(  # noqa: PLR0913 - all that a certificate is made of
    key: PrivateKey,
    subject: x509.Name,
    path_length: int,
    now: dt.datetime,
    *,
    signer: PrivateKey,
    issuer: x509.Certificate | None,
) -> x509.Certificate:
    public = parse_public(key.public)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number() >> 31)  # 128 bits, as step does
        .not_valid_before(now)
        .not_valid_after(issuer.not_valid_after_utc if issuer else now + _VALIDITY)
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if issuer:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )

    def in_worker() -> bytes:
        private = parse(bytes(signer.pem.view))
        return builder.sign(private, _digest_for(private)).public_bytes(serialization.Encoding.DER)

    return x509.load_der_x509_certificate(isolate(in_worker, signer.pem))


def _digest_for(key: SupportedKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
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
