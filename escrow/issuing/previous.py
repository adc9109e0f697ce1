"""A list that a root published before there was an inventory: what it revoked is taken over, or it would come back."""

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from escrow.certificates import public_key
from escrow.errors import CertificateError
from escrow.issuing.reasons import KNOWN
from escrow.issuing.revocation import Revoked, reason_of
from escrow.keys import parse_public


@dataclass(frozen=True)
class Previous:
    """Its number (0 if it has none), when it was made, and its entries."""

    number: int
    this_update: dt.datetime
    revoked: tuple[Revoked, ...]


def read_list(content: bytes, root: x509.Certificate, name: str) -> Previous:
    """Read a full CRL that a root signed, PEM or DER. Raises CertificateError for another's, or a part of one."""
    try:
        pem = content.lstrip().startswith(b"-----BEGIN")
        crl = (x509.load_pem_x509_crl if pem else x509.load_der_x509_crl)(content)
        extensions = {each.oid: each for each in crl.extensions}
        by_root = crl.issuer.public_bytes() == root.subject.public_bytes()
        signed = by_root and crl.is_signature_valid(parse_public(public_key(root)))
        partial = _is_partial(extensions)
        revoked = tuple(Revoked(each.serial_number, each.revocation_date_utc, reason_of(each)) for each in crl)
        strange = any(each.reason not in KNOWN for each in revoked) or any(map(_has_own_issuer, crl))
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, x509.DuplicateExtension):
        message = f"{name} is not a CRL that can be read."
        raise CertificateError(message) from None
    if not signed:
        message = f"{name} was not signed by this root: name the last CRL that the root published."
        raise CertificateError(message)
    if partial or strange:
        message = f"{name} is a delta, a part of a CRL, or one for other issuers: name the last full CRL of the root."
        raise CertificateError(message)
    number = extensions.get(x509.CRLNumber.oid)
    return Previous(
        number.value.crl_number if number and isinstance(number.value, x509.CRLNumber) else 0,
        crl.last_update_utc,
        revoked,
    )


def _is_partial(extensions: dict[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]]) -> bool:
    """Whether it leaves anything out, or says what this program does not know (RFC 5280, 5.2.4 and 5.2.5)."""
    for each in extensions.values():
        value = each.value
        if isinstance(value, x509.IssuingDistributionPoint):
            if value.only_some_reasons or value.indirect_crl or value.only_contains_attribute_certs:
                return True
            if value.only_contains_user_certs or value.only_contains_ca_certs:
                return True
        elif each.critical or isinstance(value, x509.DeltaCRLIndicator):
            return True
    return False


def _has_own_issuer(entry: x509.RevokedCertificate) -> bool:
    return any(isinstance(each.value, x509.CertificateIssuer) for each in entry.extensions)
