"""A secret for somebody's public key: the real openssl opens it with the private half, and with no other."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from helpers import need, run

from escrow.errors import CertificateError
from escrow.memory import Secret
from escrow.online import recipient

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
KINDS: dict[str, Callable[[], Key]] = {
    "RSA 3072": lambda: rsa.generate_private_key(65537, 3072),
    "EC P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EC P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
}
PASSWORD = b"able-acid-also-apex"


def public_of(key: Key) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


def written(path: Path, key: Key) -> Path:
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_opens_it_with_the_private_half_alone(kind: str, tmp_path: Path) -> None:
    need("openssl")
    key = KINDS[kind]()
    with Secret.of(PASSWORD) as secret:
        sealed = recipient.encrypt(recipient.parse(public_of(key)), secret)
        assert recipient.encrypt(recipient.parse(public_of(key)), secret) != sealed
    (tmp_path / "sealed.cms").write_bytes(sealed)
    command = ("openssl", "cms", "-decrypt", "-inform", "PEM", "-in", tmp_path / "sealed.cms", "-inkey")
    assert run(*command, written(tmp_path / "own", key)).expect().out.encode() == PASSWORD
    other = run(*command, written(tmp_path / "other", KINDS[kind]()))
    assert other.status
    assert PASSWORD.decode() not in other.out


def test_a_byte_that_was_changed_is_noticed(tmp_path: Path) -> None:
    """The last byte of the content, and of its tag: AES-GCM gives nothing back."""
    need("openssl")
    key = KINDS["EC P-256"]()
    with Secret.of(PASSWORD) as secret:
        sealed = recipient.encrypt(recipient.parse(public_of(key)), secret)
    (tmp_path / "sealed.cms").write_bytes(sealed)
    der = tmp_path / "der"
    run("openssl", "asn1parse", "-in", tmp_path / "sealed.cms", "-noout", "-out", der).expect()
    command = ("openssl", "cms", "-decrypt", "-inform", "DER", "-in", der, "-inkey", written(tmp_path / "own", key))
    content = der.read_bytes()
    assert run(*command).expect().out.encode() == PASSWORD
    for place in (-1, -19):
        damaged = bytearray(content)
        damaged[place] ^= 1
        der.write_bytes(damaged)
        assert run(*command).status


def test_a_certificate_will_do_and_says_the_same_key(tmp_path: Path) -> None:
    need("openssl")
    key = written(tmp_path / "key", made := KINDS["EC P-384"]())
    certificate = tmp_path / "certificate"
    run("openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=Somebody", "-out", certificate).expect()
    found = recipient.parse(certificate.read_text())
    assert found.fingerprint == recipient.parse(public_of(made)).fingerprint
    digest = run("sh", "-c", f"openssl pkey -in {key} -pubout -outform DER | sha256sum").expect().out.split()[0]
    assert (found.fingerprint, found.kind) == (digest, "EC secp384r1")


def test_a_key_that_may_only_sign_is_refused_as_a_key_and_as_a_certificate(tmp_path: Path) -> None:
    key, public, certificate = tmp_path / "key.pem", tmp_path / "public.pem", tmp_path / "certificate.pem"
    run("openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:3072", "-out", key).expect()
    run("openssl", "pkey", "-in", key, "-pubout", "-out", public).expect()
    request = ["openssl", "req", "-x509", "-new", "-subj", "/CN=Somebody", "-out", certificate]
    run(*request, "-key", key).expect()
    for file in (public, certificate):
        with pytest.raises(CertificateError, match="may only sign"):
            recipient.parse(file.read_text())
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", key).expect()
    for usage, encrypts in (("digitalSignature", False), ("keyEncipherment", True)):
        run(*request, "-key", key, "-addext", f"keyUsage={usage}").expect()
        if encrypts:
            recipient.parse(certificate.read_text())
        else:
            with pytest.raises(CertificateError, match="may only sign"):
                recipient.parse(certificate.read_text())


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        public_of(rsa.generate_private_key(65537, 2048)),
        public_of(ec.generate_private_key(ec.SECP256K1())),
        public_of(ed25519.Ed25519PrivateKey.generate()),
    ],
    ids=["nothing", "damaged", "too short", "another curve", "a key that only signs"],
)
def test_a_key_that_nothing_is_encrypted_to_is_refused(pem: str) -> None:
    with pytest.raises(CertificateError):
        recipient.parse(pem)
