"""What speaks against a certificate before it is signed, and after: our own lints, and pkilint's."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from escrow.errors import CertificateError
from escrow.issuing.profile import Profile, Profiles
from escrow.memory import isolate

_MIN_SERIAL_BITS, _MAX_SERIAL_BITS = 64, 159
# Bits of security: NIST SP 800-57 part 1, table 2; RSA 4096: SP 800-56B, table 4.
_STRENGTHS = {
    "EC P-256": 128,
    "EC P-384": 192,
    "EC P-521": 256,
    "Ed25519": 128,
    "RSA 2048": 112,
    "RSA 3072": 128,
    "RSA 4096": 152,
    "RSA 7680": 192,
}
# A root needs no AKI because it is self-signed (RFC 5280, 4.2.1.1), which it is not yet when it is only tried out.
NOT_SELF_SIGNED = ("root", "pkix.authority_key_identifier_extension_absent")

OWN: Mapping[str, str] = {
    "certificate-serial": "A serial number has 64 random bits or more, and 20 octets at most (RFC 5280, 4.1.2.2).",
    "certificate-validity-second": "Both ends belong to the validity: one second too many begins another day.",
    "certificate-outlives-root": "What the root has signed ends for everybody when the root does.",
    "certificate-stronger-than-root": "Who breaks the weaker key of the root has the intermediate with it.",
    "certificate-constraints-open": "A kind of name that is not constrained is wholly permitted (RFC 5280, 4.2.1.10).",
}
"""Our own lints: their ids, and why they matter."""


@dataclass(frozen=True)
class Finding:
    """What a lint found in the certificate of a profile."""

    lint: str
    certificate: str
    text: str


def lint(profiles: Profiles, certificates: Sequence[x509.Certificate], *, tried: bool = False) -> tuple[Finding, ...]:
    """Everything that is found in the certificates of the profiles, in their order.

    With `tried`, the certificates were signed by a throw-away key.
    """
    own = [finding for each in zip(profiles, certificates, strict=True) for finding in _own(profiles.root, *each)]
    others = _pkilint([each.name for each in profiles], certificates)
    return (*own, *(each for each in others if not (tried and (each.certificate, each.lint) == NOT_SELF_SIGNED)))


def lint_under(root: Profile, profile: Profile, certificate: x509.Certificate) -> tuple[Finding, ...]:
    """What is found in one certificate that is, or will be, signed by a root that there is already."""
    return (*_own(root, profile, certificate), *_pkilint([profile.name], [certificate]))


def lint_list(name: str, der: bytes) -> tuple[Finding, ...]:
    """What pkilint finds in a CRL (DER), which people call by this name."""

    def in_worker() -> bytes:
        return json.dumps(pkilint_list(der)).encode()

    return tuple(Finding(code, name, text) for code, text in json.loads(isolate(in_worker)))


Waivers = Mapping[tuple[str, str], str]
"""Reasons by the names of certificates and the ids of lints: each holds for one certificate alone."""


def stop(findings: Iterable[Finding], waivers: Waivers) -> None:
    """Raise CertificateError with all findings that are not waived."""
    if standing := [finding for finding in findings if (finding.certificate, finding.lint) not in waivers]:
        told = "\n".join(f"{each.certificate}: {each.lint}: {each.text}" for each in standing)
        message = f"Lint stops the issuing. Mend the profile, or waive each for its certificate, with a reason:\n{told}"
        raise CertificateError(message)


def _own(root: Profile, profile: Profile, certificate: x509.Certificate) -> Iterator[Finding]:
    found = {
        "certificate-serial": _serial(certificate),
        "certificate-validity-second": _second(profile),
        "certificate-outlives-root": _outlives(root, profile),
        "certificate-stronger-than-root": _stronger(root, profile),
        "certificate-constraints-open": _open(profile),
    }
    return (Finding(lint, profile.name, text) for lint, text in found.items() if text)


def _serial(certificate: x509.Certificate) -> str:
    bits = certificate.serial_number.bit_length()
    return "" if _MIN_SERIAL_BITS <= bits <= _MAX_SERIAL_BITS else f"The serial number has {bits} bits."


def _second(profile: Profile) -> str:
    return "" if profile.validity.whole_days else f"It lasts until {profile.validity.last}: not a whole number of days."


def _outlives(root: Profile, profile: Profile) -> str:
    if profile.validity.within(root.validity):
        return ""
    return f"Valid {_span(profile)}, and its root {_span(root)}."


def _span(profile: Profile) -> str:
    return f"from {profile.validity.first} to {profile.validity.last}"


def _stronger(root: Profile, profile: Profile) -> str:
    if _strength(profile.algorithm) <= _strength(root.algorithm):
        return ""
    return f"Its key is {profile.algorithm}, and the root's {root.algorithm}."


def _strength(algorithm: str) -> int:
    """Of an imported root's key also: RSA of any size is at least as strong as the next smaller one in the table."""
    if algorithm in _STRENGTHS or not algorithm.startswith("RSA "):
        return _STRENGTHS.get(algorithm, 0)
    return max((bits for kind, bits in _STRENGTHS.items() if 0 < _size(kind) <= _size(algorithm)), default=0)


def _size(algorithm: str) -> int:
    return int(algorithm.split()[1]) if algorithm.startswith("RSA ") else 0


def _open(profile: Profile) -> str:
    permitted = {each.kind for each in profile.permitted}
    missing = [kind for kind in ("DNS", "IP", "email") if kind not in permitted | {e.kind for e in profile.excluded}]
    return (
        f"Names are permitted by {', '.join(sorted(permitted))}; any {' or '.join(missing)} is, too."
        if (permitted and missing)
        else ""
    )


def _pkilint(names: Sequence[str], certificates: Sequence[x509.Certificate]) -> Iterator[Finding]:
    """In a worker that reaches no Secret: it is a large program of others."""
    ders = [certificate.public_bytes(serialization.Encoding.DER) for certificate in certificates]

    def in_worker() -> bytes:
        return json.dumps([pkilint(der) for der in ders]).encode()

    for name, found in zip(names, json.loads(isolate(in_worker)), strict=True):
        yield from (Finding(code, name, text) for code, text in found)


def pkilint(der: bytes, least: int | None = None) -> list[tuple[str, str]]:
    """What pkilint finds in a certificate by RFC 5280: codes, and what and where.

    Up to the severity `least`; by default NOTICE: below it is what is seen, and no problem.
    """
    from pkilint import loader
    from pkilint.pkix import certificate, extension, name
    from pkilint.validation import ValidationFindingSeverity

    least = ValidationFindingSeverity.NOTICE if least is None else least
    validator = certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )
    document = loader.RFC5280CertificateDocumentLoader().load_der_document(der)
    return _found(validator.validate(document.root), least)


def pkilint_list(der: bytes) -> list[tuple[str, str]]:
    """What pkilint finds in a CRL by RFC 5280, as `pkilint`."""
    from pkilint import loader
    from pkilint.pkix import create_attribute_decoder, create_extension_decoder, crl, extension, name
    from pkilint.validation import ValidationFindingSeverity

    validator = crl.create_pkix_crl_validator_container(
        [
            create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )
    document = loader.RFC5280CertificateListDocumentLoader().load_der_document(der)
    return _found(validator.validate(document.root), ValidationFindingSeverity.NOTICE)


def _found(results: Iterable[Any], least: int) -> list[tuple[str, str]]:
    return [
        (each.finding.code, f"{each.message or each.finding.severity.name.lower()} at {result.node.path}")
        for result in results
        for each in result.finding_descriptions
        if each.finding.severity <= least
    ]
