"""Private keys: every file that openssl, ssh-keygen and step write is read, and what is written they read."""

import base64
import functools
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from helpers import need, run

from escrow import keys, pbes2
from escrow.errors import KeyFileError, PasswordRequiredError
from escrow.keys import ALGORITHMS, Algorithm, PrivateKey
from escrow.memory import Secret, secret

PASSWORD = "correct horse"
EC = ("EC P-256", "EC P-384", "EC P-521")
RSA = ("RSA 2048", "RSA 3072")
EVERY = (*EC, *RSA, "Ed25519")

CURVES = {"EC P-256": "P-256", "EC P-384": "P-384", "EC P-521": "P-521"}
NEW_KEY = {
    **{name: ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"] for name, curve in CURVES.items()},
    **{name: ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{name[4:]}"] for name in RSA},
    "Ed25519": ["-algorithm", "ED25519"],
}

PASS = ["-passout", f"pass:{PASSWORD}"]
PKCS8 = ["openssl", "pkcs8", "-topk8", "-in", "{key}", "-out", "{out}", *PASS]
SSH = ["ssh-keygen", "-q", "-p", "-a", "1", "-P", "", "-f", "{out}"]

# What a key is turned into: by which command, for which algorithms, whether encrypted, and how the file begins.
FORMATS: dict[str, tuple[Sequence[str], Sequence[str], bool, str]] = {
    "PKCS#8": (["cp", "{key}", "{out}"], EVERY, False, "PRIVATE KEY"),
    "PKCS#8, AES-256": ([*PKCS8, "-v2", "aes-256-cbc", "-iter", "1000"], EVERY, True, "ENCRYPTED PRIVATE KEY"),
    "PKCS#8, AES-128 and SHA-1": (
        [*PKCS8, "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
        EVERY,
        True,
        "ENCRYPTED PRIVATE KEY",
    ),
    "PKCS#8, scrypt": ([*PKCS8, "-scrypt"], EVERY, True, "ENCRYPTED PRIVATE KEY"),
    "SEC1": (["openssl", "ec", "-in", "{key}", "-out", "{out}"], EC, False, "EC PRIVATE KEY"),
    "SEC1, AES-256": (
        ["openssl", "ec", "-aes256", "-in", "{key}", "-out", "{out}", *PASS],
        EC,
        True,
        "EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED",
    ),
    "SEC1, 3DES": (
        ["openssl", "ec", "-des3", "-in", "{key}", "-out", "{out}", *PASS],
        EC,
        True,
        "EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED",
    ),
    "PKCS#1": (["openssl", "rsa", "-traditional", "-in", "{key}", "-out", "{out}"], RSA, False, "RSA PRIVATE KEY"),
    "PKCS#1, AES-256": (
        ["openssl", "rsa", "-traditional", "-aes256", "-in", "{key}", "-out", "{out}", *PASS],
        RSA,
        True,
        "RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED",
    ),
    "OpenSSH": ([*SSH, "-N", ""], (*EC, *RSA), False, "OPENSSH PRIVATE KEY"),
    "OpenSSH, encrypted": ([*SSH, "-N", PASSWORD], (*EC, *RSA), True, "OPENSSH PRIVATE KEY"),
}
CASES = [(algorithm, name) for name, (_, algorithms, _, _) in FORMATS.items() for algorithm in algorithms]
ENCRYPTED = [case for case in CASES if FORMATS[case[1]][2]]
PLAIN = [case for case in CASES if not FORMATS[case[1]][2]]

KeyFiles = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    """Key files by algorithm and format, made by the real programs. One key for each algorithm, in all formats."""
    need("openssl", "ssh-keygen")
    directory = tmp_path_factory.mktemp("keys")

    @functools.cache
    def original(algorithm: str) -> Path:
        path = directory / algorithm
        run("openssl", "genpkey", "-quiet", *NEW_KEY[algorithm], "-out", path).expect()
        path.chmod(0o600)
        return path

    @functools.cache
    def key_file(algorithm: str, name: str) -> Path:
        command, _, _, label = FORMATS[name]
        out = directory / f"{algorithm} as {name.replace('/', '-')}"
        out.write_bytes(original(algorithm).read_bytes())  # ssh-keygen works in place
        out.chmod(0o600)
        run(*(part.format(key=original(algorithm), out=out) for part in command)).expect()
        assert out.read_text().startswith(f"-----BEGIN {label}")
        return out

    return key_file


def load(content: bytes, password: str | None = None, name: str = "The key") -> PrivateKey:
    with Secret.of(content) as file:
        if password is None:
            return keys.load(file, None, name)
        with Secret.of(password.encode()) as opener:
            return keys.load(file, opener, name)


def export(key: PrivateKey, password: str) -> bytes:
    with Secret.of(password.encode()) as new:
        return keys.export(key.pem, new)


def pem_of(key: PrivateKey) -> str:
    return bytes(key.pem.view).decode()


def public_by_openssl(path: Path, password: str = PASSWORD) -> bytes:
    shown = run("openssl", "pkey", "-in", path, "-passin", f"pass:{password}", "-pubout").expect().out
    return base64.b64decode("".join(shown.splitlines()[1:-1]))


@functools.cache
def generated(algorithm: Algorithm) -> PrivateKey:
    return keys.generate(algorithm)


# Reading.


@pytest.mark.parametrize(("algorithm", "name"), CASES)
def test_a_key_is_read_in_every_format_and_is_the_same_key(algorithm: str, name: str, key_files: KeyFiles) -> None:
    original = key_files(algorithm, "PKCS#8")
    key = load(key_files(algorithm, name).read_bytes(), PASSWORD if FORMATS[name][2] else None)
    assert key.algorithm == algorithm
    assert pem_of(key) == original.read_text()
    assert key.public == public_by_openssl(original)


@pytest.mark.parametrize(("algorithm", "name"), ENCRYPTED)
def test_an_encrypted_key_asks_for_its_password_by_name(algorithm: str, name: str, key_files: KeyFiles) -> None:
    with pytest.raises(PasswordRequiredError, match=r"^The root key is encrypted and needs its password\.$"):
        load(key_files(algorithm, name).read_bytes(), None, "The root key")


@pytest.mark.parametrize("wrong", ["hunter2", PASSWORD + " ", PASSWORD.upper(), "\n"])
@pytest.mark.parametrize(("algorithm", "name"), ENCRYPTED[:1] + ENCRYPTED[-5:] + ENCRYPTED[6:24:5])
def test_a_wrong_password_is_called_that(algorithm: str, name: str, wrong: str, key_files: KeyFiles) -> None:
    with pytest.raises(KeyFileError, match="The root key cannot be opened: the password is wrong, or") as refusal:
        load(key_files(algorithm, name).read_bytes(), wrong, "The root key")
    assert not isinstance(refusal.value, PasswordRequiredError)
    assert "hunter2" not in str(refusal.value)


def test_an_empty_password_opens_nothing_that_is_encrypted_and_does_no_harm_elsewhere(key_files: KeyFiles) -> None:
    for name in ("PKCS#8, AES-256", "SEC1, AES-256", "OpenSSH, encrypted"):
        with pytest.raises(KeyFileError):
            load(key_files("EC P-256", name).read_bytes(), "")
    assert load(key_files("EC P-256", "PKCS#8").read_bytes(), "").algorithm == "EC P-256"


@pytest.mark.parametrize(("algorithm", "name"), PLAIN)
def test_a_password_does_no_harm_where_none_is_needed(algorithm: str, name: str, key_files: KeyFiles) -> None:
    key = load(key_files(algorithm, name).read_bytes(), PASSWORD)
    assert pem_of(key) == key_files(algorithm, "PKCS#8").read_text()


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1", "secp521r1"])
def test_the_parameters_that_openssl_writes_before_an_ec_key_are_passed_over(curve: str, tmp_path: Path) -> None:
    need("openssl")
    path = tmp_path / "key"
    run("openssl", "ecparam", "-name", curve, "-genkey", "-out", path).expect()
    assert path.read_text().startswith("-----BEGIN EC PARAMETERS-----")
    key = load(path.read_bytes())
    assert key.public == public_by_openssl(path)
    assert key.algorithm == {"prime256v1": "EC P-256", "secp384r1": "EC P-384", "secp521r1": "EC P-521"}[curve]


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_an_ed25519_key_of_ssh_keygen_is_read(password: str | None, tmp_path: Path) -> None:
    need("ssh-keygen")
    path = tmp_path / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-C", "a comment", "-N", password or "", "-f", path).expect()
    key = load(path.read_bytes(), password)
    assert key.algorithm == "Ed25519"
    public = serialization.load_der_public_key(key.public)
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    assert path.with_suffix(".pub").read_text() == f"{line} a comment\n"
    if password is None:
        seed = base64.b64decode("".join(pem_of(key).splitlines()[1:-1]))[-32:]
        assert seed in base64.b64decode("".join(path.read_text().splitlines()[1:-1]))
    else:
        with pytest.raises(PasswordRequiredError):
            load(path.read_bytes())
        with pytest.raises(KeyFileError, match="the password is wrong"):
            load(path.read_bytes(), "wrong")


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize(
    ("options", "algorithm"),
    [
        (["--kty", "EC", "--crv", "P-256"], "EC P-256"),
        (["--kty", "EC", "--crv", "P-384"], "EC P-384"),
        (["--kty", "EC", "--crv", "P-521"], "EC P-521"),
        (["--kty", "RSA", "--size", "2048"], "RSA 2048"),
        (["--kty", "OKP", "--crv", "Ed25519"], "Ed25519"),
    ],
    ids=lambda part: part if isinstance(part, str) else None,
)
def test_keys_that_step_writes_are_read(
    options: Sequence[str], algorithm: str, password: str | None, tmp_path: Path
) -> None:
    need("step", "openssl")
    (tmp_path / "password").write_text(PASSWORD)
    protect = ["--password-file", tmp_path / "password"] if password else ["--no-password", "--insecure"]
    run("step", "crypto", "keypair", tmp_path / "key.pub", tmp_path / "key", *options, *protect).expect()
    key = load((tmp_path / "key").read_bytes(), password)
    assert key.algorithm == algorithm
    assert key.public == base64.b64decode("".join((tmp_path / "key.pub").read_text().splitlines()[1:-1]))
    if password:
        with pytest.raises(PasswordRequiredError):
            load((tmp_path / "key").read_bytes())


@pytest.mark.parametrize(
    "surround",
    [
        lambda pem: b"Here is the key:\n\n" + pem + b"\nRegards\n",
        lambda pem: pem.replace(b"\n", b"\r\n"),
        lambda pem: b"\xef\xbb\xbf" + pem,
        lambda pem: b"\xff\xfe\x00" + pem,
        lambda pem: pem.rstrip(b"\n"),
        lambda pem: b"\n\n" + pem + b"\n\n",
        lambda pem: b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" + pem,
        lambda pem: pem + b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
    ],
    ids=range(8),
)
def test_what_stands_around_a_key_does_not_matter(surround: Callable[[bytes], bytes]) -> None:
    original = generated("EC P-256")
    assert pem_of(load(surround(bytes(original.pem.view)))) == pem_of(original)


@pytest.mark.parametrize("name", [name for _, name in CASES if _ == "EC P-256"])
def test_two_keys_in_one_file_are_refused_whatever_their_format(name: str, key_files: KeyFiles) -> None:
    content = key_files("EC P-256", name).read_bytes()
    other = key_files("RSA 2048", "PKCS#1").read_bytes()
    for both in (content + content, content + other, other + b"\n" + content):
        for password in (None, PASSWORD):
            with pytest.raises(KeyFileError, match=r"^The key holds 2 private keys in PEM form where one is expected"):
                load(both, password)


PEM = b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"junk",
        bytes(1000),
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nMAA=\n",
        b"-----END PRIVATE KEY-----\n-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
        b"-----begin private key-----\nMAA=\n-----end private key-----\n",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== someone",
    ],
    ids=range(12),
)
def test_a_file_without_a_key_is_called_that(content: bytes) -> None:
    for password in (None, PASSWORD):
        with pytest.raises(KeyFileError, match=r"^The key holds no private keys in PEM form where one is expected"):
            load(content, password)


@pytest.mark.parametrize(
    "content",
    [
        PEM % b"",
        PEM % b"MAA=",
        PEM % b"!!!!",
        PEM % b"A",
        PEM % base64.b64encode(bytes(100)),
        PEM.replace(b"PRIVATE", b"ENCRYPTED PRIVATE") % b"MAA=",
        PEM.replace(b"PRIVATE", b"EC PRIVATE") % b"MAA=",
        PEM.replace(b"PRIVATE", b"RSA PRIVATE") % b"MAA=",
        PEM.replace(b"PRIVATE", b"OPENSSH PRIVATE") % b"MAA=",
        PEM.replace(b"PRIVATE", b"ANY OTHER PRIVATE") % b"MAA=",
    ],
    ids=range(10),
)
def test_a_damaged_key_is_refused(content: bytes) -> None:
    for password in (None, PASSWORD):
        with pytest.raises(KeyFileError, match=r"^The key (cannot be|is encrypted)"):
            load(content, password)


@pytest.mark.parametrize("algorithm", ["EC P-256", "Ed25519", "RSA 2048"])
def test_no_message_about_a_damaged_key_quotes_it(algorithm: Algorithm) -> None:
    pem = pem_of(generated(algorithm))
    first, *body, last = pem.splitlines()
    for length in range(0, len("".join(body)), 40):
        cut = "".join(body)[:length]
        with pytest.raises(KeyFileError) as refusal:
            load(f"{first}\n{cut}\n{last}\n".encode())
        assert not re.search("[A-Za-z0-9+/]{24,}", str(refusal.value))


UNSUPPORTED = {
    "P-224": ["EC", "-pkeyopt", "ec_paramgen_curve:P-224"],
    "secp256k1": ["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "brainpool": ["EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"],
    "explicit parameters": ["EC", "-pkeyopt", "ec_paramgen_curve:P-224", "-pkeyopt", "ec_param_enc:explicit"],
    "RSA 1024": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "RSA 2047": ["RSA", "-pkeyopt", "rsa_keygen_bits:2047"],
    "Ed448": ["ED448"],
    "X25519": ["X25519"],
    "X448": ["X448"],
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_keys_that_a_ca_should_not_use_are_refused(name: str, tmp_path: Path) -> None:
    need("openssl")
    path = tmp_path / "key"
    run("openssl", "genpkey", "-quiet", "-algorithm", *UNSUPPORTED[name], "-out", path).expect()
    for password in (None, PASSWORD):
        with pytest.raises(KeyFileError, match=r"not supported|that a CA should not use|cannot be opened"):
            load(path.read_bytes(), password)


def test_a_dsa_key_is_refused(tmp_path: Path) -> None:
    need("openssl")
    run("openssl", "dsaparam", "-out", tmp_path / "parameters", "1024").expect()
    run("openssl", "genpkey", "-paramfile", tmp_path / "parameters", "-out", tmp_path / "key").expect()
    with pytest.raises(KeyFileError, match="that a CA should not use"):
        load((tmp_path / "key").read_bytes())


def test_what_is_supported_is_said_where_something_else_is_refused(tmp_path: Path) -> None:
    need("openssl")
    run("openssl", "genpkey", "-quiet", "-algorithm", *UNSUPPORTED["P-224"], "-out", tmp_path / "key").expect()
    with pytest.raises(KeyFileError) as refusal:
        load((tmp_path / "key").read_bytes())
    assert "EC P-256, P-384, P-521, Ed25519, RSA 2048 to 8192 bits" in str(refusal.value)


def test_a_failed_attempt_leaves_no_secret_open() -> None:
    before = set(secret._living)
    with pytest.raises(KeyFileError) as damaged:
        load(PEM % b"MAA=")
    with pytest.raises(KeyFileError) as none:
        load(b"junk", PASSWORD)
    assert set(secret._living) == before
    # The tracebacks hold on to everything that was at hand: it was closed, not merely forgotten.
    assert (damaged.type, none.type) == (KeyFileError, KeyFileError)


# Making and showing.


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_generated_key_is_what_was_asked_for(algorithm: Algorithm) -> None:
    need("openssl")
    key = generated(algorithm)
    assert key.algorithm == algorithm
    public = serialization.load_der_public_key(key.public)
    if algorithm in CURVES:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        assert (
            public.curve.name == {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}[CURVES[algorithm]]
        )
    elif algorithm == "Ed25519":
        assert isinstance(public, ed25519.Ed25519PublicKey)
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        assert f"RSA {public.key_size}" == algorithm
        assert public.public_numbers().e == 65537
    run("openssl", "pkey", "-check", "-noout", stdin=pem_of(key)).expect()
    assert load(bytes(key.pem.view)).public == key.public
    keys.prove(key.pem, key.public, "generated")


@pytest.mark.parametrize("algorithm", ["EC P-256", "EC P-384", "EC P-521", "Ed25519", "RSA 2048"])
def test_no_key_is_generated_twice(algorithm: Algorithm) -> None:
    assert len({keys.generate(algorithm).public for _ in range(3)}) == 3


def test_showing_a_key_does_not_show_it() -> None:
    key = generated("EC P-256")
    assert "pem" not in repr(key)
    assert pem_of(key).splitlines()[1] not in f"{key!r} {key} {key.pem!r} {key.pem}"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_public_half_is_that_of_openssl(algorithm: Algorithm) -> None:
    need("openssl")
    key = generated(algorithm)
    shown = run("openssl", "pkey", "-pubout", stdin=pem_of(key)).expect().out
    expected = base64.b64decode("".join(shown.splitlines()[1:-1]))
    assert keys.public_half(key.pem, "the key") == expected
    assert keys.public_of(keys.parse(bytes(key.pem.view))) == expected
    again = keys.parse_public(expected)
    assert again.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo) == expected


@pytest.mark.parametrize("content", [b"junk", PEM % b"MAA=", PEM.replace(b"PRIVATE", b"EC PRIVATE") % b"MAA="])
def test_what_is_no_pkcs_8_key_has_no_public_half(content: bytes) -> None:
    with Secret.of(content) as wrong, pytest.raises(KeyFileError, match="root in the package is not a readable PKCS#8"):
        keys.public_half(wrong, "root")


def test_an_encrypted_key_has_no_public_half(key_files: KeyFiles) -> None:
    content = key_files("EC P-256", "PKCS#8, AES-256").read_bytes()
    with Secret.of(content) as encrypted, pytest.raises(KeyFileError, match="not a readable PKCS#8"):
        keys.public_half(encrypted, "root")


def test_public_keys_of_other_kinds_are_refused() -> None:
    public = x25519.X25519PrivateKey.generate().public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyFileError, match="which a CA should not use"):
        keys.parse_public(der)


# Proving.


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_is_proved_against_its_own_public_half_and_refused_against_any_other(algorithm: Algorithm) -> None:
    key = generated(algorithm)
    keys.prove(key.pem, key.public, "root")
    kinds: tuple[Algorithm, ...] = ("EC P-256", "Ed25519", "RSA 2048")
    others = [generated(other).public for other in kinds if other != algorithm]
    if not algorithm.startswith("RSA"):  # which takes long
        others.append(keys.generate(algorithm).public)
    for other in (*others, key.public[:-1]):
        with pytest.raises(KeyFileError, match=r"^The private key root does not belong to its certificate or public"):
            keys.prove(key.pem, other, "root")


@pytest.mark.parametrize("algorithm", ["EC P-256", "EC P-384", "EC P-521", "RSA 2048"])
def test_a_signature_is_made_and_verified(algorithm: Algorithm, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one digest for signing and another for verifying, a key that signs nothing would still pass."""
    digests = itertools.cycle([hashes.SHA256(), hashes.SHA384()])

    class Drifting:
        SHA256 = staticmethod(lambda: next(digests))

    key = generated(algorithm)
    monkeypatch.setattr(keys, "hashes", Drifting)
    with pytest.raises(KeyFileError, match="A signature made with the private key root does not verify"):
        keys.prove(key.pem, key.public, "root")


# Writing.


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_exported_key_is_read_by_openssl_and_is_the_same_key(algorithm: Algorithm, tmp_path: Path) -> None:
    need("openssl")
    key = generated(algorithm)
    (tmp_path / "key").write_bytes(export(key, PASSWORD))
    read = run("openssl", "pkey", "-in", tmp_path / "key", "-passin", f"pass:{PASSWORD}").expect()
    assert read.out == pem_of(key)
    assert run("openssl", "pkey", "-in", tmp_path / "key", "-passin", "pass:wrong").status != 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_exported_key_is_read_by_cryptography_and_here(algorithm: Algorithm) -> None:
    key = generated(algorithm)
    exported = export(key, PASSWORD)
    read = serialization.load_pem_private_key(exported, PASSWORD.encode())
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    assert read.private_bytes(*form).decode() == pem_of(key)
    again = load(exported, PASSWORD)
    assert (again.public, again.algorithm, pem_of(again)) == (key.public, key.algorithm, pem_of(key))
    with pytest.raises(PasswordRequiredError):
        load(exported)
    with pytest.raises(KeyFileError, match="the password is wrong"):
        load(exported, "wrong")


@pytest.mark.parametrize("algorithm", ["EC P-256", "Ed25519", "RSA 2048"])
def test_an_exported_key_is_read_by_step(algorithm: Algorithm, tmp_path: Path) -> None:
    need("step")
    key = generated(algorithm)
    (tmp_path / "key").write_bytes(export(key, PASSWORD))
    (tmp_path / "password").write_text(PASSWORD)
    shown = run("step", "crypto", "key", "public", tmp_path / "key", "--password-file", tmp_path / "password").expect()
    assert base64.b64decode("".join(shown.out.splitlines()[1:-1])) == key.public


def test_an_exported_key_is_pem_with_short_lines_and_names_its_parameters(tmp_path: Path) -> None:
    need("openssl")
    text = export(generated("RSA 2048"), PASSWORD).decode()
    first, *body, last = text.splitlines()
    assert (first, last) == ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----")
    assert text.endswith("-----\n")
    assert {len(line) for line in body[:-1]} == {64}
    assert 0 < len(body[-1]) <= 64
    (tmp_path / "key").write_text(text)
    structure = run("openssl", "asn1parse", "-in", tmp_path / "key").expect().out
    values = re.findall(r"prim: +(\w.*?) *(?::(.*))?$", structure, re.MULTILINE)
    assert [(kind, value) for kind, value in values if not kind.startswith("OCTET STRING")] == [
        ("OBJECT", "PBES2"),
        ("OBJECT", "PBKDF2"),
        ("INTEGER", "0927C0"),  # 600,000
        ("OBJECT", "hmacWithSHA256"),
        ("NULL", ""),  # without which step-ca does not read it
        ("OBJECT", "aes-256-cbc"),
    ]
    assert pbes2.ITERATIONS == 600_000


def salt_and_vector(der: bytes) -> tuple[bytes, bytes]:
    """The salt follows the identifier of PBKDF2, the initialisation vector that of AES-256-CBC."""
    pbkdf2, aes = bytes.fromhex("06092a864886f70d01050c"), bytes.fromhex("060960864801650304012a")
    salt = re.search(re.escape(pbkdf2) + b"..\x04\x10(.{16})", der, re.DOTALL)
    vector = re.search(re.escape(aes) + b"\x04\x10(.{16})", der, re.DOTALL)
    assert salt
    assert vector
    return salt[1], vector[1]


def test_salt_and_initialisation_vector_are_fresh_each_time() -> None:
    key = generated("Ed25519")
    exported = [base64.b64decode(b"".join(export(key, PASSWORD).splitlines()[1:-1])) for _ in range(3)]
    drawn = {part for der in exported for part in salt_and_vector(der)}
    assert len(drawn) == 6


@pytest.mark.parametrize(
    "password",
    ["x", "pässwörd", "🔑", "with space", " ", "\t", "x" * 64, "x" * 65, "x" * 1000, "tab\tand $(echo) 'quotes\""],
    ids=range(10),
)
def test_any_password_opens_what_was_exported_with_it(password: str, tmp_path: Path) -> None:
    need("openssl")
    key = generated("Ed25519")
    (tmp_path / "key").write_bytes(export(key, password))
    (tmp_path / "password").write_text(password)
    read = run("openssl", "pkey", "-in", tmp_path / "key", "-passin", f"file:{tmp_path / 'password'}").expect()
    assert read.out == pem_of(key)
    assert pem_of(load((tmp_path / "key").read_bytes(), password)) == pem_of(key)


def test_an_empty_password_is_refused() -> None:
    with Secret(16) as empty, pytest.raises(KeyFileError, match="The new password is empty"):
        keys.export(generated("Ed25519").pem, empty)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 31, 32, 33, 100])
def test_plaintexts_of_every_length_are_padded_so_that_pbes2_gives_them_back(length: int, tmp_path: Path) -> None:
    """Decrypted by openssl, step by step: its own tools read keys only."""
    need("openssl")
    plaintext = bytes(range(length))
    der = pbes2.encrypt(plaintext, PASSWORD.encode())
    salt, vector = salt_and_vector(der)
    options = ["-keylen", "32", "-kdfopt", "digest:SHA256", "-kdfopt", f"pass:{PASSWORD}"]
    options += ["-kdfopt", f"hexsalt:{salt.hex()}", "-kdfopt", f"iter:{pbes2.ITERATIONS}"]
    key = run("openssl", "kdf", *options, "PBKDF2").expect().out.replace(":", "").strip()
    sealed = length // 16 * 16 + 16
    (tmp_path / "sealed").write_bytes(der[-sealed:])
    decrypt = ["openssl", "enc", "-d", "-aes-256-cbc", "-K", key, "-iv", vector.hex()]
    run(*decrypt, "-in", tmp_path / "sealed", "-out", tmp_path / "plain").expect()
    assert (tmp_path / "plain").read_bytes() == plaintext
