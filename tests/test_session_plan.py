"""The plan of a session, and what it certifies: what is read, and what is refused."""

import datetime as dt
import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from authorities import issued, profiles_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID
from helpers import escrow

from ceremony.planning import draft
from ceremony.planning.lints import lint
from ceremony.planning.plan import parse
from ceremony.planning.session_tables import TASKS
from ceremony.run.task import Input, read_input
from escrow.certificates import to_pem
from escrow.errors import CertificateError, PlanError
from escrow.issuing.request import read_authority, read_request
from escrow.issuing.signing import _tlv, parts
from escrow.issuing.subordinate import Subordinate
from escrow.paper import source
from escrow.signable import NewCertificate

TODAY = dt.datetime.now(dt.UTC).date()


@pytest.mark.parametrize("task", TASKS)
def test_init_writes_the_plan_of_a_session_that_lints(task: str, tmp_path: Path) -> None:
    file = tmp_path / "session.toml"
    escrow("init", "--for", task.replace("_", "-"), file).expect()
    plan = parse(file.read_bytes(), file)
    assert plan.session
    assert type(plan.session.task).__name__ == "".join(part.capitalize() for part in task.split("_"))
    missing = set() if task == "crl" else {"file-not-as-pinned"}
    assert {finding.lint for finding in lint(plan, TODAY, None) if finding.stands} == {"hash-placeholder", *missing}
    text = file.read_text().replace("0" * 64, hashlib.sha256(b"given").hexdigest())
    for name in ("intermediate.csr", "other-root.crt"):
        (tmp_path / name).write_bytes(b"given")
    file.write_text(text)
    escrow("lint", file).expect()


def test_what_a_session_certifies_lies_beside_its_plan_and_has_the_hash_that_the_plan_says(tmp_path: Path) -> None:
    file, content = tmp_path / "session.toml", b"given"
    digest, other = (hashlib.sha256(each).hexdigest() for each in (content, b"another"))
    text = draft.session("sign_intermediate", TODAY, {"before": {"archive": other}}).replace("0" * 64, digest)

    def standing(text: str) -> list[str]:
        return [found.text for found in lint(parse(text.encode(), file), TODAY, None) if found.stands]

    (missing,) = standing(text)
    assert f"{tmp_path}/intermediate.csr" in missing
    assert f"from the plan's folder, {tmp_path}." in missing
    (tmp_path / "intermediate.csr").write_bytes(content)
    assert standing(text) == []
    (zeros,) = standing(text.replace(digest, "0" * 64))
    assert zeros == "sha256 of what is certified is still a row of zeros."
    (changed,) = standing(text.replace(digest, other))
    assert changed == f"{tmp_path}/intermediate.csr has the SHA-256 {digest}, and the plan says {other}."
    given = parse(text.encode(), file).session
    assert given
    assert read_input(given) == Input("request.csr", content)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('[cross_sign]\ncertificate = "x"\nsha256 = "' + "0" * 64 + '"\n', r"cross_sign stands beside \[crl\]"),
        (
            '[[revoke]]\nserial = "0G"\ndate = 2030-01-01\nreason = "superseded"\n',
            r"revoke 1, serial must be a serial",
        ),
        (
            '[[revoke]]\nserial = "0a"\ndate = 2030-01-01\nreason = "keyCompromise"\n',
            r"revoke 1, reason must be one of",
        ),
        ('[[revoke]]\nserial = "0a"\ndate = 2030-01-01\nreason = "certificateHold"\n', r"revoke 1, reason must be one"),
        ('[[package]]\nsite = "Bank"\nmedium = "x"\n', r"package is not known"),
        ("[root]\nyears = 3\n", r"root is not known"),
    ],
)
def test_what_is_wrong_with_the_plan_of_a_session_is_named(more: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        parse(f"{draft.session('crl', TODAY)}\n{more}".encode(), Path("session.toml"))


def test_what_is_revoked_belongs_to_a_list() -> None:
    revoke = '[[revoke]]\nserial = "0a"\ndate = 2030-01-01\nreason = "superseded"\n'
    with pytest.raises(PlanError, match=r"revoke belongs to \[crl\]"):
        parse(f"{draft.session('sign_intermediate', TODAY)}\n{revoke}".encode(), Path("session.toml"))


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "Second CA") -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)] if name else [])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_of_a_request_subject_and_key_are_taken_and_the_rest_is_told() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    asked = read_request(_request(key), "r", "SHA-1")
    assert asked.algorithm == "EC P-384"
    assert asked.named.public == key.public_key()
    assert asked.not_taken == ("extendedKeyUsage",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read|can be read"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\n", "can be read"),
        (_request(ec.generate_private_key(ec.SECP256R1()), ""), "has no subject"),
        (_request(rsa.generate_private_key(65537, 2048)), "of the kind RSA 2048, which a CA should not have"),
        (_request(ec.generate_private_key(ec.SECP256K1())), "of the kind secp256k1"),
    ],
    ids=["empty", "cut off", "nameless", "weak", "unusual"],
)
def test_a_request_that_is_no_good_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        read_request(content, "r", "SHA-1")


