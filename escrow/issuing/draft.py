"""Everything of a certificate but its signature: what the throw-away key signs first, and the real one then."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ObjectIdentifier

from escrow.issuing.naming import Constraint, to_general_name, to_name
from escrow.issuing.profile import KeyIdentifier, Profile, Profiles
from escrow.keys import SupportedPublicKey, parse_public

_IDENTIFIER_OCTETS = 20

Random = Callable[[int], bytes]
"""So many random octets."""


@dataclass(frozen=True)
class Issuer:
    """Who signs: name and key identifier, both as they stand in its certificate."""

    name: x509.Name
    key_identifier: bytes


@dataclass(frozen=True)
class Named:
    """Whose certificate it is: name, key, and what the key is named by."""

    name: x509.Name
    public: SupportedPublicKey
    key_identifier: bytes


@dataclass(frozen=True)
class Draft:
    """A certificate that is not signed yet, and the profile it was made from."""

    profile: Profile
    builder: x509.CertificateBuilder


def draft(profiles: Profiles, publics: Mapping[str, bytes], random: Random = os.getrandom) -> tuple[Draft, ...]:
    """The drafts of root and intermediates; `publics` are SubjectPublicKeyInfos (DER) by the profiles' names."""
    root = profiles.root
    issuer = Issuer(to_name(root.subject), key_identifier(parse_public(publics[root.name]), root.key_identifier))

    def drafted(profile: Profile) -> Draft:
        public = parse_public(publics[profile.name])
        named = Named(to_name(profile.subject), public, key_identifier(public, profile.key_identifier))
        return Draft(
            profile, build(profile, named, issuer, serial_number(profile.serial_octets, random), own=profile is root)
        )

    return tuple(map(drafted, profiles))


def serial_number(octets: int, random: Random) -> int:
    """A positive number of exactly so many octets in DER: the first bit 0, the second 1, the others random."""
    number = int.from_bytes(random(octets), "big")
    bits = 8 * octets
    return number & ((1 << bits - 1) - 1) | 1 << bits - 2


def key_identifier(public: SupportedPublicKey, method: KeyIdentifier) -> bytes:
    """The 20 octets that name a key: of the BIT STRING of its SubjectPublicKeyInfo, without tag and length."""
    if method == "SHA-1":
        return x509.SubjectKeyIdentifier.from_public_key(public).digest
    return hashlib.sha256(_key_bits(public)).digest()[:_IDENTIFIER_OCTETS]


def build(profile: Profile, named: Named, issuer: Issuer, serial: int, *, own: bool = False) -> x509.CertificateBuilder:
    """Everything but the signature. The profile's subject is not looked at: `named` has it; `own` is the issuer's."""
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
        .subject_name(named.name)
        .issuer_name(issuer.name)
        .public_key(named.public)
        .serial_number(serial)
        .not_valid_before(profile.validity.first)
        .not_valid_after(profile.validity.last)
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=profile.path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(named.key_identifier), critical=False)
    )
    if not own:
        authority = x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None)
        builder = builder.add_extension(authority, critical=False)
    return _with_extras(builder, profile)


def _with_extras(builder: x509.CertificateBuilder, profile: Profile) -> x509.CertificateBuilder:
    """Add what `step ca init` does not make, where the profile has it."""
    if profile.permitted or profile.excluded:
        subtrees = x509.NameConstraints(_bases(profile.permitted), _bases(profile.excluded))
        builder = builder.add_extension(subtrees, critical=True)
    if profile.policies:
        policies = [x509.PolicyInformation(ObjectIdentifier(policy), None) for policy in profile.policies]
        builder = builder.add_extension(x509.CertificatePolicies(policies), critical=False)
    if profile.crl:
        # One point with several names: the same list at several places (RFC 5280, 4.2.1.13).
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(url) for url in profile.crl], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    methods = ((Access.OCSP, profile.ocsp), (Access.CA_ISSUERS, profile.issuers))
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, urls in methods for url in urls
    ]
    return builder.add_extension(x509.AuthorityInformationAccess(access), critical=False) if access else builder


def _bases(constraints: tuple[Constraint, ...]) -> list[x509.GeneralName] | None:
    return [to_general_name(each) for each in constraints] or None


def _key_bits(public: SupportedPublicKey) -> bytes:
    """The content of the BIT STRING: PKCS#1 for RSA, the uncompressed point, or the raw key."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(public, rsa.RSAPublicKey):
        return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return public.public_bytes_raw()
