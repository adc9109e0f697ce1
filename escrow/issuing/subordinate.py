"""One more certificate under a root that there is already: for a request, or for another CA's key."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from escrow.certificates import public_key
from escrow.errors import CertificateError
from escrow.issuing.draft import Draft, Issuer, Named, Random, build, key_identifier, serial_number
from escrow.issuing.fields import Fields, planned_under
from escrow.issuing.hierarchy import check_fit, check_hierarchy, subject_key_identifier
from escrow.issuing.lints import Finding, lint_under
from escrow.issuing.naming import name_text
from escrow.issuing.profile import Profile
from escrow.issuing.request import kind_of
from escrow.issuing.validity import Validity
from escrow.keys import ALGORITHMS, Algorithm, parse_public


@dataclass(frozen=True)
class Subordinate:
    """What is wanted: a certificate for `named` by this profile, signed by the key of the root."""

    root: x509.Certificate
    profile: Profile
    named: Named

    @property
    def planned(self) -> Fields:
        """What it is to say."""
        return planned_under(
            self.profile,
            name_text(self.named.name),
            issuer=name_text(self.root.subject),
            algorithm=algorithm_of(self.root),
        )

    def draft(self, used: Collection[int], random: Random = os.getrandom) -> Draft:
        """Everything but the signature, with a serial number that is not among those `used`."""
        serial = serial_number(self.profile.serial_octets, random)
        while serial in used:
            serial = serial_number(self.profile.serial_octets, random)
        return Draft(self.profile, build(self.profile, self.named, issuer_of(self.root), serial))

    def lint(self, certificate: x509.Certificate) -> tuple[Finding, ...]:
        """What is found in it, signed by whatever key."""
        return lint_under(_as_profile(self.root), self.profile, certificate)

    def compare(self, certificate: x509.Certificate) -> None:
        """Check that it has the key and its identifier, and fits the root; signed by whatever key.

        Raises CertificateError.
        """
        if public_key(certificate) != self.public or subject_key_identifier(certificate) != self.named.key_identifier:
            message = "The certificate has not the key, or the key identifier, that was asked for: it is not used."
            raise CertificateError(message)
        check_fit(self.root, [certificate])

    def check(self, certificate: x509.Certificate) -> None:
        """Check the root's signature, too. Raises CertificateError."""
        self.compare(certificate)
        check_hierarchy(self.root, [certificate])

    @property
    def public(self) -> bytes:
        """The SubjectPublicKeyInfo (DER) that it is to have."""
        return self.named.public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def issuer_of(root: x509.Certificate) -> Issuer:
    """The issuer that a root's certificate says; its own key identifier where it has one."""
    try:
        identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        identifier = key_identifier(parse_public(public_key(root)), "SHA-1")
    return Issuer(root.subject, identifier)


def algorithm_of(certificate: x509.Certificate) -> Algorithm:
    """The kind of its key. Raises CertificateError for one of which no other can be made, to try things out with."""
    kind = kind_of(parse_public(public_key(certificate)))
    if kind not in ALGORITHMS and not kind.removeprefix("RSA ").isdecimal():
        message = (
            f"The root has a key of the kind {kind}, with which nothing can be tried out: nothing is signed with it. "
            "Make a new root, or sign with another program what this one has to sign."
        )
        raise CertificateError(message)
    return cast("Algorithm", kind)  # or RSA of another size


def _as_profile(root: x509.Certificate) -> Profile:
    """What the lints ask of the root: its kind of key, and how long it is valid."""
    return Profile("root", algorithm_of(root), (), validity_of(root), 0)


def validity_of(certificate: x509.Certificate) -> Validity:
    """Its first and last second."""
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
