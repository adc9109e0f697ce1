"""The tree of an online CA: the real step-ca serves from it, whatever its keys; and nothing else is in it."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from authorities import quiet, rich
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from helpers import need, run
from online import lay_out, members, online

from escrow import jwe
from escrow.configuration import INTERMEDIATE_KEY, ROOT_CERTIFICATE, ROOT_KEY
from escrow.errors import CertificateError, KeyFileError, TreeError
from escrow.keys import Algorithm
from escrow.memory import Secret
from escrow.online import provisioner, ssh_templates
from escrow.online.settings import Settings
from escrow.online.tree import KEYS, PROVISIONER, OnlineTree, make, needed

HERE = Settings(("ca.example.com",))
PLAIN = {
    "certs/root_ca.crt",
    "certs/intermediate_ca.crt",
    "secrets/intermediate_ca_key",
    "config/ca.json",
    "config/defaults.json",
}
SSH = {
    *(
        f"{folder}/ssh_{whose}_ca_key{end}"
        for whose in ("host", "user")
        for folder, end in (("certs", ".pub"), ("secrets", ""))
    ),
    *(f"templates/ssh/{name}.tpl" for name in ("config", "step_config", "known_hosts", "sshd_config", "ca")),
}


# The real programs


def test_step_sets_up_users_and_hosts_by_the_templates_and_a_host_renews_itself(shm: Path) -> None:
    need("ssh-keygen", "ssh")
    with online(members("EC P-256"), shm) as ca:
        keys = {whose: (ca.place / f"certs/ssh_{whose}_ca_key.pub").read_text().strip() for whose in ("user", "host")}
        assert keys["user"] in ca.step("ssh config", "--roots")
        assert keys["host"] in ca.step("ssh config", "--host", "--roots")
        ca.step("ssh config", "--set", "User=someone", "--set", "Provisioner=admin")
        home = shm / "client"
        assert (home / "ssh/known_hosts").read_text() == f"@cert-authority * {keys['host']}\n"
        own = run("ssh", "-G", "-F", home / ".ssh/config", "nowhere.example").expect().out
        assert "proxycommand" not in own  # a host that the CA does not know is reached as before
        written = (home / "ssh/config").read_text()
        assert "\n\tUser someone\n" in written
        assert (
            f'UserKnownHostsFile "{home}/ssh/known_hosts"\n\tProxyCommand step ssh proxycommand --provisioner admin %r'
            in written
        )
        host = ca.step("ssh config", "--host", "--set", "Certificate=c.pub", "--set", "Key=c", "--dry-run")
        for line in (
            "TrustedUserCAKeys /etc/ssh/ca.pub",
            "HostCertificate /etc/ssh/c.pub",
            "HostKey /etc/ssh/c",
            keys["user"],
        ):
            assert line in host
        plain = ("--no-password", "--insecure", "--no-agent", "--host")
        ca.step("ssh certificate", *plain, *ca.by_password, "host.test", shm / "h")
        before = (shm / "h-cert.pub").read_bytes()
        ca.step("ssh renew", "--force", shm / "h-cert.pub", shm / "h")
        assert (shm / "h-cert.pub").read_bytes() != before


def test_without_ssh_step_ca_serves_too_and_signs_for_no_ssh(shm: Path) -> None:
    with online(members("EC P-256", ssh=False), shm) as ca:
        ca.step("ca certificate", *ca.by_password, "leaf.test", shm / "leaf.crt", shm / "leaf.key")
        with pytest.raises(AssertionError, match="exit status 1"):
            ca.step("ssh certificate", "--no-agent", *ca.by_password, "someone", shm / "ssh")


def test_the_two_passwords_do_not_open_what_the_other_opens(tmp_path: Path) -> None:
    need("step")
    tree = make(HERE, members("EC P-256"), quiet)
    encrypted = settings_of(tree)["authority"]["provisioners"][0]["encryptedKey"]
    assert jwe.opens(encrypted, tree.passwords[PROVISIONER])
    assert not jwe.opens(encrypted, tree.passwords[KEYS])
    for name in ("intermediate_ca_key", "ssh_host_ca_key", "ssh_user_ca_key"):
        key = tree.files[f"secrets/{name}"]
        serialization.load_pem_private_key(key, bytes(tree.passwords[KEYS].view))
        with pytest.raises(ValueError, match=r"(?i)password|decrypt"):
            serialization.load_pem_private_key(key, bytes(tree.passwords[PROVISIONER].view))
    (tmp_path / "jwe").write_text(encrypted)
    (tmp_path / "p").write_bytes(bytes(tree.passwords[PROVISIONER].view))
    opened = (
        run("step", "crypto", "jwe", "decrypt", "--password-file", tmp_path / "p", stdin=as_json(encrypted))
        .expect()
        .out
    )
    private = json.loads(opened)
    public = settings_of(tree)["authority"]["provisioners"][0]["key"]
    assert private.pop("d")
    assert private == public


def as_json(compact: str) -> str:
    """A JWE as step's command wants it (RFC 7516, 7.2.1)."""
    names = ("protected", "encrypted_key", "iv", "ciphertext", "tag")
    return json.dumps(dict(zip(names, compact.split("."), strict=True)))


