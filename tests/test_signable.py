"""What a root is to sign is compared with plan and request before it signs, and not only afterwards."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from authorities import issued, profiles_of
from cryptography.hazmat.primitives.asymmetric import ec

from escrow.errors import CertificateError
from escrow.issuing.draft import Named, key_identifier
from escrow.issuing.naming import Attribute, to_name
from escrow.issuing.profile import Profile
from escrow.issuing.request import Asked
from escrow.issuing.subordinate import Subordinate
from escrow.signable import NewCertificate

ROOT = issued("EC P-256").certificates[0]


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
    assert len(rows["Key SHA-256"]) == 64


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
