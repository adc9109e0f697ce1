"""The profiles of a plan: what is left out is as step makes it, and what is written is in the certificate."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from authorities import quiet
from cryptography import x509

from ceremony.planning import draft
from ceremony.planning.plan import parse
from ceremony.planning.profiles import profiles_of
from escrow import certificates, keys
from escrow.issuing.draft import key_identifier
from escrow.issuing.fields import found, planned
from escrow.issuing.make import issue, make_keys
from escrow.issuing.naming import subject_text
from escrow.issuing.profile import Profiles, step_ca_init

EXAMPLE = draft.fill({}, {})
FIRST = dt.datetime(2030, 1, 14, tzinfo=dt.UTC)

FULL = """
[root]
key = "EC P-384"
years = 20
subject = ["C=GB", "O=Example Ltd", "CN=Example Root"]
path_length = 2
permitted = ["DNS:example.com", "IP:10.0.0.0/8", "email:example.com"]
key_identifier = "SHA-256"

[[intermediate]]
subject = ["CN=First"]
path_length = 1
excluded = ["DNS:secret.example.com"]
policies = ["1.3.6.1.4.1.99999.1.1"]
crl = ["http://pki.example.com/root.crl"]
issuers = ["http://pki.example.com/root.cer"]
ocsp = ["http://ocsp.example.com"]

[[intermediate]]
key = "EC P-384"
years = 5

[ssh]
key = "Ed25519"
"""


def profiles(text: str) -> Profiles:
    made = profiles_of(parse(text.encode(), Path("ceremony.toml")))
    assert made
    return made


def test_a_plan_without_certificates_has_those_of_step_ca_init_but_for_their_end() -> None:
    """Calendar years and both ends counted, where step counts 3650 days and a second."""
    plan, step = profiles(EXAMPLE), step_ca_init("Example CA", FIRST)
    assert plan.ssh is None
    for ours, theirs in zip(plan, step, strict=True):
        one, other = planned(plan, ours), planned(step, theirs)
        assert one.pop("last") == "2040-01-13 23:59:59 UTC"
        assert other.pop("last") == "2040-01-12 00:00:00 UTC"
        assert one == other


def test_what_the_commented_example_shows_is_what_is_left_out() -> None:
    shown = [line.removeprefix("# ").split("   ")[0].strip() for line in EXAMPLE.splitlines() if line.startswith("# ")]
    start = shown.index("[root]")
    tables = [line for line in shown[start:] if line.startswith("[") or " = " in line]
    tables = tables[: tables.index("[online]")]  # what comes then is not needed
    assert [line for line in tables if line.startswith("[")] == ["[root]", "[[intermediate]]", "[ssh]"]
    written = profiles(EXAMPLE + "\n" + "\n".join(tables) + "\n")
    assert written == replace(profiles(EXAMPLE), ssh="EC P-256")


def test_everything_that_is_written_is_in_the_certificates() -> None:
    made = profiles(EXAMPLE + FULL)
    issued = issue(made, make_keys(made, quiet), {}, quiet)
    root, first, second = (found(certificate) for certificate in issued.certificates)
    assert [planned(made, profile) for profile in made] == [root, first, second]
    assert root["subject"] == "C=GB, O=Example Ltd, CN=Example Root"
    assert (root["key"], root["path_length"], root["last"]) == ("EC P-384", "2", "2050-01-13 23:59:59 UTC")
    assert root["permitted"] == "DNS:example.com, IP:10.0.0.0/8, email:example.com"
    assert (first["excluded"], first["policies"]) == ("DNS:secret.example.com", "1.3.6.1.4.1.99999.1.1")
    assert (first["crl"], first["issuers"], first["ocsp"]) == (
        "http://pki.example.com/root.crl",
        "http://pki.example.com/root.cer",
        "http://ocsp.example.com",
    )
    public = keys.parse_public(certificates.public_key(issued.certificates[0]))
    identifier = issued.certificates[0].extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert identifier == key_identifier(public, "SHA-256")
    assert second["subject"] == "O=Example CA, CN=Example CA Intermediate 2"
    assert (second["last"], second["issuer"]) == ("2035-01-13 23:59:59 UTC", root["subject"])
    assert [(entry.name, entry.file, entry.public_file) for entry in issued.authority.keys] == [
        ("root", "secrets/root_ca_key", "certs/root_ca.crt"),
        ("intermediate", "secrets/intermediate_ca_key", "certs/intermediate_ca.crt"),
        ("intermediate-2", "secrets/intermediate_ca_2_key", "certs/intermediate_ca_2.crt"),
        ("ssh-host", "secrets/ssh_host_ca_key", "certs/ssh_host_ca_key.pub"),
        ("ssh-user", "secrets/ssh_user_ca_key", "certs/ssh_user_ca_key.pub"),
    ]


@pytest.mark.parametrize("number", [1, 9])
def test_intermediates_have_names_that_fit_whatever_their_number(number: int) -> None:
    name = "C" * 48
    made = profiles(EXAMPLE.replace("Example CA", name) + "\n[[intermediate]]\n" * number)
    subjects = {subject_text(profile.subject) for profile in made}
    assert len(subjects) == number + 1


def test_an_imported_ca_has_no_profiles() -> None:
    text = EXAMPLE.replace('keys = "generate"', 'keys = "import"\ntree = "/media/step"')
    assert profiles_of(parse(text.encode(), Path("ceremony.toml"))) is None
