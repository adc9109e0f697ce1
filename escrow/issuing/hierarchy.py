"""Whether the certificates of a CA fit each other: what no lint of a single one sees, and nobody may waive."""

from collections.abc import Iterator, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from escrow.certificates import public_key
from escrow.errors import CertificateError


def check_hierarchy(root: x509.Certificate, intermediates: Sequence[x509.Certificate]) -> None:
    """Check what `check_fit` does, and the signatures. Raises CertificateError with all that is wrong."""
    signed = [("root", root), *_named(intermediates)]
    _refuse([*_unfit(root, intermediates), *(each for name, one in signed for each in _signed(root, one, name))])


def check_fit(root: x509.Certificate, intermediates: Sequence[x509.Certificate]) -> None:
    """Check names, key identifiers, path lengths; and that keys, serials and subjects are distinct.

    By RFC 5280, 4.1.2.4, 4.2.1.1, 4.2.1.2, 4.2.1.9 and 6.1. All that is known before the root signs: whoever signed
    the intermediates. Whether one outlives another is left to the lints, because what `step ca init` makes does.
    Raises CertificateError with all that is wrong.
    """
    _refuse(list(_unfit(root, intermediates)))


def _unfit(root: x509.Certificate, intermediates: Sequence[x509.Certificate]) -> Iterator[str]:
    yield from _distinct((root, *intermediates))
    yield from _issued(root, root, "root")
    if subject_key_identifier(root) is None:
        yield "root: it has no subject key identifier"
    for name, certificate in _named(intermediates):
        yield from _issued(root, certificate, name)
        yield from _follows(root, certificate, name)


def _named(intermediates: Sequence[x509.Certificate]) -> list[tuple[str, x509.Certificate]]:
    return [(f"intermediate {number}", each) for number, each in enumerate(intermediates, 1)]


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        message = f"The certificates do not fit each other, and must not be used: {'; '.join(problems)}."
        raise CertificateError(message)


def _distinct(certificates: Sequence[x509.Certificate]) -> Iterator[str]:
    for what, values in (
        ("subject", [each.subject.public_bytes() for each in certificates]),
        ("key", [public_key(each) for each in certificates]),
        ("key identifier", [subject_key_identifier(each) for each in certificates]),
        ("serial number", [each.serial_number for each in certificates]),
    ):
        if len(set(values)) < len(certificates):
            yield f"two of them have the same {what}"


def _issued(issuer: x509.Certificate, certificate: x509.Certificate, name: str) -> Iterator[str]:
    if certificate.issuer.public_bytes() != issuer.subject.public_bytes():
        yield f"{name}: its issuer is not the root's subject"
    if not _constraints(certificate).ca:
        yield f"{name}: it is not a CA's certificate"


def _signed(issuer: x509.Certificate, certificate: x509.Certificate, name: str) -> Iterator[str]:
    if certificate.issuer.public_bytes() == issuer.subject.public_bytes():
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            yield f"{name}: its signature is not the root's"


def _follows(root: x509.Certificate, certificate: x509.Certificate, name: str) -> Iterator[str]:
    try:
        named = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        named = None
    if named is None or named != subject_key_identifier(root):
        yield f"{name}: its authority key identifier is not the root's key identifier"
    allowed, own = _constraints(root).path_length, _constraints(certificate).path_length
    if allowed is not None and (own is None or own >= allowed):
        yield f"{name}: its path length is {own}, and must be less than the root's, which is {allowed}"


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return x509.BasicConstraints(ca=False, path_length=None)


def subject_key_identifier(certificate: x509.Certificate) -> bytes | None:
    """How a certificate names its key, if it does."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None
