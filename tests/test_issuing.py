"""Issuing a CA: what is planned is what is signed, linted on both sides, and other programs agree."""

import datetime as dt
import ipaddress
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from authorities import ISSUED_KINDS, START, issued, profiles_of, quiet, rich, rich_profiles
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from helpers import PASSWORD, StepTree, need, run
from hypothesis import example, given
from hypothesis import strategies as st

from escrow import certificates, keys
from escrow.configuration import read_paths
from escrow.errors import CertificateError
from escrow.files import read_secret
from escrow.issuing import lints, make
from escrow.issuing.draft import draft, key_identifier, serial_number
from escrow.issuing.fields import FIELDS, found, planned
from escrow.issuing.hierarchy import check_hierarchy
from escrow.issuing.make import Issued, generate, issue, make_keys, preview
from escrow.issuing.naming import (
    Attribute,
    Constraint,
    check_oid,
    general_name_text,
    name_text,
    subject_text,
    to_general_name,
    to_name,
)
from escrow.issuing.profile import Profile, Profiles, step_ca_init
from escrow.issuing.signing import sign, try_out
from escrow.issuing.validity import Validity, calendar_years, duration_of_days
from escrow.keys import Algorithm
from escrow.memory import Secret

SECOND = dt.timedelta(seconds=1)

every_kind = pytest.mark.parametrize("algorithm", ISSUED_KINDS)


# Dates


@given(
    st.integers(-(2**30), 2**32).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)), st.integers(1, 100)
)
@example(dt.datetime(2028, 2, 29, tzinfo=dt.UTC), 1)
@example(dt.datetime(2028, 2, 29, tzinfo=dt.UTC), 4)
def test_calendar_years_end_a_second_before_the_anniversary(first: dt.datetime, years: int) -> None:
    validity = calendar_years(first, years)
    next_begins = validity.last + SECOND
    assert validity.first == first
    assert validity.whole_days
    assert next_begins.time() == first.time()
    assert next_begins.year == first.year + years
    day = (first.month, first.day)
    assert (next_begins.month, next_begins.day) in {day, (3, 1) if day == (2, 29) else day}


def test_the_same_years_from_the_same_day_end_together() -> None:
    one, longer = calendar_years(START, 10), calendar_years(START, 20)
    assert one.last == dt.datetime(2036, 1, 1, 23, 59, 59, tzinfo=dt.UTC)
    assert one.within(longer)
    assert not longer.within(one)
    assert one.within(one)


def test_days_are_counted_as_step_counts_them_a_second_too_long() -> None:
    validity = duration_of_days(START, 3650)
    assert validity.last - validity.first == dt.timedelta(days=3650)
    assert not validity.whole_days


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (START.replace(tzinfo=None), START),
        (START, START.replace(microsecond=1)),
        (START, START.astimezone(dt.timezone(dt.timedelta(hours=1)))),
        (START, START - SECOND),
    ],
)
def test_a_time_that_a_certificate_cannot_say_is_refused(first: dt.datetime, last: dt.datetime) -> None:
    with pytest.raises(CertificateError):
        Validity(first, last)


def test_years_after_9999_are_refused() -> None:
    with pytest.raises(CertificateError, match="9999"):
        calendar_years(START, 8000)


# Names

_TYPES = ("C", "ST", "L", "STREET", "O", "OU", "CN", "DC", "serialNumber", "organizationIdentifier")
attributes = st.one_of(
    st.builds(
        Attribute,
        st.sampled_from(["O", "OU", "CN", "ST", "L", "STREET", "organizationIdentifier"]),
        st.text(st.sampled_from("aB ,=+\\\"'#;<>é漢"), min_size=1, max_size=64).filter(
            lambda text: text == text.strip()
        ),
    ),
    st.builds(Attribute, st.just("C"), st.sampled_from(["NZ", "GB"])),
    st.builds(Attribute, st.just("DC"), st.from_regex("[a-z]{1,63}", fullmatch=True)),
    st.builds(Attribute, st.just("serialNumber"), st.from_regex("[A-Za-z0-9]{1,64}", fullmatch=True)),
)
subjects = st.lists(attributes, min_size=1, max_size=6)