# What is in it


@pytest.fixture(scope="module")
def tree() -> OnlineTree:
    return make(HERE, members("EC P-256"), quiet)


def settings_of(tree: OnlineTree) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(tree.files["config/ca.json"])
    return settings


def test_what_step_ca_needs_is_there_and_nothing_more(tree: OnlineTree, tmp_path: Path) -> None:
    assert set(tree.files) == PLAIN | SSH
    assert set(make(HERE, members("EC P-256", ssh=False), quiet).files) == PLAIN
    lay_out(tree, tmp_path / "tree")
    for path in [tmp_path / "tree", *(tmp_path / "tree").rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    named = re.findall(
        r'"(/etc/step-ca/[^"]+)"',
        b" ".join((tree.files["config/ca.json"], tree.files["config/defaults.json"])).decode(),
    )
    public = {name for name in SSH if name.endswith(".pub")}  # for people
    assert {name.removeprefix("/etc/step-ca/") for name in named} - {"db"} == (PLAIN | SSH) - public - {
        "config/defaults.json"
    }


@pytest.mark.parametrize("algorithm", ["EC P-256", "Ed25519", "RSA 3072"])
def test_no_private_key_is_in_it_in_the_clear_and_the_roots_not_at_all(algorithm: Algorithm) -> None:
    files = members(algorithm)
    tree = make(HERE, files, quiet)
    everything = b"".join(tree.files.values())
    decoded = b"".join(
        base64.b64decode(line)
        for line in everything.splitlines()
        if re.fullmatch(rb"[A-Za-z0-9+/]{4,}={0,2}", line) and not len(line) % 4
    )
    for secret in (content for name, content in files.items() if name.startswith("secrets/")):
        for number in private_numbers(bytes(secret.view)):
            assert number not in everything + decoded
    root = serialization.load_pem_private_key(bytes(files[ROOT_KEY].view), None).public_key()
    for name, content in tree.files.items():
        if name.startswith("secrets/"):
            opened = serialization.load_pem_private_key(content, bytes(tree.passwords[KEYS].view))
            assert opened.public_key() != root
    tree.close()


def private_numbers(pem: bytes) -> list[bytes]:
    key = serialization.load_pem_private_key(pem, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return [key.private_numbers().private_value.to_bytes(32, "big")]
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.d, numbers.p, numbers.q)]
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return [key.private_bytes_raw()]


def test_of_several_intermediates_the_first_is_taken() -> None:
    authority = rich().authority
    files = {**authority.files, **{entry.file: entry.key.pem for entry in authority.keys}}
    tree = make(HERE, files, quiet)
    assert set(tree.files) == PLAIN | SSH
    assert tree.files["certs/intermediate_ca.crt"] == bytes(files["certs/intermediate_ca.crt"].view)


def test_the_root_key_is_not_even_asked_for(tree: OnlineTree) -> None:
    wanted = {name: content for name, content in members("EC P-256").items() if name in needed()}
    assert ROOT_KEY not in wanted
    assert set(make(HERE, wanted, quiet).files) == set(tree.files)


def test_configuration_says_what_was_asked_for(tree: OnlineTree) -> None:
    wanted = Settings(("ca.example.com", "10.0.0.5"), "10.0.0.5:8443", "/srv/ca", "web@example.com", acme=False)
    settings = settings_of(make(wanted, members("EC P-256", ssh=False), quiet))
    assert (settings["dnsNames"], settings["address"]) == (["ca.example.com", "10.0.0.5"], "10.0.0.5:8443")
    assert settings["db"] == {"type": "badgerv2", "dataSource": "/srv/ca/db"}
    (only,) = settings["authority"]["provisioners"]
    assert (only["type"], only["name"]) == ("JWK", "web@example.com")
    assert "claims" not in only
    assert [(each["type"], each.get("claims")) for each in settings_of(tree)["authority"]["provisioners"]] == [
        ("JWK", {"enableSSHCA": True}),
        ("ACME", None),
        ("SSHPOP", {"enableSSHCA": True}),
    ]
    defaults = json.loads(tree.files["config/defaults.json"])
    root = x509.load_pem_x509_certificate(tree.files[ROOT_CERTIFICATE])
    assert defaults["fingerprint"] == tree.root == root.fingerprint(hashes.SHA256()).hex()
    assert defaults["ca-url"] == "https://ca.example.com"