def test_a_request_that_its_own_key_did_not_sign_is_refused() -> None:
    content = bytearray(_request(ec.generate_private_key(ec.SECP256R1())))
    content[content.index(b"Second CA")] ^= 1
    with pytest.raises(CertificateError, match="is not signed by its own key"):
        read_request(bytes(content), "r", "SHA-1")


def test_attributes_of_a_request_that_are_no_extensions_are_told_too() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [(AttributeOID.CHALLENGE_PASSWORD, b"abc"), (x509.ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"x")]
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name("A CA"))
    for oid, value in attributes:
        builder = builder.add_attribute(oid, value)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    content = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    told = ("basicConstraints", "1.3.6.1.4.1.99999.7", "challengePassword")  # a SET: in the order of its DER
    assert read_request(content, "r", "SHA-1").not_taken == told


def test_a_subject_that_cannot_be_read_is_told_as_such() -> None:
    key, text = ec.generate_private_key(ec.SECP256R1()), "S\u00e9cond CA".encode()
    body, algorithm, _ = parts(_request(key, text.decode()))
    length = bytes([len(text)])
    changed = body.replace(b"\x0c" + length + text, b"\x14" + length + b"\xe9" * len(text))  # T61String, no UTF-8
    assert changed != body
    signature = _tlv(0x03, b"\0" + key.sign(changed, ec.ECDSA(hashes.SHA256())))
    with pytest.raises(CertificateError, match="is not a certificate request that can be read"):
        read_request(_tlv(0x30, changed + algorithm + signature), "r", "SHA-1")


def test_a_double_extension_is_told_as_such() -> None:
    more = x509.BasicConstraints(ca=True, path_length=1), x509.UnrecognizedExtension(_OTHER, b"\x05\x00")
    content = _authority(ec.generate_private_key(ec.SECP256R1()), more=more)
    assert read_authority(content, "c").not_taken == (_OTHER.dotted_string,)
    with pytest.raises(CertificateError, match="is not a certificate that can be read"):
        read_authority(content.replace(_der(_OTHER), _der(x509.BasicConstraints.oid)), "c")


_OTHER = x509.ObjectIdentifier("2.5.29.99")


def _der(oid: x509.ObjectIdentifier) -> bytes:
    return bytes([0x06, 0x03, 0x55, 0x1D, int(oid.dotted_string.rpartition(".")[2])])


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _authority(
    key: ec.EllipticCurvePrivateKey,
    issuer: str = "Other Root",
    by: ec.EllipticCurvePrivateKey | None = None,
    more: tuple[x509.ExtensionType, ...] = (x509.BasicConstraints(ca=True, path_length=3),),
) -> bytes:
    """The certificate of another CA, DER."""
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(_name("Other Root")).issuer_name(_name(issuer)).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(begin)
    builder = builder.not_valid_after(begin + dt.timedelta(days=4000))
    for each in more:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(by or key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_self_issued_certificate_that_its_own_key_did_not_sign_is_refused_and_anothers_is_told() -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    with pytest.raises(CertificateError, match="is not signed by its own key"):
        read_authority(_authority(key, by=other), "c")
    assert not read_authority(_authority(key), "c").unproven
    asked = read_authority(_authority(key, "Their Issuer", other), "c")
    assert asked.unproven
    root, *_ = issued("EC P-256").certificates
    profile = profiles_of("EC P-256").intermediates[0]
    notes = NewCertificate(Subordinate(root, profile, asked.named), asked, "cross-signed", frozenset()).notes
    assert list(notes) == [
        "Nobody has shown possession of this key: its certificate is signed by another one.",
        "Path length: the original says 3, and this 0.",
        "Key usage: the original says nothing, and this keyCertSign, cRLSign.",
        "Valid to: the original says 2036-12-14 00:00:00 UTC, and this 2036-01-01 23:59:59 UTC.",
    ]


def test_what_is_no_ca_is_not_cross_signed() -> None:
    root, *_ = issued("EC P-256").certificates
    assert read_authority(to_pem(root), "c").algorithm == "EC P-256"
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(root.subject)
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(root.not_valid_before_utc)
        .not_valid_after(root.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    for content in (b"x", to_pem(leaf)):
        with pytest.raises(CertificateError, match=r"is not the certificate of a CA|is not a certificate that can"):
            read_authority(content, "c")


@pytest.mark.parametrize("name", ["ceremony.toml", "session.toml"])
def test_every_commented_table_of_the_plans_is_toml_when_its_comment_sign_is_taken_away(name: str) -> None:
    text = (source.directory() / name).read_text("utf-8")
    tables = re.findall(r"^# \[+\w+\]+.*\n(?:# .*\n)*", text, re.MULTILINE)
    assert len(tables) == text.count("\n# [")
    for table in tables:
        tomllib.loads(re.sub("^# ", "", table, flags=re.MULTILINE))