@given(subjects)
def test_a_subject_says_the_same_after_it_was_a_distinguished_name(subject: list[Attribute]) -> None:
    assert name_text(to_name(subject)) == subject_text(subject)
    assert [Attribute.of(f"{each.type}={each.value}") for each in subject] == subject


@given(subjects, subjects)
@example([Attribute("O", "A, CN=B")], [Attribute("O", "A"), Attribute("CN", "B")])
@example([Attribute("O", "A+CN=B")], [Attribute("O", "A"), Attribute("CN", "B")])
@example([Attribute("O", "A\\"), Attribute("CN", "B")], [Attribute("O", "A\\, CN=B")])
def test_two_subjects_are_never_shown_alike(one: list[Attribute], other: list[Attribute]) -> None:
    assert (subject_text(one) == subject_text(other)) == (one == other)


def test_several_attributes_in_one_part_of_a_name_are_shown_as_such() -> None:
    both = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A"), x509.NameAttribute(NameOID.COMMON_NAME, "B")]
    assert name_text(x509.Name([x509.RelativeDistinguishedName(both)])) in {"O=A+CN=B", "CN=B+O=A"}
    assert name_text(x509.Name(both)) == "O=A, CN=B"


@pytest.mark.parametrize(
    "text",
    [
        *("CN", "CN=", "CN= ", "X=1", "cn=small", "C=nz", "C=NZL", "C=N1", f"CN={'x' * 65}", f"O={'x' * 65}"),
        *("CN=a\tb", "CN=a\nb", "CN=a\u202eb", "DC=example.com", "DC=-x", "serialNumber=é", f"DC={'x' * 64}"),
    ],
)
def test_what_cannot_stand_in_a_subject_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Attribute.of(text)


