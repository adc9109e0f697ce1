"""Whether the certificates of a plan are wise. What the library's lints find in them is found by trying them out."""

import functools
from collections.abc import Callable, Iterator

from ceremony.planning.lint_checks import Facts
from ceremony.planning.plan import Plan
from ceremony.planning.profiles import profiles_of
from escrow.issuing.lints import OWN, Finding
from escrow.issuing.naming import subject_text
from escrow.issuing.profile import Profile, Profiles

LONGEST_ROOT, LONGEST_INTERMEDIATE = 30, 15  # years

Found = tuple[str, str]
"""The certificate of which something was found, and what: a sentence without its subject."""

Rule = tuple[str, Callable[[Facts], Iterator[Found]], str, str, bool]
"""A lint's id, check, reason, remedy, and whether it may be waived."""


def previewed(plan: Plan) -> tuple[Finding, ...]:
    """What lint will find in the certificates of a plan, before and after they are signed."""
    profiles = profiles_of(plan)
    return _previewed(profiles) if profiles else ()


@functools.lru_cache(maxsize=16)
def _previewed(profiles: Profiles) -> tuple[Finding, ...]:
    from escrow.issuing.make import preview

    return preview(profiles)


def is_of_certificates(lint: str) -> bool:
    """Whether an id is that of a lint of certificates: ours, or pkilint's, which all have a dot."""
    return lint in OWN or "." in lint or any(lint == rule[0] for rule in RULES)


def _profiles(facts: Facts) -> tuple[Profile, ...]:
    return tuple(profiles_of(facts.plan) or ())


def _subjects_alike(facts: Facts) -> Iterator[Found]:
    seen = set()
    for profile in _profiles(facts):
        if profile.subject in seen:
            yield profile.name, f"has the subject {subject_text(profile.subject)} of another one."
        seen.add(profile.subject)


def _nameless(facts: Facts) -> Iterator[Found]:
    for profile in _profiles(facts):
        if "CN" not in {each.type for each in profile.subject}:
            yield profile.name, f"has no common name: {subject_text(profile.subject)}."


def _path_too_short(facts: Facts) -> Iterator[Found]:
    for root in _profiles(facts)[:1]:
        for profile in _profiles(facts)[1:]:
            if profile.path_length >= root.path_length:
                yield profile.name, f"has the path length {profile.path_length}, and the root {root.path_length}."


def _path_too_long(facts: Facts) -> Iterator[Found]:
    for profile in _profiles(facts)[1:]:
        if profile.path_length:
            yield profile.name, f"may issue further CAs: its path length is {profile.path_length}."


def _kinds_mixed(facts: Facts) -> Iterator[Found]:
    for root in _profiles(facts)[:1]:
        for profile in _profiles(facts)[1:]:
            if profile.algorithm.split()[0] != root.algorithm.split()[0]:
                yield (
                    profile.name,
                    f"has a key of the kind {profile.algorithm}, and the root of the kind {root.algorithm}.",
                )


def _ed25519(facts: Facts) -> Iterator[Found]:
    for profile in _profiles(facts):
        if profile.algorithm == "Ed25519":
            yield profile.name, "has a key of the kind Ed25519."


def _too_long(facts: Facts) -> Iterator[Found]:
    for profile in _profiles(facts):
        years = profile.validity.last.year - profile.validity.first.year
        most = LONGEST_ROOT if profile.name == "root" else LONGEST_INTERMEDIATE
        if years > most:
            yield profile.name, f"is valid for more than {most} years."


def _needs_tls(facts: Facts) -> Iterator[Found]:
    for profile in _profiles(facts):
        for url in (*profile.crl, *profile.issuers, *profile.ocsp):
            if url.startswith("https:"):
                yield profile.name, f"names {url}."


RULES: tuple[Rule, ...] = (
    (
        "subjects-alike",
        _subjects_alike,
        "Programs find an issuer by its name: with one name for two, a chain is taken for another.",
        "Give each certificate a subject of its own.",
        False,
    ),
    (
        "subject-without-name",
        _nameless,
        "Many programs show a certificate by its common name, and show nothing where there is none.",
        "Add CN=... to the subject.",
        True,
    ),
    (
        "path-length-too-short",
        _path_too_short,
        "What such an intermediate issues is refused by everybody (RFC 5280, 4.2.1.9).",
        "Give the root a path length greater than that of every intermediate.",
        False,
    ),
    (
        "path-length-too-long",
        _path_too_long,
        "step-ca issues no CAs: a further one would be somebody else's.",
        "Leave path_length out.",
        True,
    ),
    (
        "key-kinds-mixed",
        _kinds_mixed,
        "Who verifies has to know both kinds, and the chain is as weak as the weaker of them.",
        "Choose one kind for all, RSA only where old devices need it.",
        True,
    ),
    (
        "key-ed25519",
        _ed25519,
        "Browsers and much else do not know Ed25519 in certificates.",
        "Choose EC P-256 or P-384, unless all that will verify is known.",
        True,
    ),
    (
        "validity-too-long",
        _too_long,
        "A key is to be retired before anybody can compute it, and while there are people who know how.",
        f"At most {LONGEST_ROOT} years for a root, {LONGEST_INTERMEDIATE} for an intermediate.",
        True,
    ),
    (
        "url-needs-tls",
        _needs_tls,
        "Who fetches it would have to verify a certificate first, perhaps by this very CA (RFC 5280, 8).",
        "Write http://: what is fetched is signed.",
        True,
    ),
)
