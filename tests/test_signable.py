"""What a root is to sign is compared with plan and request before it signs, and not only afterwards."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from authorities import START, issued, profiles_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from escrow.errors import CertificateError
from escrow.issuing import lints
from escrow.issuing.draft import Named, key_identifier
from escrow.issuing.naming import Attribute, to_name
from escrow.issuing.profile import Profile
from escrow.issuing.request import Asked
from escrow.issuing.revocation import RevocationList, Revoked
from escrow.issuing.subordinate import Subordinate
from escrow.signable import NewCertificate, NewList

ROOT = issued("EC P-256").certificates[0]
DAY = dt.timedelta(days=1)


def _named(common_name: str = "Second CA") -> Named:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return Named(to_name([Attribute("CN", common_name)]), public, key_identifier(public, "SHA-1"))


def _wanted(named: Named, profile: Profile | None = None) -> NewCertificate:
    plain = profile or profiles_of("EC P-256").intermediates[0]
    return NewCertificate(Subordinate(ROOT, plain, named), Asked(named, "EC P-256", ()), "intermediate", frozenset())


ASKED = _named()
DRAFTS: dict[str, tuple[Callable[[], NewCertificate], str]] = {
    "another subject and key": (lambda: _wanted(_named("Somebody's CA")), "as planned: Subject, Key SHA-256"),
    "another key": (lambda: _wanted(_named()), "as planned: Key SHA-256"),
    "another key identifier": (
        lambda: _wanted(replace(ASKED, key_identifier=key_identifier(ASKED.public, "SHA-256"))),
        "has not the key, or the key identifier",
    ),
    "another path length": (
        lambda: _wanted(ASKED, replace(profiles_of("EC P-256").intermediates[0], path_length=1)),
        "as planned: Path length",
    ),
}


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_draft_that_is_not_what_was_asked_for_is_refused_before_the_root_signs(draft: str) -> None:
    wanted, (other, message) = _wanted(ASKED), DRAFTS[draft]
    wanted.compare(wanted.try_out())
    der = other().try_out()
    with pytest.raises(CertificateError, match=message):
        wanted.compare(der)


def test_the_key_is_among_what_people_compare() -> None:
    wanted = _wanted(ASKED)
    rows = dict(wanted.found(wanted.try_out()))
    assert rows == dict(wanted.planned)
    public = ASKED.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert rows["Key SHA-256"].replace(" ", "") == hashlib.sha256(public).hexdigest()


def test_a_certificate_that_does_not_fit_the_root_is_refused_before_the_root_signs() -> None:
    long = replace(profiles_of("EC P-256").intermediates[0], path_length=1)
    root_key = Named(ASKED.name, ROOT.public_key(), ASKED.key_identifier)  # type: ignore[arg-type]  # EC P-256
    for wanted, message in (
        (_wanted(ASKED, long), "its path length is 1, and must be less than the root's, which is 1"),
        (_wanted(replace(ASKED, name=ROOT.subject)), "the same subject"),
        (_wanted(root_key), "the same key"),
    ):
        with pytest.raises(CertificateError, match=message):
            wanted.compare(wanted.try_out())


NOW = START + 100 * DAY
LISTS: dict[str, tuple[Mapping[str, object], str]] = {
    "the root may not": ({"root": "usage"}, r"does not allow it to sign CRLs"),
    "the root has expired": (
        {"this_update": ROOT.not_valid_after_utc + DAY, "next_update": ROOT.not_valid_after_utc + 2 * DAY},
        "the root has expired",
    ),
    "it outlives the root": ({"next_update": ROOT.not_valid_after_utc + DAY}, "plan fewer days"),
    "the clock went back": ({"last": NOW + DAY}, "the last one is of .*: set the clock"),
    "revoked tomorrow": (
        {"revoked": (Revoked(7, NOW + DAY, "superseded"),)},
        "7 would be revoked at .*: set the clock",
    ),
}


@pytest.mark.parametrize("case", LISTS)
def test_a_list_that_not_everybody_would_take_as_it_is_meant_is_refused_before_the_root_signs(case: str) -> None:
    plain = RevocationList(ROOT, 1, NOW, NOW + DAY, (Revoked(7, NOW, "superseded"),), NOW)
    NewList(plain, ()).compare(NewList(plain, ()).try_out())
    changes, message = LISTS[case]
    fields: dict[str, Any] = {
        **changes,
        **({"root": _root(ec.generate_private_key(ec.SECP256R1()), crl_sign=False)} if "root" in changes else {}),
    }
    wanted = NewList(replace(plain, **fields), ())
    with pytest.raises(CertificateError, match=message):
        wanted.compare(wanted.try_out())


def _under(root: x509.Certificate) -> NewCertificate:
    plain = profiles_of("EC P-256").intermediates[0]
    return NewCertificate(Subordinate(root, plain, ASKED), Asked(ASKED, "EC P-256", ()), "x", frozenset())


def test_a_root_whose_kind_of_key_cannot_be_tried_out_is_refused_before_anything_is_opened() -> None:
    root = _root(rsa.generate_private_key(3, 2048), crl_sign=True)
    for wanted in (_under(root), NewList(RevocationList(root, 1, NOW, NOW + DAY, ()), ())):
        with pytest.raises(CertificateError, match="RSA 2048 with an unusual exponent, with which nothing can be"):
            wanted.try_out()


def test_a_root_with_an_rsa_key_of_another_size_is_linted_and_signs() -> None:
    wanted = _under(_root(rsa.generate_private_key(65537, 2056), crl_sign=True))
    assert "certificate-stronger-than-root" in {each.lint for each in wanted.lint(wanted.try_out())}


@pytest.mark.parametrize(
    ("algorithm", "bits"),
    [("RSA 8192", 192), ("RSA 4096", 152), ("RSA 5000", 152), ("RSA 2047", 0), ("EC P-384", 192), ("secp256k1", 0)],
)
def test_every_kind_of_key_has_a_strength(algorithm: str, bits: int) -> None:
    assert lints._strength(algorithm) == bits


def _root(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, crl_sign: bool) -> x509.Certificate:
    usage = dict.fromkeys(
        [
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("encipher_only", "decipher_only"),
        ],
        False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(ROOT.subject)
        .issuer_name(ROOT.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(ROOT.not_valid_before_utc)
        .not_valid_after(ROOT.not_valid_after_utc)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=crl_sign, **usage), critical=True)
        .sign(key, hashes.SHA256())
    )
