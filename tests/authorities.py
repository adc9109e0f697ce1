"""CAs of every kind for the tests, each made once: what profiles can say, and what came of them."""

import datetime as dt
import functools
from dataclasses import replace

from escrow.issuing.make import Issued, issue, make_keys
from escrow.issuing.naming import Attribute, Constraint
from escrow.issuing.profile import Profile, Profiles, subject_of
from escrow.issuing.validity import calendar_years
from escrow.keys import Algorithm

ISSUED_KINDS: tuple[Algorithm, ...] = ("EC P-256", "EC P-384", "EC P-521", "Ed25519", "RSA 3072", "RSA 4096")
START = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def quiet(*_: object) -> None:
    """Nobody watches the progress."""


def profiles_of(algorithm: Algorithm, years: int = 20) -> Profiles:
    """A root with a plain intermediate."""
    name = f"Test {algorithm}"
    root = Profile("root", algorithm, subject_of(name, "Root CA"), calendar_years(START, years), 1)
    intermediate = Profile(
        "intermediate", algorithm, subject_of(name, "Intermediate CA"), calendar_years(START, years // 2), 0
    )
    return Profiles(name, root, (intermediate,))


def rich_profiles() -> Profiles:
    """Everything that a profile can say: two intermediates, one with all extensions; SSH keys."""
    plain = profiles_of("EC P-384")
    full = replace(
        plain.intermediates[0],
        name="intermediate-2",
        algorithm="EC P-256",
        subject=tuple(
            map(
                Attribute.of,
                ["C=NZ", "ST=Otago", "O=Ngā Kī, Ltd", "OU=One", "OU=Two", "serialNumber=7", "CN=Rich + CA"],
            )
        ),
        permitted=tuple(map(Constraint.of, ["DNS:example.com", "IP:10.0.0.0/8", "IP:fd00::/8", "email:.example.com"])),
        excluded=tuple(map(Constraint.of, ["DNS:secret.example.com", "email:root@example.com"])),
        policies=("1.3.6.1.4.1.99999.1.1", "2.5.29.32.0"),
        crl=("http://crl.example.com/root.crl", "http://crl2.example.com/root.crl"),
        issuers=("http://pki.example.com/root.cer",),
        ocsp=("http://ocsp.example.com",),
        key_identifier="SHA-256",
    )
    root = replace(
        plain.root, subject=(Attribute("DC", "com"), Attribute("DC", "example"), Attribute("CN", "Rich Root"))
    )
    return Profiles("Rich", root, (plain.intermediates[0], full), ssh="Ed25519")


def every_kind() -> Profiles:
    """An RSA root, and an intermediate with a key of every other kind but the largest RSA, which is slow to make."""
    plain = profiles_of("RSA 3072")
    kinds: tuple[Algorithm, ...] = ("EC P-256", "EC P-384", "EC P-521", "Ed25519")
    intermediates = [
        replace(
            plain.intermediates[0],
            name="intermediate" if number == 1 else f"intermediate-{number}",
            algorithm=kind,
            subject=(Attribute("CN", kind),),
        )
        for number, kind in enumerate(kinds, 1)
    ]
    return Profiles("Every kind", plain.root, tuple(intermediates), ssh="Ed25519")


@functools.cache
def issued(algorithm: Algorithm) -> Issued:
    """The CA of `profiles_of`, made once."""
    profiles = profiles_of(algorithm)
    return issue(profiles, make_keys(profiles, quiet), {}, quiet)


@functools.cache
def rich() -> Issued:
    """The CA of `rich_profiles`, made once."""
    profiles = rich_profiles()
    return issue(profiles, make_keys(profiles, quiet), {}, quiet)