def test_the_url_is_of_the_first_name() -> None:
    assert Settings(("ca.test", "b"), ":8443").url == "https://ca.test:8443"
    assert Settings(("fd00::5",), "[fd00::5]:443").url == "https://[fd00::5]"


@pytest.mark.parametrize(
    "wrong",
    [
        {"dns": ()},
        {"dns": ("",)},
        {"dns": ("a b",)},
        {"dns": ("a", 'b"')},
        {"address": "443"},
        {"address": ":0"},
        {"address": ":65536"},
        {"address": "a b:1"},
        {"place": "etc"},
        {"place": "/"},
        {"place": "/etc/../x"},
        {"place": "/etc/a b"},
        {"provisioner": ""},
        {"provisioner": "a b"},
        {"provisioner": "x" * 61},
    ],
)
def test_settings_that_step_ca_could_not_use_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TreeError):
        Settings(**{"dns": ("ca.test",), **wrong})


def test_keys_that_do_not_belong_together_are_refused() -> None:
    files = members("EC P-256")
    other = members("EC P-384")
    for absent in (INTERMEDIATE_KEY, "certs/root_ca.crt", "secrets/ssh_user_ca_key"):
        with pytest.raises(TreeError, match="missing"):
            make(HERE, {name: content for name, content in files.items() if name != absent}, quiet)
    with pytest.raises(KeyFileError, match="does not belong"):
        make(HERE, {**files, INTERMEDIATE_KEY: other[INTERMEDIATE_KEY]}, quiet)
    with pytest.raises(CertificateError, match="not issued by"):
        make(HERE, {**files, ROOT_CERTIFICATE: other[ROOT_CERTIFICATE]}, quiet)


# The provisioner's key


def test_the_encrypted_key_is_laid_out_as_step_does_it() -> None:
    with Secret.of(b"correct horse") as password:
        made = provisioner.new_key(password)
    header, wrapped, nonce, content, tag = made["encryptedKey"].split(".")
    fields = json.loads(decoded(header))
    assert len(decoded(fields.pop("p2s"))) == 16
    assert fields == {"alg": "PBES2-HS256+A128KW", "cty": "jwk+json", "enc": "A256GCM", "p2c": 600_000}
    salt = b"PBES2-HS256+A128KW\0" + decoded(json.loads(decoded(header))["p2s"])
    derived = PBKDF2HMAC(hashes.SHA256(), 16, salt, 600_000).derive(b"correct horse")
    content_key = aes_key_unwrap(derived, decoded(wrapped))
    private = json.loads(AESGCM(content_key).decrypt(decoded(nonce), decoded(content) + decoded(tag), header.encode()))
    x, y = (int.from_bytes(decoded(private[name])) for name in "xy")
    point = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1())
    numbers = ec.EllipticCurvePrivateNumbers(int.from_bytes(decoded(private.pop("d"))), point)
    text = b"what is signed"
    signature = numbers.private_key().sign(text, ec.ECDSA(hashes.SHA256()))
    point.public_key().verify(signature, text, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        point.public_key().verify(signature, text[1:], ec.ECDSA(hashes.SHA256()))
    assert private == made["key"]
    assert {name: private[name] for name in ("use", "kty", "crv", "alg")} == {
        "use": "sig",
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
    }


def test_a_key_is_called_by_its_thumbprint() -> None:
    """The key and name are what step 0.30.6 wrote into a ca.json."""
    x, y = "pletN1uwVk0cyWWSgguhqdQ-tqWh9CxyCqhvcmdkl2U", "roNh4nW9BSyA0aS4A5yFnff3omFhZOhU9YWA7mXuj0A"
    assert provisioner.thumbprint(x, y) == "DFDU7NB8c5KKhtlo7K49NU8Z71nwCDgCl0FwaRYsjCs"


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_every_template_is_our_own_text_and_named_in_the_configuration() -> None:
    listed = ssh_templates.block("/x")["ssh"]
    names = [entry["template"] for kind in ("user", "host") for entry in listed[kind]]
    assert sorted(names) == sorted(f"/x/{name}" for name in ssh_templates.files())
    assert len({hashlib.sha256(content).digest() for content in ssh_templates.files().values()}) == len(names)
