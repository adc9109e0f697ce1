"""A certificate field by field, in words that people compare: `planned` from its profile, `found` from its DER.

The two share nothing but the words, so that a mistake in issuing shows as a difference.
"""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from escrow.issuing.naming import general_name_text, name_text, subject_text
from escrow.issuing.profile import Profile, Profiles

if TYPE_CHECKING:
    from cryptography import x509

Fields = dict[str, str]
"""By the names in FIELDS; what a certificate does not have is empty."""

FIELDS = {
    "subject": "Subject",
    "issuer": "Issuer",
    "key": "Kind of key",
    "signature": "Signed with",
    "first": "Valid from",
    "last": "Valid to",
    "path_length": "Path length",
    "usage": "Key usage",
    "permitted": "Permitted",
    "excluded": "Excluded",
    "policies": "Policies",
    "crl": "CRL",
    "issuers": "Issuer's at",
    "ocsp": "OCSP",
    "extensions": "Extensions",
}
"""The fields and what people call them. In extensions, `!` marks what is critical."""

_NAMES = {
    "2.5.29.14": "subjectKeyIdentifier",
    "2.5.29.15": "keyUsage",
    "2.5.29.19": "basicConstraints",
    "2.5.29.30": "nameConstraints",
    "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.32": "certificatePolicies",
    "2.5.29.35": "authorityKeyIdentifier",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
}
_USUAL_EXPONENT = 65537
_SIGNATURES = {
    "EC P-256": "ECDSA SHA-256",
    "EC P-384": "ECDSA SHA-384",
    "EC P-521": "ECDSA SHA-512",
    "Ed25519": "Ed25519",
}


def planned(profiles: Profiles, profile: Profile) -> Fields:
    """What the certificate of a profile is to say."""
    subject, issuer = subject_text(profile.subject), subject_text(profiles.root.subject)
    return planned_under(
        profile, subject, issuer=issuer, algorithm=profiles.root.algorithm, own=profile is profiles.root
    )


def planned_under(profile: Profile, subject: str, *, issuer: str, algorithm: str, own: bool = False) -> Fields:
    """What a certificate is to say that an issuer with a key of this kind signs; `own` is the issuer's own."""
    extensions = ["keyUsage!", "basicConstraints!", "subjectKeyIdentifier"]
    for present, name in (
        (not own, "authorityKeyIdentifier"),
        (profile.permitted or profile.excluded, "nameConstraints!"),
        (profile.policies, "certificatePolicies"),
        (profile.crl, "cRLDistributionPoints"),
        (profile.issuers or profile.ocsp, "authorityInfoAccess"),
    ):
        extensions += [name] if present else []
    return {
        "subject": subject,
        "issuer": issuer,
        "key": profile.algorithm,
        "signature": _SIGNATURES.get(algorithm, "RSA SHA-256"),
        "first": _time(profile.validity.first),
        "last": _time(profile.validity.last),
        "path_length": str(profile.path_length),
        "usage": "keyCertSign, cRLSign",
        "permitted": _list(profile.permitted),
        "excluded": _list(profile.excluded),
        "policies": _list(profile.policies),
        "crl": _list(profile.crl),
        "issuers": _list(profile.issuers),
        "ocsp": _list(profile.ocsp),
        "extensions": _list(extensions),
    }


def found(certificate: "x509.Certificate") -> Fields:
    """What a certificate says."""
    from cryptography import x509

    values = {extension.oid.dotted_string: extension.value for extension in certificate.extensions}

    def value(of: str) -> object:
        return values.get(next(oid for oid, name in _NAMES.items() if name == of))

    constraints, usage = value("basicConstraints"), value("keyUsage")
    subtrees, policies = value("nameConstraints"), value("certificatePolicies")
    points, access = value("cRLDistributionPoints"), value("authorityInfoAccess")
    named = subtrees if isinstance(subtrees, x509.NameConstraints) else None
    return {
        "subject": name_text(certificate.subject),
        "issuer": name_text(certificate.issuer),
        "key": _key(certificate),
        "signature": _signature(certificate),
        "first": _time(certificate.not_valid_before_utc),
        "last": _time(certificate.not_valid_after_utc),
        "path_length": _path_length(constraints),
        "usage": _usage(usage),
        "permitted": _list(map(general_name_text, (named and named.permitted_subtrees) or ())),
        "excluded": _list(map(general_name_text, (named and named.excluded_subtrees) or ())),
        "policies": _list(map(_policy, policies if isinstance(policies, x509.CertificatePolicies) else ())),
        "crl": _list(map(_point, points if isinstance(points, x509.CRLDistributionPoints) else ())),
        "issuers": _list(_places(access, "CA_ISSUERS")),
        "ocsp": _list(_places(access, "OCSP")),
        "extensions": _list(
            f"{_NAMES.get(each.oid.dotted_string, each.oid.dotted_string)}{'!' if each.critical else ''}"
            for each in certificate.extensions
        ),
    }


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _key(certificate: "x509.Certificate") -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    match certificate.public_key():
        case ec.EllipticCurvePublicKey() as key:
            return f"EC P-{key.curve.key_size}" if key.curve.name.startswith("secp") else key.curve.name
        case rsa.RSAPublicKey() as key:
            exponent = key.public_numbers().e
            return f"RSA {key.key_size}" + ("" if exponent == _USUAL_EXPONENT else f" with exponent {exponent}")
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case key:
            return type(key).__name__


def _signature(certificate: "x509.Certificate") -> str:
    from cryptography.x509.oid import SignatureAlgorithmOID as Oid

    known = {
        Oid.ECDSA_WITH_SHA256: "ECDSA SHA-256",
        Oid.ECDSA_WITH_SHA384: "ECDSA SHA-384",
        Oid.ECDSA_WITH_SHA512: "ECDSA SHA-512",
        Oid.RSA_WITH_SHA256: "RSA SHA-256",
        Oid.ED25519: "Ed25519",
    }
    oid = certificate.signature_algorithm_oid
    return known.get(oid, oid.dotted_string)


def _path_length(value: object) -> str:
    from cryptography import x509

    if not isinstance(value, x509.BasicConstraints) or not value.ca:
        return "not a CA"
    return "unlimited" if value.path_length is None else str(value.path_length)


def _usage(value: object) -> str:
    from cryptography import x509

    if not isinstance(value, x509.KeyUsage):
        return ""
    bits = {
        "digitalSignature": value.digital_signature,
        "contentCommitment": value.content_commitment,
        "keyEncipherment": value.key_encipherment,
        "dataEncipherment": value.data_encipherment,
        "keyAgreement": value.key_agreement,
        "keyCertSign": value.key_cert_sign,
        "cRLSign": value.crl_sign,
    }
    return _list(name for name, is_set in bits.items() if is_set)


def _policy(policy: "x509.PolicyInformation") -> str:
    return policy.policy_identifier.dotted_string + (" with qualifiers" if policy.policy_qualifiers else "")


def _point(point: "x509.DistributionPoint") -> str:
    others = " with more" if point.relative_name or point.crl_issuer or point.reasons else ""
    return _list(f"{name.value}{others}" for name in point.full_name or ())


def _places(access: object, method: str) -> Iterable[str]:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    if not isinstance(access, x509.AuthorityInformationAccess):
        return
    oid = getattr(AuthorityInformationAccessOID, method)
    yield from (str(each.access_location.value) for each in access if each.access_method == oid)