networks = st.one_of(
    st.builds(lambda n, p: ipaddress.ip_network((n, p), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(
        lambda n, p: ipaddress.ip_network((n, p), strict=False), st.integers(2**33, 2**128 - 1), st.integers(0, 128)
    ),
)


@given(networks)
def test_a_network_is_the_same_constraint_after_it_was_in_a_certificate(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    constraint = Constraint.of(f"IP:{network}")
    encoded = x509.NameConstraints([to_general_name(constraint)], None).public_bytes()
    octets = network.network_address.packed + network.netmask.packed
    assert encoded.endswith(octets)
    assert general_name_text(to_general_name(constraint)) == str(constraint)


@pytest.mark.parametrize(
    "text", ["DNS:example.com", "email:example.com", "email:.example.com", "email:a.b@example.com"]
)
def test_a_constraint_says_the_same_after_it_was_a_general_name(text: str) -> None:
    assert general_name_text(to_general_name(Constraint.of(text))) == text


@pytest.mark.parametrize(
    "text",
    [
        *("example.com", "URI:http://x", "DNS:", "DNS:.example.com", "DNS:*.example.com", "DNS:exa mple.com"),
        *("DNS:example.com.", "DNS:bücher.example", f"DNS:{'a' * 64}.com", f"DNS:{'a.' * 127}com"),
        *("IP:10.0.0.1/8", "IP:10.0.0.0", "IP:10.0.0.0/33", "IP:10.0.0.0/255.0.0.0", "IP:FD00::/8", "IP:x"),
        *("email:a b@example.com", "email:@example.com", "email:a@", "email:..example.com"),
    ],
)
def test_what_cannot_be_a_name_constraint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Constraint.of(text)


# Drafts


@pytest.mark.parametrize("octets", [16, 20])
@pytest.mark.parametrize("random", [bytes, lambda n: b"\xff" * n, os.getrandom], ids=["zeros", "ones", "getrandom"])
def test_a_serial_number_is_positive_and_has_all_its_octets(octets: int, random: Callable[[int], bytes]) -> None:
    number = serial_number(octets, random)
    assert number.to_bytes(octets, "big", signed=True)
    assert number.bit_length() == 8 * octets - 1


def test_serial_numbers_are_all_random_but_for_two_bits() -> None:
    ones = serial_number(20, lambda n: b"\xff" * n)
    zeros = serial_number(20, bytes)
    assert (ones ^ zeros).bit_count() == 158


def test_a_key_identifier_is_that_of_the_rfcs() -> None:
    """By the octets of the public key in its SubjectPublicKeyInfo, which for these kinds stand at its end."""
    for algorithm, length in (("EC P-256", 65), ("Ed25519", 32)):
        key = keys.generate(algorithm)  # type: ignore[arg-type]
        public = keys.parse_public(key.public)
        for method, digest in (("SHA-1", hashes.SHA1()), ("SHA-256", hashes.SHA256())):  # noqa: S303 - as RFC 5280 says
            hashed = hashes.Hash(digest)
            hashed.update(key.public[-length:])
            assert key_identifier(public, method) == hashed.finalize()[:20]  # type: ignore[arg-type]


@every_kind
def test_what_was_signed_is_what_was_planned(algorithm: Algorithm) -> None:
    profiles = profiles_of(algorithm)
    for profile, certificate in zip(profiles, issued(algorithm).certificates, strict=True):
        assert found(certificate) == planned(profiles, profile)
    assert issued(algorithm).waived == ()


def test_everything_that_a_profile_can_say_is_in_the_certificate() -> None:
    profiles = rich_profiles()
    for profile, certificate in zip(profiles, rich().certificates, strict=True):
        assert found(certificate) == planned(profiles, profile)
    fullest = found(rich().certificates[2])
    assert all(fullest.values()), fullest
    assert list(fullest) == list(FIELDS)


DIFFERENT: dict[str, Callable[[Profile], Profile]] = {
    "subject": lambda p: replace(p, subject=(*p.subject, Attribute("OU", "X"))),
    "key": lambda p: replace(p, algorithm="EC P-384"),
    "first": lambda p: replace(p, validity=Validity(p.validity.first + SECOND, p.validity.last)),
    "last": lambda p: replace(p, validity=Validity(p.validity.first, p.validity.last + SECOND)),
    "path_length": lambda p: replace(p, path_length=1),
    "permitted": lambda p: replace(p, permitted=p.permitted[1:]),
    "excluded": lambda p: replace(p, excluded=p.excluded[::-1]),
    "policies": lambda p: replace(p, policies=p.policies[:1]),
    "crl": lambda p: replace(p, crl=p.crl[:1]),
    "issuers": lambda p: replace(p, issuers=("http://other.example.com/root.cer",)),
    "ocsp": lambda p: replace(p, ocsp=()),
    "extensions": lambda p: replace(p, policies=()),
}


@pytest.mark.parametrize("field", DIFFERENT)
def test_a_difference_between_plan_and_certificate_shows_in_its_field(field: str) -> None:
    profiles = rich_profiles()
    other = DIFFERENT[field](profiles.intermediates[1])
    differing = {
        name for name, value in planned(profiles, other).items() if found(rich().certificates[2])[name] != value
    }
    assert field in differing


@pytest.mark.parametrize(("method", "same"), [("SHA-1", False), ("SHA-256", True)])
def test_the_authority_key_identifier_is_the_roots_subject_key_identifier(method: str, *, same: bool) -> None:
    profiles = profiles_of("EC P-256")
    profiles = replace(profiles, root=replace(profiles.root, key_identifier=method))  # type: ignore[arg-type]
    made = make_keys(profiles, quiet)
    root, intermediate = issue(profiles, made, {}, quiet).certificates
    named = intermediate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert named == root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    public = keys.parse_public(certificates.public_key(root))
    assert (named == key_identifier(public, "SHA-256")) is same


# `step ca init`, and `step certificate create`


STEP_KINDS: dict[str, Algorithm] = {
    "P-256": "EC P-256",
    "P-384": "EC P-384",
    "P-521": "EC P-521",
    "Ed25519": "Ed25519",
    "RSA": "RSA 3072",
    "RSA 4096": "RSA 4096",
}


def test_step_is_compared_with_for_every_kind_of_key() -> None:
    assert set(STEP_KINDS.values()) == set(ISSUED_KINDS)


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_the_profile_of_step_ca_init_is_reproduced_field_for_field(trees: Callable[[str], StepTree], kind: str) -> None:
    """Not the same: whose name, when made; strings that are PrintableString at step's are UTF8String here."""
    root, intermediate = (
        certificates.read((trees(kind).path / file).read_bytes(), file)[0]
        for file in ("certs/root_ca.crt", "certs/intermediate_ca.crt")
    )
    profiles = step_ca_init("Test CA", root.not_valid_before_utc)
    if kind != "P-256":  # made by `step certificate create --profile root-ca` and `intermediate-ca`
        algorithm = STEP_KINDS[kind]
        common = {"root": f"{kind} Root", "intermediate": f"{kind} CA"}
        own = [replace(each, algorithm=algorithm, subject=(Attribute("CN", common[each.name]),)) for each in profiles]
        profiles = replace(profiles, root=own[0], intermediates=(own[1],))
    made = make_keys(profiles, quiet)
    ours = issue(profiles, made, make.STEP_WAIVERS, quiet).certificates
    for profile, real, our in zip(profiles, (root, intermediate), ours, strict=True):
        seen = found(real)
        assert (
            real.not_valid_after_utc - real.not_valid_before_utc == our.not_valid_after_utc - our.not_valid_before_utc
        )
        assert abs(real.not_valid_before_utc - root.not_valid_before_utc) <= 5 * SECOND
        assert {**seen, "first": "", "last": ""} == {**planned(profiles, profile), "first": "", "last": ""}
        assert max(real.serial_number.bit_length(), our.serial_number.bit_length()) <= 128
        assert real.version == our.version
        for one, other in zip(real.extensions, our.extensions, strict=True):
            assert (one.oid, one.critical) == (other.oid, other.critical)
            assert len(one.value.public_bytes()) == len(other.value.public_bytes())
            if not isinstance(one.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier):
                assert one.value.public_bytes() == other.value.public_bytes()
        public = keys.parse_public(certificates.public_key(real))
        identifier = real.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        assert identifier == key_identifier(public, "SHA-1")


# SSH


def test_the_public_ssh_keys_are_byte_for_byte_as_step_writes_them(trees: Callable[[str], StepTree]) -> None:
    tree = trees("ssh").path
    with Secret.of(PASSWORD.encode()) as password:
        for name in ("ssh_host_ca_key", "ssh_user_ca_key"):
            with read_secret(tree / "secrets" / name, 1 << 16) as content:
                key = keys.load(content, password, name)
            assert certificates.to_ssh_public_key(key.public) == (tree / f"certs/{name}.pub").read_bytes()


def test_the_ssh_keys_are_as_step_writes_them_and_ca_json_names_them(tmp_path: Path) -> None:
    need("ssh-keygen")
    authority = rich().authority
    entries = {entry.name: entry for entry in authority.keys}
    assert list(entries) == ["root", "intermediate", "intermediate-2", "ssh-host", "ssh-user"]
    for name in ("ssh-host", "ssh-user"):
        entry = entries[name]
        assert entry.public_file
        line = bytes(authority.files[entry.public_file].view)
        (tmp_path / name).write_bytes(line)
        assert "ED25519" in run("ssh-keygen", "-l", "-f", tmp_path / name).expect().out
        assert certificates.read_ssh_public_key(line, name) == entry.key.public
        assert (entry.file, entry.public_file) == (
            f"secrets/{name.replace('-', '_')}_ca_key",
            f"certs/{name.replace('-', '_')}_ca_key.pub",
        )
    paths = read_paths(authority.files["config/ca.json"])
    assert (paths.ssh_host_key, paths.ssh_user_key) == ("secrets/ssh_host_ca_key", "secrets/ssh_user_ca_key")
    assert read_paths(generate("Plain", START, quiet).files["config/ca.json"]).ssh_host_key is None


# Lint before and after


def issuing(profiles: Profiles, waivers: lints.Waivers | None = None) -> Issued:
    return issue(profiles, make_keys(profiles, quiet), waivers or {}, quiet)


def with_intermediate(**changes: object) -> Profiles:
    profiles = profiles_of("EC P-256")
    return replace(profiles, intermediates=(replace(profiles.intermediates[0], **changes),))  # type: ignore[arg-type]


FOUND: dict[str, Profiles] = {
    "certificate-serial": with_intermediate(serial_octets=7),
    "certificate-validity-second": with_intermediate(validity=duration_of_days(START, 3650)),
    "certificate-outlives-root": with_intermediate(validity=calendar_years(START, 21)),
    "certificate-stronger-than-root": with_intermediate(algorithm="EC P-384"),
    "certificate-constraints-open": with_intermediate(permitted=(Constraint("DNS", "example.com"),)),
    "pkix.duplicate_certificate_policy_oids": with_intermediate(policies=("1.3.6.1.4.1.99999.1",) * 2),
    "pkix.invalid_uri_syntax": with_intermediate(crl=("http://not a host/",)),
}


def test_every_lint_of_our_own_has_a_profile_that_it_finds() -> None:
    assert set(lints.OWN) <= set(FOUND)


@pytest.mark.parametrize("lint", FOUND)
def test_a_finding_stops_before_anything_is_signed(lint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "sign_all", lambda *_: pytest.fail("signed although lint had stopped it"))
    with pytest.raises(CertificateError, match=rf"intermediate: {lint}: ") as stopped:
        issuing(FOUND[lint])
    assert str(stopped.value).count("\n") == 1, "one finding, and no other"


@pytest.mark.parametrize("lint", FOUND)
def test_a_waived_finding_is_told_and_stops_nothing(lint: str) -> None:
    result = issuing(FOUND[lint], {("intermediate", lint): "as agreed"})
    assert {(finding.lint, finding.certificate) for finding in result.waived} == {(lint, "intermediate")}


@pytest.mark.parametrize("lint", FOUND)
def test_a_preview_finds_what_issuing_would(lint: str) -> None:
    assert {finding.lint for finding in preview(FOUND[lint])} == {lint}


@pytest.mark.parametrize("waiver", [("intermediate", "certificate-serial"), ("root", "certificate-outlives-root")])
def test_a_waiver_of_another_lint_or_certificate_waives_nothing(waiver: tuple[str, str]) -> None:
    with pytest.raises(CertificateError, match="certificate-outlives-root"):
        issuing(FOUND["certificate-outlives-root"], {waiver: "as agreed"})


def test_what_is_found_only_after_signing_stops_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real = lints.lint

    def lint(
        profiles: Profiles, signed: Sequence[x509.Certificate], *, tried: bool = False
    ) -> tuple[lints.Finding, ...]:
        found = real(profiles, signed, tried=tried)
        return found if tried else (*found, lints.Finding("pkix.late", "root", "seen late"))

    monkeypatch.setattr(make, "lint", lint)
    with pytest.raises(CertificateError, match=r"pkix\.late"):
        issuing(profiles_of("EC P-256"))


def test_what_is_signed_otherwise_than_linted_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bit of the serial number is enough."""
    profiles = profiles_of("EC P-256")

    def other(drafts: object, key: keys.PrivateKey) -> tuple[x509.Certificate, ...]:
        del drafts
        return sign(draft(profiles, {each.name: key.public for each in profiles}), key)

    monkeypatch.setattr(make, "sign_all", other)
    with pytest.raises(CertificateError, match="not what was linted"):
        issuing(profiles)


def test_the_throw_away_key_is_neither_the_roots_nor_the_same_twice() -> None:
    profiles = profiles_of("EC P-256")
    made = make_keys(profiles, quiet)
    drafts = draft(profiles, {entry.name: entry.key.public for entry in made})
    one, other = try_out(drafts, "EC P-256")[0], try_out(drafts, "EC P-256")[0]
    (signed, _) = sign(drafts, made[0].key)
    assert one.tbs_certificate_bytes == other.tbs_certificate_bytes == signed.tbs_certificate_bytes
    signed.verify_directly_issued_by(signed)
    for tried in (one, other):
        with pytest.raises(Exception):  # noqa: B017, PT011 - whichever way cryptography says so
            tried.verify_directly_issued_by(signed)
    for entry in made:
        entry.key.pem.close()


@pytest.mark.parametrize("algorithm", ISSUED_KINDS)
def test_what_is_prepared_once_is_signed_to_the_same_octets_however_often(algorithm: Algorithm) -> None:
    """After a failure or a crash nothing else comes out, not even another signature."""
    profiles = profiles_of(algorithm)
    made = make_keys(profiles, quiet)
    tried = make.prepare(profiles, made)
    once, again = (make.issue(profiles, made, {}, quiet, tried=tried).certificates for _ in range(2))
    assert once == again
    assert [each.tbs_certificate_bytes for each in once] == [each.tbs_certificate_bytes for each in tried]
    assert [each.signature for each in once] != [each.signature for each in tried]


def test_a_root_that_is_not_self_signed_is_found_unless_it_is_only_tried_out() -> None:
    """Pkilint wants an authority key identifier in whatever is not self-signed."""
    profiles = profiles_of("EC P-256")
    publics = {each.name: keys.generate("EC P-256").public for each in profiles}
    tried = try_out(draft(profiles, publics), "EC P-256")
    found = lints.lint(profiles, tried)
    assert [(each.lint, each.certificate) for each in found] == [lints.NOT_SELF_SIGNED[::-1]]
    assert lints.lint(profiles, tried, tried=True) == ()


# The hierarchy


def signed_as(profiles: Profiles, publics: Mapping[str, bytes], key: keys.PrivateKey) -> tuple[x509.Certificate, ...]:
    return sign(draft(profiles, publics), key)


def test_a_hierarchy_that_does_not_fit_is_refused_with_what_is_wrong() -> None:
    profiles = profiles_of("EC P-256")
    key, other, third = (keys.generate("EC P-256") for _ in range(3))
    publics = {"root": key.public, "intermediate": other.public}
    root, intermediate = signed_as(profiles, publics, key)
    check_hierarchy(root, [intermediate])

    def intermediate_of(
        of: Profiles, publics: Mapping[str, bytes] = publics, by: keys.PrivateKey = key
    ) -> x509.Certificate:
        return signed_as(of, publics, by)[1]

    renamed = replace(profiles, root=replace(profiles.root, subject=(Attribute("CN", "Other"),)))
    same_name = replace(profiles, intermediates=(replace(profiles.intermediates[0], subject=profiles.root.subject),))
    too_long = replace(profiles, intermediates=(replace(profiles.intermediates[0], path_length=1),))
    method = replace(profiles, root=replace(profiles.root, key_identifier="SHA-256"))
    for wrong, message in (
        ([intermediate_of(renamed)], "its issuer is not the root's subject"),
        ([intermediate_of(profiles, by=third)], "its signature is not the root's"),
        ([intermediate_of(too_long)], "its path length is 1"),
        ([intermediate_of(method)], "its authority key identifier"),
        ([intermediate_of(same_name)], "two of them have the same subject"),
        ([intermediate_of(profiles, {**publics, "intermediate": key.public})], "two of them have the same key"),
        ([intermediate, intermediate], "two of them have the same serial number"),
        ([intermediate, intermediate_of(profiles)], "two of them have the same subject"),
        ([root], "its authority key identifier"),
        ([leaf(intermediate, other)], "it is not a CA's certificate"),
    ):
        with pytest.raises(CertificateError, match=message):
            check_hierarchy(root, wrong)
    for each in (key, other, third):
        each.pem.close()


@pytest.mark.parametrize("names", [["root"], ["root", "intermediate-2"], ["intermediate", "root"]])
def test_what_is_no_hierarchy_cannot_be_profiled(names: list[str]) -> None:
    root, *others = (replace(profiles_of("EC P-256").root, name=name) for name in names)
    with pytest.raises(CertificateError, match="a root and one or more intermediates"):
        Profiles("X", root, tuple(others))


# Other programs


def leaf(issuer: x509.Certificate, signer: keys.PrivateKey) -> x509.Certificate:
    """A server's certificate for leaf.example.com."""
    private = keys.parse(bytes(signer.pem.view))
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf.example.com")]))
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + dt.timedelta(days=3000))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("leaf.example.com")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return builder.sign(private, None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256())


CHAINS: dict[str, tuple[Callable[[], Issued], int]] = {
    **{algorithm: (partial(issued, algorithm), 1) for algorithm in ISSUED_KINDS},
    "rich, plain": (rich, 1),
    "rich, full": (rich, 2),
}
"""The CA of every chain, and the number of its intermediate."""


@pytest.fixture(params=CHAINS)
def chain(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[x509.Certificate]]:
    """Root, intermediate and a leaf, as files and as certificates."""
    made, number = CHAINS[request.param]
    ca = made()
    issuer, signer = ca.certificates[number], ca.authority.keys[number].key
    certs = [ca.certificates[0], issuer, leaf(issuer, signer)]
    for name, certificate in zip(("root", "intermediate", "leaf"), certs, strict=True):
        (tmp_path / f"{name}.crt").write_bytes(certificates.to_pem(certificate))
    bundle = [tmp_path / f"{name}.crt" for name in ("leaf", "intermediate")]
    (tmp_path / "bundle.crt").write_bytes(b"".join(part.read_bytes() for part in bundle))
    return tmp_path, certs


def test_step_verifies_the_chain(chain: tuple[Path, list[x509.Certificate]]) -> None:
    need("step")
    folder, _ = chain
    run("step", "certificate", "verify", folder / "bundle.crt", "--roots", folder / "root.crt").expect()
    assert run("step", "certificate", "verify", folder / "leaf.crt", "--roots", folder / "root.crt").status != 0


def test_openssl_verifies_the_chain(chain: tuple[Path, list[x509.Certificate]]) -> None:
    need("openssl")
    folder, _ = chain
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder / "root.crt"]
    run(*verify, "-untrusted", folder / "intermediate.crt", folder / "leaf.crt").expect()
    assert run(*verify, folder / "leaf.crt").status != 0


def test_the_verifier_of_cryptography_verifies_the_chain(
    chain: tuple[Path, list[x509.Certificate]], request: pytest.FixtureRequest
) -> None:
    root, intermediate, end = chain[1]
    verifier = PolicyBuilder().store(Store([root])).time(START + dt.timedelta(days=1))
    server = verifier.build_server_verifier(x509.DNSName("leaf.example.com"))
    if "Ed25519" in request.node.name:  # its policy is that of the public web, which has no Ed25519
        with pytest.raises(VerificationError):
            server.verify(end, [intermediate])
    else:
        assert server.verify(end, [intermediate]) == [end, intermediate, root]


# Linters: what they say of any certificate that is explained here; anything else fails

PKILINT_EXPLAINED = {
    "pkix.subject_key_identifier_method_1_identified": "says only which method it was: RFC 5280's",
    "pkix.subject_key_identifier_rfc7093_method_1_identified": "says only which method it was: RFC 7093's",
}
# None of these is a rule of RFC 5280: the Baseline Requirements and Mozilla's policy bind CAs that browsers trust
# without being asked, and step-ca's are an organisation's own.
ZLINT_EXPLAINED = {
    "e_algorithm_identifier_improper_encoding": "browsers do not know Ed25519",
    "e_ca_country_name_missing": "a country is not needed to know an own CA; step ca init gives none either",
    "e_ca_organization_name_missing": "a subject of domain components has no organisation",
    "e_ext_nc_intersects_reserved_ip": "an own CA is for private networks, too",
    "e_invalid_ca_certificate_policies": "the public web's policies are not an own CA's",
    "e_signature_algorithm_not_supported": "browsers do not know Ed25519",
    "e_sub_ca_certificate_policies_missing": "policies are an organisation's to have; step ca init gives none",
    "e_sub_ca_crl_distribution_points_missing": "who has no CRL names none; step ca init does not",
    "e_subj_orgunit_in_ca_cert": "units are an organisation's to name",
    "n_ca_digital_signature_not_set": "the CA signs certificates and CRLs, and no OCSP answers",
    "n_mp_allowed_eku": "the intermediate is not for one purpose: step-ca issues for servers, clients and people",
    "n_sub_ca_eku_missing": "the same",
    "w_root_ca_basic_constraints_path_len_constraint_field_present": "a root for one level says so, as step's does",
    "w_sub_ca_aia_missing": "leaves are sent with their intermediate; who serves it by HTTP names it in the plan",
}


def every_certificate() -> list[tuple[str, x509.Certificate]]:
    sets: dict[str, Issued] = {algorithm: issued(algorithm) for algorithm in ISSUED_KINDS}
    sets["rich"] = rich()
    return [(f"{name} {number}", each) for name, ca in sets.items() for number, each in enumerate(ca.certificates)]


def test_pkilint_finds_nothing_that_is_not_explained_not_even_what_it_only_notes() -> None:
    from pkilint.validation import ValidationFindingSeverity

    seen = set()
    for name, certificate in every_certificate():
        der = certificate.public_bytes(serialization.Encoding.DER)
        codes = {code for code, _ in lints.pkilint(der, ValidationFindingSeverity.DEBUG)}
        assert codes <= set(PKILINT_EXPLAINED), name
        seen |= codes
    assert seen == set(PKILINT_EXPLAINED), "an explanation for what is not found any more"


def test_zlint_finds_nothing_that_is_not_explained(tmp_path: Path) -> None:
    need("zlint")
    seen = set()
    for name, certificate in every_certificate():
        file = tmp_path / "certificate.pem"
        file.write_bytes(certificates.to_pem(certificate))
        results = json.loads(run("zlint", file).expect().out)
        told = {lint for lint, each in results.items() if each["result"] not in {"pass", "NA", "NE"}}
        assert told <= set(ZLINT_EXPLAINED), (name, {lint: results[lint] for lint in told - set(ZLINT_EXPLAINED)})
        seen |= told
    assert seen == set(ZLINT_EXPLAINED), "an explanation for what is not found any more"


@pytest.mark.parametrize("text", ["1.3.6.1.4.1.99999.1.1", "2.999.1", "2.25.340282366920938463463374607431768211455"])
def test_an_object_identifier_of_an_organisation_is_taken(text: str) -> None:
    check_oid(text)


BEYOND = "340282366920938463463374607431768211456"  # 2^128


@pytest.mark.parametrize(
    "text",
    ["3.1.1", "0.40.1", "1.40.1", "1.2", "1.03.6", "1.3.6.", f"2.{BEYOND}.1", f"1.3.{BEYOND}", "1.3" + ".99999" * 25],
)
def test_what_no_certificate_can_have_as_an_object_identifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an object identifier"):
        check_oid(text)
