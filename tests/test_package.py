"""The package, from the inside out: the archive, the CMS around it, the text around that; damage and tricks refused."""

import base64
import hashlib
import io
import itertools
import random
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from helpers import need, run
from hypothesis import given, settings
from hypothesis import strategies as st

from escrow import cms, package, payload
from escrow.errors import EscrowError, ManifestError, PackageError
from escrow.manifest import KeyEntry, Manifest
from escrow.memory import Secret
from escrow.package import Package
from escrow.policy import Group, Policy
from escrow.share import Kind

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True)

WRAPPING_KEY = bytes(range(32))
KEY_ID = bytes(range(0xF0, 0x100))
MEMBERS = {
    "secrets/root_ca_key": b"-----BEGIN PRIVATE KEY-----\nnot really\n-----END PRIVATE KEY-----\n",
    "certs/root_ca.crt": bytes(range(256)),
    "config/empty": b"",
}
MANIFEST = Manifest(
    kind=Kind.PRODUCTION,
    ca="Small CA",
    created="2026-11-22T09:30:00Z",
    epoch=1,
    supersedes=(),
    policy=Policy.plain(2, 2),
    commitments=(("00" * 32, "11" * 32),),
    key_check="22" * 32,
    certificates=(),
    keys=(KeyEntry("root", "secrets/root_ca_key", "EC P-256", "33" * 32, None),),
    files=("certs/root_ca.crt", "config/empty"),
)
GROUPED = replace(
    MANIFEST, policy=Policy(2, (Group(1, 1), Group(2, 2))), commitments=(("00" * 32,), ("11" * 32, "22" * 32))
)
SPECIMEN = replace(MANIFEST, kind=Kind.SPECIMEN)
SEALED = Package(MANIFEST, cms.encrypt(WRAPPING_KEY, MANIFEST.set_id, b"small"))

printable = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
names = st.lists(st.text(printable, min_size=1, max_size=8), min_size=1, max_size=3).map("/".join)
names = names.filter(lambda name: not name.endswith("/"))
member_lists = st.dictionaries(names, st.binary(max_size=100), max_size=6)


@pytest.fixture
def wrapping_key() -> Iterator[Secret]:
    with Secret.of(WRAPPING_KEY) as secret:
        yield secret


@pytest.fixture
def sealed(wrapping_key: Secret) -> Package:
    """A package as sealing makes it."""
    with ExitStack() as undo:
        members = {name: undo.enter_context(Secret.of(content)) for name, content in MEMBERS.items()}
        return package.seal(MANIFEST, wrapping_key, members)


def opened(sealed: Package, wrapping_key: Secret) -> dict[str, bytes]:
    members = package.open_package(sealed, wrapping_key)
    try:
        return {name: bytes(member.view) for name, member in members.items()}
    finally:
        for member in members.values():
            member.close()


def flipped(data: bytes, byte: int, bit: int = 0) -> bytes:
    return data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]


def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Data with something in it overwritten, left out or put in."""
    start = draw(st.integers(0, len(data)))
    length = draw(st.integers(0, 8))
    return data[:start] + draw(st.binary(max_size=8)) + data[start + length :]


# The archive.


@PROPERTY
@given(member_lists)
def test_unpacking_gives_back_the_members_that_were_packed_in_their_order(members: dict[str, bytes]) -> None:
    data = payload.pack(members)
    assert list(payload.unpack(data).items()) == list(members.items())
    assert payload.pack(payload.unpack(data)) == data


def test_the_same_members_always_make_the_same_bytes() -> None:
    views = {name: memoryview(content) for name, content in MEMBERS.items()}
    assert payload.pack(MEMBERS) == payload.pack(views) == payload.pack(dict(MEMBERS))
    assert payload.pack(MEMBERS) != payload.pack(dict(reversed(MEMBERS.items())))


def test_the_archive_is_stored_so_that_any_unzip_opens_it(tmp_path: Path) -> None:
    need("unzip")
    (tmp_path / "keys.zip").write_bytes(payload.pack(MEMBERS))
    run("unzip", "-q", "keys.zip", "-d", "out", cwd=tmp_path).expect()
    for name, content in MEMBERS.items():
        assert (tmp_path / "out" / name).read_bytes() == content
        assert (tmp_path / "out" / name).stat().st_mode & 0o777 == 0o600
    assert all(content in payload.pack(MEMBERS) for content in MEMBERS.values())


def member(name: str, method: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o100600 << 16
    entry.create_system = 3
    entry.compress_type = method
    return entry


def with_archive(change: Callable[[zipfile.ZipFile], None], mode: str = "plain") -> bytes:
    """An archive as `pack` makes it, with one thing done differently."""
    buffer = io.BytesIO()
    if mode == "prefix":
        buffer.write(b"#!/bin/sh\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that come twice
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr(member("a"), b"content of a")
            change(archive)
    return buffer.getvalue()


def set_comment(archive: zipfile.ZipFile) -> None:
    archive.comment = b"hello"


def add(entry: zipfile.ZipInfo, **fields: object) -> Callable[[zipfile.ZipFile], None]:
    for name, value in fields.items():
        setattr(entry, name, value)
    return lambda archive: archive.writestr(entry, b"content of b")


def nothing(_: zipfile.ZipFile) -> None:
    pass


GOOD = payload.pack({"a": b"content of a", "b": b"content of b"})
DIRECTORY = GOOD.index(b"PK\x01\x02")

TRICKS: dict[str, bytes] = {
    "a deflated member": with_archive(add(member("b", zipfile.ZIP_DEFLATED))),
    "a bzip2 member": with_archive(add(member("b", zipfile.ZIP_BZIP2))),
    "an LZMA member": with_archive(add(member("b", zipfile.ZIP_LZMA))),
    "the same name twice, with other content": with_archive(add(member("a"))),
    "the same name twice, with the same content": with_archive(
        lambda archive: archive.writestr(member("a"), b"content of a")
    ),
    "a directory": with_archive(lambda archive: archive.mkdir("b")),
    "an executable": with_archive(add(member("b"), external_attr=0o100700 << 16)),
    "a symbolic link": with_archive(add(member("b"), external_attr=0o120777 << 16)),
    "another time": with_archive(add(member("b"), date_time=(2026, 11, 22, 9, 30, 0))),
    "another system": with_archive(add(member("b"), create_system=0)),
    "an extra field": with_archive(add(member("b"), extra=b"\x55\x54\x05\x00\x01\x00\x00\x00\x00")),
    "a comment on a member": with_archive(add(member("b"), comment=b"hello")),
    "a comment on the archive": with_archive(set_comment),
    "something in front": with_archive(nothing, "prefix"),
    "something behind": GOOD + b"\0",
    "another archive behind": GOOD + GOOD,
    "something between members and directory": GOOD[:DIRECTORY] + b"hidden" + GOOD[DIRECTORY:],
    "another name in the directory": GOOD.replace(b"b", b"c", 1),
    "another content than its checksum": GOOD.replace(b"content of b", b"content of c"),
    "flagged as encrypted": GOOD[:6] + b"\x01" + GOOD[7:DIRECTORY] + GOOD[DIRECTORY:].replace(b"\0\0", b"\x01\0", 1),
    "a version of ZIP from the future": GOOD[: DIRECTORY + 6] + b"\xff" + GOOD[DIRECTORY + 7 :],
    "only the end": GOOD[GOOD.index(b"PK\x05\x06") :],
    "only members": GOOD[:DIRECTORY],
    "nothing": b"",
    "no archive": b"not a ZIP at all",
    "too many members": payload.pack({str(number): b"" for number in range(payload.MAX_MEMBERS + 1)}),
}


@pytest.mark.parametrize("name", TRICKS)
def test_an_archive_with_a_trick_is_refused(name: str) -> None:
    with pytest.raises(PackageError, match="The archive in the package"):
        payload.unpack(TRICKS[name])


def test_without_a_trick_the_same_archive_is_accepted() -> None:
    assert with_archive(add(member("b"))) == GOOD
    assert payload.unpack(GOOD) == {"a": b"content of a", "b": b"content of b"}
    most = {str(number): b"" for number in range(payload.MAX_MEMBERS)}
    assert payload.unpack(payload.pack(most)) == most


def test_any_single_bit_flipped_in_an_archive_is_noticed() -> None:
    for byte, bit in itertools.product(range(len(GOOD)), range(8)):
        try:
            members = payload.unpack(flipped(GOOD, byte, bit))
        except PackageError:
            continue
        # Names have no checksum of their own; but what is accepted is what `pack` would make of it.
        assert payload.pack(members) == flipped(GOOD, byte, bit)
        pytest.fail(f"bit {bit} of byte {byte}")  # a name stands twice, so one flip never changes both


def test_an_archive_cut_off_anywhere_is_refused() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(PackageError):
            payload.unpack(GOOD[:length])
            pytest.fail(f"{length} bytes")


@settings(PROPERTY, max_examples=300)
@given(st.data())
def test_random_and_garbled_archives_raise_only_package_errors(data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=200) | st.composite(mutated)(GOOD))
    try:
        members = payload.unpack(content)
    except PackageError:
        return
    assert payload.pack(members) == content


# The CMS structure.


@PROPERTY
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16), st.binary(max_size=500))
def test_decrypting_gives_back_what_was_encrypted(key: bytes, key_id: bytes, plaintext: bytes) -> None:
    der = cms.encrypt(key, key_id, plaintext)
    cms.check_structure(der)
    assert cms.decrypt(key, key_id, der) == plaintext


def test_content_keys_and_nonces_are_used_once() -> None:
    made = [cms.encrypt(WRAPPING_KEY, KEY_ID, bytes(64)) for _ in range(50)]
    encrypted_keys = {wrapped_key_in(der) for der in made}
    nonces = {der[der.index(GCM_OID) + len(GCM_OID) :][4:16] for der in made}
    assert len(encrypted_keys) == len(nonces) == len({der[-82:] for der in made}) == 50


GCM_OID = bytes.fromhex("060960864801650304012e")
WRAP_OID = bytes.fromhex("060960864801650304012d")


def wrapped_key_in(der: bytes) -> bytes:
    start = der.index(WRAP_OID) + len(WRAP_OID)
    assert der[start : start + 2] == b"\x04\x28"
    return der[start + 2 : start + 42]


def test_the_wrapped_key_is_a_fresh_key_of_256_bits_under_rfc_3394() -> None:
    keys = {aes_key_unwrap(WRAPPING_KEY, wrapped_key_in(cms.encrypt(WRAPPING_KEY, KEY_ID, b""))) for _ in range(10)}
    assert len(keys) == 10
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000, 100_000])
def test_the_real_openssl_opens_it(size: int, tmp_path: Path) -> None:
    need("openssl")
    plaintext = bytes(number % 251 for number in range(size))
    (tmp_path / "cms.der").write_bytes(cms.encrypt(WRAPPING_KEY, KEY_ID, plaintext))
    openssl = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "cms.der", "-out", "out"]
    run(*openssl, "-secretkey", WRAPPING_KEY.hex(), "-secretkeyid", KEY_ID.hex(), cwd=tmp_path).expect()
    assert (tmp_path / "out").read_bytes() == plaintext


WRONG_KEY = "The wrapping key does not open"
DAMAGED = "content is damaged"
FOREIGN = "belongs to another share set"


def test_wrong_key_damage_and_a_foreign_key_identifier_are_told_apart() -> None:
    der = cms.encrypt(WRAPPING_KEY, KEY_ID, b"plaintext")
    wrapped = der.index(wrapped_key_in(der))
    for key, key_id, changed, message in (
        (flipped(WRAPPING_KEY, 31), KEY_ID, der, WRONG_KEY),
        (flipped(WRAPPING_KEY, 0), KEY_ID, der, WRONG_KEY),
        (bytes(32), KEY_ID, der, WRONG_KEY),
        (WRAPPING_KEY, KEY_ID, flipped(der, wrapped), WRONG_KEY),
        (WRAPPING_KEY, KEY_ID, flipped(der, wrapped + 39), WRONG_KEY),
        (WRAPPING_KEY, flipped(KEY_ID, 15), der, FOREIGN),
        (WRAPPING_KEY, KEY_ID[:8], der, FOREIGN),
        (WRAPPING_KEY, KEY_ID, flipped(der, len(der) - 1), DAMAGED),  # the tag
        (WRAPPING_KEY, KEY_ID, flipped(der, len(der) - 16), DAMAGED),
        (WRAPPING_KEY, KEY_ID, flipped(der, len(der) - 19), DAMAGED),  # the last byte of the content
        (WRAPPING_KEY, KEY_ID, flipped(der, der.index(GCM_OID) + len(GCM_OID) + 4), DAMAGED),  # the nonce
        # another content key, correctly wrapped
        (WRAPPING_KEY, KEY_ID, der.replace(wrapped_key_in(der), aes_key_wrap(WRAPPING_KEY, bytes(32))), DAMAGED),
    ):
        with pytest.raises(PackageError) as refusal:
            cms.decrypt(key, key_id, changed)
        assert message in str(refusal.value)


def test_any_single_bit_flipped_in_the_cms_is_refused() -> None:
    der = cms.encrypt(WRAPPING_KEY, KEY_ID, b"plaintext")
    for byte, bit in itertools.product(range(len(der)), range(8)):
        with pytest.raises(PackageError):
            cms.decrypt(WRAPPING_KEY, KEY_ID, flipped(der, byte, bit))
            pytest.fail(f"bit {bit} of byte {byte}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("060b2a864886f70d0109100117", "060b2a864886f70d0109100118"),  # the type of the whole
        ("06092a864886f70d010701", "06092a864886f70d010702"),  # the type of the content
        (WRAP_OID.hex(), WRAP_OID.hex()[:-2] + "05"),  # AES-128 key wrap
        (GCM_OID.hex(), GCM_OID.hex()[:-2] + "06"),  # AES-128-GCM
        ("020110", "02010c"),  # a tag of 12 bytes
        ("0201043012", "0201033012"),  # the version of the recipient
    ],
)
def test_other_algorithms_and_versions_are_refused_before_any_key_is_needed(old: str, new: str) -> None:
    der = cms.encrypt(WRAPPING_KEY, KEY_ID, b"plaintext")
    assert der.count(bytes.fromhex(old)) == 1
    with pytest.raises(PackageError, match="algorithms or versions that this format does not"):
        cms.check_structure(der.replace(bytes.fromhex(old), bytes.fromhex(new)))


def rebuilt(change: Callable[[cms._ContentInfo], object]) -> bytes:
    """A CMS of which one part was replaced, in correct DER."""
    info = asn1.decode_der(cms._ContentInfo, cms.encrypt(WRAPPING_KEY, KEY_ID, b"plaintext"))
    change(info)
    return asn1.encode_der(info)


def set_recipients(count: int) -> Callable[[cms._ContentInfo], object]:
    def change(info: cms._ContentInfo) -> None:
        info.content.recipients = asn1.SetOf(info.content.recipients.as_list() * count)

    return change


def set_parameters(nonce: int, tag: int) -> Callable[[cms._ContentInfo], object]:
    def change(info: cms._ContentInfo) -> None:
        info.content.content.encryption.parameters = cms._GcmParameters(nonce=bytes(nonce), tag_length=tag)
        info.content.tag = info.content.tag[:tag]

    return change


def set_content_key(length: int) -> Callable[[cms._ContentInfo], object]:
    def change(info: cms._ContentInfo) -> None:
        [recipient] = info.content.recipients.as_list()
        recipient.encrypted_key = aes_key_wrap(WRAPPING_KEY, bytes(length))
        info.content.recipients = asn1.SetOf([recipient])

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_content_key(16),
        set_content_key(24),
        set_content_key(40),
        set_recipients(0),
        set_recipients(2),
        set_parameters(nonce=8, tag=16),
        set_parameters(nonce=13, tag=16),
        set_parameters(nonce=12, tag=12),
        set_parameters(nonce=12, tag=15),
        set_parameters(nonce=12, tag=17),
        lambda info: setattr(info.content, "version", 1),
    ],
    ids=[
        "key 16",
        "key 24",
        "key 40",
        "no recipient",
        "2 recipients",
        "nonce 8",
        "nonce 13",
        "tag 12",
        "tag 15",
        "tag 17",
        "version 1",
    ],
)
def test_correct_der_with_other_parts_is_refused(change: Callable[[cms._ContentInfo], object]) -> None:
    cms.check_structure(rebuilt(lambda _: None))
    with pytest.raises(PackageError, match="algorithms or versions that this format does not"):
        cms.check_structure(rebuilt(change))


def test_a_cms_cut_off_or_continued_is_refused_before_any_key_is_needed() -> None:
    der = cms.encrypt(WRAPPING_KEY, KEY_ID, b"plaintext")
    for wrong in (*(der[:length] for length in range(len(der))), der + b"\0", der + der):
        with pytest.raises(PackageError):
            cms.check_structure(wrong)
            pytest.fail(f"{len(wrong)} bytes")


@settings(PROPERTY, max_examples=500)
@given(st.data())
def test_random_and_garbled_cms_raises_only_package_errors(data: st.DataObject) -> None:
    der = cms.encrypt(WRAPPING_KEY, KEY_ID, b"plaintext")
    content = data.draw(st.binary(max_size=200) | st.composite(mutated)(der))
    try:
        cms.check_structure(content)
        plaintext = cms.decrypt(WRAPPING_KEY, KEY_ID, content)
    except PackageError:
        return
    assert content == der
    assert plaintext == b"plaintext"


# The package as text.


@pytest.mark.parametrize("manifest", [MANIFEST, GROUPED, SPECIMEN], ids=["plain", "grouped", "specimen"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 46, 47, 48, 5000])
def test_decoding_gives_back_the_package_that_was_encoded(manifest: Manifest, size: int) -> None:
    made = Package(manifest, cms.encrypt(WRAPPING_KEY, manifest.set_id, bytes(size)))
    decoded = Package.decode(made.encode())
    assert decoded == made
    assert decoded.encode() == made.encode()


lines = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=40)


@PROPERTY
@given(lines, lines, st.binary(max_size=300))
def test_packages_of_cas_with_any_name_come_back(ca: str, name: str, content: bytes) -> None:
    manifest = replace(MANIFEST, ca=ca, keys=(replace(MANIFEST.keys[0], name=name),))
    made = Package(manifest, cms.encrypt(WRAPPING_KEY, manifest.set_id, content))
    assert Package.decode(made.encode()) == made


@pytest.mark.parametrize(
    "ca",
    [
        "==== MANIFEST ====",
        "==== END OF MANIFEST ====",
        "-----BEGIN CMS-----",
        "-----END CMS-----",
        "SHA-256 of everything above this line: " + "0" * 64,
        "STEP-CA ESCROW PACKAGE, FORMAT 1",
        "{set_id}",
        "%s \\n \\",
    ],
)
def test_a_ca_may_be_called_like_a_part_of_a_package(ca: str, tmp_path: Path) -> None:
    need("openssl")
    manifest = replace(MANIFEST, ca=ca)
    made = Package(manifest, cms.encrypt(WRAPPING_KEY, manifest.set_id, b"content"))
    assert Package.decode(made.encode()) == made
    assert by_openssl(made.encode(), manifest, WRAPPING_KEY, tmp_path) == b"content"


def test_the_text_says_what_it_is_and_how_to_recover_with_other_programs() -> None:
    text = SEALED.encode().decode()
    assert text.startswith("STEP-CA ESCROW PACKAGE, FORMAT 1\n")
    assert max(map(len, text.splitlines())) <= 110
    for part in (
        "A quorum is 2 of 2",
        f"-secretkeyid {MANIFEST.set_id.hex()}",
        "ssss-combine -t K -x -D",
        "openssl cms -decrypt -binary -inform PEM",
        "unzip keys.zip",
    ):
        assert part in text
    assert "SPECIMEN" not in text
    assert "in groups" not in text
    assert "SPECIMEN" in Package(SPECIMEN, SEALED.cms).encode().decode()
    assert "The shares are in groups" in Package(GROUPED, SEALED.cms).encode().decode()


def test_the_last_line_is_the_hash_that_sha256sum_would_give() -> None:
    text = SEALED.encode()
    above, line = text[: text.rstrip().rindex(b"\n") + 1], text.splitlines()[-1]
    assert line.decode() == f"SHA-256 of everything above this line: {hashlib.sha256(above).hexdigest()}"


def test_any_byte_damaged_in_a_package_is_noticed() -> None:
    text = SEALED.encode()
    for byte, bit in itertools.product(range(len(text)), range(8)):
        with pytest.raises(PackageError):
            Package.decode(flipped(text, byte, bit))
            pytest.fail(f"bit {bit} of byte {byte}")


def test_a_package_cut_off_anywhere_is_refused() -> None:
    text = SEALED.encode()
    for length in range(len(text)):
        with pytest.raises(PackageError):
            Package.decode(text[:length])
            pytest.fail(f"{length} bytes")


def test_a_package_with_its_beginning_missing_is_refused() -> None:
    text = SEALED.encode()
    for start in range(1, len(text)):
        with pytest.raises(PackageError):
            Package.decode(text[start:])
            pytest.fail(f"from byte {start}")


@pytest.mark.parametrize("extra", [b"\n", b" ", b"\0", b"x", b"\r\n", b"\x1a", SEALED.encode()], ids=range(7))
def test_something_behind_or_in_front_of_a_package_is_refused(extra: bytes) -> None:
    for wrong in (SEALED.encode() + extra, extra + SEALED.encode()):
        with pytest.raises(PackageError):
            Package.decode(wrong)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an escrow package"),
        (b"\n", "not an escrow package"),
        (b"junk", "not an escrow package"),
        (bytes(1000), "not an escrow package"),
        (b"\xff" * 1000, "not an escrow package"),
        (b"-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n", "not an escrow package"),
        (b"\xef\xbb\xbf" + SEALED.encode(), "not an escrow package"),
        (SEALED.encode().decode().encode("utf-16"), "not an escrow package"),
        (b"STEP-CA ESCROW PACKAGE, FORMAT\n", "not an escrow package"),
        (SEALED.encode().replace(b"FORMAT 1\n", b"FORMAT 2\n"), "format version 2; this program reads 1"),
        (SEALED.encode().replace(b"FORMAT 1\n", b"FORMAT 12\n"), "format version 12; this program reads 1"),
        (b"STEP-CA ESCROW PACKAGE, FORMAT 1\n", "cut off"),
        (SEALED.encode()[:-1], "cut off"),
        (SEALED.encode()[:-70], "cut off"),
        (SEALED.encode().replace(b"Small CA", b"Other CA"), "hash in its last line does not fit"),
        (SEALED.encode().replace(b"\n", b"\r\n"), "line endings were converted"),
    ],
    ids=range(16),
)
def test_what_is_wrong_with_a_text_is_said(data: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        Package.decode(data)


HASH_LABEL = b"SHA-256 of everything above this line: "


def rehashed(text: str) -> bytes:
    """A text with a hash that fits: not an accident, but somebody's intent."""
    above = text.rpartition("SHA-256 of everything above this line: ")[0].encode()
    return above + f"SHA-256 of everything above this line: {hashlib.sha256(above).hexdigest()}\n".encode()


def pem_body(der: bytes) -> str:
    return base64.b64encode(der).decode()


FORGED: dict[str, tuple[Callable[[str], str], type[EscrowError]]] = {
    "a manifest in another form": (lambda text: text.replace(' "epoch": 1', ' "epoch":  1'), ManifestError),
    "a manifest with a wrong value": (lambda text: text.replace(' "epoch": 1', ' "epoch": 0'), ManifestError),
    "no manifest": (lambda text: text.replace("==== MANIFEST ====\n", ""), PackageError),
    "a manifest without end": (lambda text: text.replace("==== END OF MANIFEST ====\n", ""), PackageError),
    "no CMS": (lambda text: text.replace("-----BEGIN CMS-----\n", ""), PackageError),
    "a CMS without end": (lambda text: text.replace("-----END CMS-----\n", ""), PackageError),
    "an empty CMS": (
        lambda text: text.partition("-----BEGIN CMS-----\n")[0] + "-----BEGIN CMS-----\n-----END CMS-----\n\nSHA",
        PackageError,
    ),
    "a CMS that is not base64": (
        lambda text: text.replace("-----END CMS-----", "!!!\n-----END CMS-----"),
        PackageError,
    ),
    "a CMS with too much padding": (
        lambda text: text.replace("-----END CMS-----", "====\n-----END CMS-----"),
        PackageError,
    ),
    "a CMS with letters beyond ASCII": (
        lambda text: text.replace("-----END CMS-----", "é\n-----END CMS-----"),
        PackageError,
    ),
    "a CMS with an empty line": (
        lambda text: text.replace("-----BEGIN CMS-----\n", "-----BEGIN CMS-----\n\n"),
        PackageError,
    ),
    "a CMS with longer lines": (
        lambda text: (
            text.partition("-----BEGIN CMS-----\n")[0]
            + f"-----BEGIN CMS-----\n{pem_body(SEALED.cms)}\n-----END CMS-----\n\n"
            "SHA-256 of everything above this line: "
        ),
        PackageError,
    ),
    "words between the manifest and the CMS": (
        lambda text: text.replace("==== END OF MANIFEST ====\n", "==== END OF MANIFEST ====\nwords\n"),
        PackageError,
    ),
    "words after the CMS": (
        lambda text: text.replace("-----END CMS-----\n", "-----END CMS-----\nwords\n"),
        PackageError,
    ),
    "two manifests": (
        lambda text: text.replace(
            "==== END OF MANIFEST ====\n",
            f"==== END OF MANIFEST ====\n==== MANIFEST ====\n{SPECIMEN.encode().decode()}==== END OF MANIFEST ====\n",
        ),
        PackageError,
    ),
    "two CMS": (
        lambda text: text.replace(
            "-----END CMS-----\n", "-----END CMS-----\n-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n"
        ),
        PackageError,
    ),
    "another structure as CMS": (
        lambda text: (
            text.partition("-----BEGIN CMS-----\n")[0]
            + f"-----BEGIN CMS-----\n{pem_body(b'0' + bytes(1))}\n-----END CMS-----\n\n"
            "SHA-256 of everything above this line: "
        ),
        PackageError,
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_wrong_text_with_a_fitting_hash_is_refused_all_the_same(name: str) -> None:
    change, error = FORGED[name]
    text = SEALED.encode().decode()
    assert change(text) != text
    assert rehashed(text) == SEALED.encode()
    with pytest.raises(error):
        Package.decode(rehashed(change(text)))


@settings(PROPERTY, max_examples=300)
@given(st.data())
def test_garbled_packages_with_a_fitting_hash_raise_only_errors_of_their_own_or_come_back_the_same(
    data: st.DataObject,
) -> None:
    garbled = st.composite(mutated)(SEALED.encode().rpartition(HASH_LABEL)[0])
    above = data.draw(garbled)
    content = above + HASH_LABEL + hashlib.sha256(above).hexdigest().encode() + b"\n"
    try:
        found = Package.decode(content)
    except (PackageError, ManifestError):
        return
    begin = b"\n==== MANIFEST ====\n"  # before it stands what a reader skips
    assert found.encode().partition(begin)[2].rpartition(HASH_LABEL)[0] == above.partition(begin)[2]


def test_a_package_that_is_not_utf_8_is_refused_though_its_hash_fits() -> None:
    above = SEALED.encode().rpartition(HASH_LABEL)[0].replace(b"keep several", b"keep \xff several")
    with pytest.raises(PackageError, match="not UTF-8"):
        Package.decode(above + HASH_LABEL + hashlib.sha256(above).hexdigest().encode() + b"\n")


@pytest.mark.parametrize(
    "part",
    [f"-----BEGIN CMS-----\n{pem_body(SEALED.cms)}\n-----END CMS-----", "-----BEGIN PKCS7-----", "-----BEGIN"],
    ids=range(3),
)
def test_a_second_encrypted_part_in_the_preamble_is_refused_for_openssl_would_open_it_first(part: str) -> None:
    text = SEALED.encode().decode().replace("To recover without", f"{part}\nTo recover without")
    with pytest.raises(PackageError, match="a second encrypted part"):
        Package.decode(rehashed(text))


@pytest.mark.parametrize("version", ["", "x", "\x1b[31m", "99999", "1" * 1000, "1.0", "\u0661"], ids=range(7))
def test_a_version_that_is_no_number_is_not_shown(version: str) -> None:
    text = SEALED.encode().decode().replace("FORMAT 1\n", f"FORMAT {version}\n")
    with pytest.raises(PackageError, match="format version unknown"):
        Package.decode(rehashed(text))


def test_the_preamble_may_be_worded_otherwise_for_a_reader_skips_it() -> None:
    text = SEALED.encode().decode().replace("keep several copies", "keep two or three copies")
    assert Package.decode(rehashed(text)) == SEALED


@settings(PROPERTY, max_examples=300)
@given(st.data())
def test_random_and_garbled_packages_raise_only_package_errors(data: st.DataObject) -> None:
    text = SEALED.encode()
    content = data.draw(
        st.binary(max_size=300)
        | st.binary(max_size=300).map(lambda rest: b"STEP-CA ESCROW PACKAGE, FORMAT 1\n" + rest)
        | st.composite(mutated)(text)
    )
    if content != text:
        with pytest.raises(PackageError):
            Package.decode(content)


@pytest.mark.parametrize(
    ("parser", "error"),
    [
        (cms.check_structure, PackageError),
        (payload.unpack, PackageError),
        (Package.decode, PackageError),
        (Manifest.decode, ManifestError),
    ],
    ids=["cms", "payload", "package", "manifest"],
)
def test_no_parser_takes_random_bytes_or_fails_in_another_way(
    parser: Callable[[bytes], object], error: type[EscrowError]
) -> None:
    source = random.Random(1)  # noqa: S311 - chooses examples, keeps no secret
    for _ in range(300):
        with pytest.raises(error):
            parser(source.randbytes(source.randrange(400)))


def test_showing_a_package_does_not_show_its_encrypted_part() -> None:
    assert "cms" not in repr(SEALED)


# Sealing and opening.


def test_opening_gives_back_the_members_that_were_sealed(sealed: Package, wrapping_key: Secret) -> None:
    assert opened(sealed, wrapping_key) == MEMBERS
    assert opened(Package.decode(sealed.encode()), wrapping_key) == MEMBERS


def test_a_package_shows_nothing_of_what_is_sealed_in_it(sealed: Package) -> None:
    assert b"not really" not in sealed.cms
    assert b"PRIVATE KEY-----" not in sealed.encode()
    assert WRAPPING_KEY not in sealed.cms


def by_openssl(text: bytes, manifest: Manifest, key: bytes, directory: Path) -> bytes | None:
    """Open a package as a stranger does, with the line that is printed in it; None if openssl fails."""
    (directory / "package.escrow").write_bytes(text)
    openssl = ["openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-in", "package.escrow", "-out", "keys.zip"]
    done = run(*openssl, "-secretkey", key.hex(), "-secretkeyid", manifest.set_id.hex(), cwd=directory)
    return (directory / "keys.zip").read_bytes() if done.status == 0 else None


def test_the_real_openssl_and_unzip_open_a_sealed_package(sealed: Package, tmp_path: Path) -> None:
    need("openssl", "unzip")
    archive = by_openssl(sealed.encode(), MANIFEST, WRAPPING_KEY, tmp_path)
    assert archive is not None
    run("unzip", "-q", "keys.zip", cwd=tmp_path).expect()
    for name, content in MEMBERS.items():
        assert (tmp_path / name).read_bytes() == content
    assert (tmp_path / "manifest.json").read_bytes() == MANIFEST.encode()
    assert "NOT ENCRYPTED" in (tmp_path / "README.txt").read_text()
    assert list(payload.unpack(archive)) == ["README.txt", "manifest.json", *MEMBERS]


def test_the_real_openssl_fails_with_a_wrong_key_or_a_damaged_content(sealed: Package, tmp_path: Path) -> None:
    need("openssl")
    damaged = Package(MANIFEST, flipped(sealed.cms, len(sealed.cms) - 30))
    assert by_openssl(sealed.encode(), MANIFEST, flipped(WRAPPING_KEY, 0), tmp_path) is None
    assert by_openssl(damaged.encode(), MANIFEST, WRAPPING_KEY, tmp_path) is None


def test_a_wrong_wrapping_key_and_a_damaged_content_are_told_apart(sealed: Package, wrapping_key: Secret) -> None:
    with Secret.of(flipped(WRAPPING_KEY, 7)) as wrong, pytest.raises(PackageError, match=WRONG_KEY):
        package.open_package(sealed, wrong)
    for byte in (len(sealed.cms) - 1, len(sealed.cms) - 40):
        with pytest.raises(PackageError, match=DAMAGED):
            package.open_package(Package(MANIFEST, flipped(sealed.cms, byte)), wrapping_key)


def test_the_encrypted_part_of_another_set_is_refused(sealed: Package, wrapping_key: Secret) -> None:
    with pytest.raises(PackageError, match=FOREIGN):
        package.open_package(replace(sealed, manifest=replace(MANIFEST, epoch=2)), wrapping_key)


def packed_by_hand(members: Mapping[str, bytes], manifest: Manifest = MANIFEST) -> Package:
    """A package whose content was put together by somebody who has the wrapping key."""
    return Package(manifest, cms.encrypt(WRAPPING_KEY, manifest.set_id, payload.pack(members)))


INSIDE = {"README.txt": b"", "manifest.json": MANIFEST.encode(), **MEMBERS}


def test_a_package_packed_by_hand_opens_if_all_is_as_it_should_be(wrapping_key: Secret) -> None:
    assert opened(packed_by_hand(INSIDE), wrapping_key) == MEMBERS


@pytest.mark.parametrize(
    "inner",
    [
        replace(MANIFEST, epoch=2).encode(),
        replace(MANIFEST, ca="Other CA").encode(),
        SPECIMEN.encode(),
        MANIFEST.encode()[:-1],
        MANIFEST.encode() + b"\n",
        b"",
    ],
    ids=["epoch", "name", "kind", "cut", "continued", "empty"],
)
def test_another_manifest_inside_than_outside_is_refused(inner: bytes, wrapping_key: Secret) -> None:
    with pytest.raises(PackageError, match="manifest inside the package differs from the one outside"):
        package.open_package(packed_by_hand({**INSIDE, "manifest.json": inner}), wrapping_key)


def test_a_manifest_that_was_changed_outside_is_refused_even_where_the_set_id_was_forged(wrapping_key: Secret) -> None:
    outside = replace(MANIFEST, key_check="44" * 32)
    with pytest.raises(PackageError, match="differs from the one outside"):
        package.open_package(packed_by_hand(INSIDE, outside), wrapping_key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifest.json": None}, "manifest inside the package differs"),
        ({"secrets/root_ca_key": None}, r"\(secrets/root_ca_key\)"),
        ({"certs/root_ca.crt": None, "config/empty": None}, r"\(certs/root_ca.crt, config/empty\)"),
        ({"README.txt": None}, r"\(README.txt\)"),
        ({"secrets/another": b"key"}, r"\(secrets/another\)"),
        ({"../outside": b"x"}, r"\(../outside\)"),
        ({"/etc/passwd": b"x"}, r"\(/etc/passwd\)"),
        ({"secrets/root_ca_key": None, "secrets/Root_CA_key": b"key"}, r"secrets/Root_CA_key, secrets/root_ca_key"),
    ],
    ids=str,
)
def test_members_that_are_missing_or_too_many_are_refused_by_name(
    change: Mapping[str, bytes | None], message: str, wrapping_key: Secret
) -> None:
    members = {name: content for name, content in {**INSIDE, **change}.items() if content is not None}
    with pytest.raises(PackageError, match=message):
        package.open_package(packed_by_hand(members), wrapping_key)


@pytest.mark.parametrize("name", ["a deflated member", "the same name twice, with other content", "something behind"])
def test_an_archive_with_a_trick_is_refused_also_when_it_was_encrypted(name: str, wrapping_key: Secret) -> None:
    tricky = Package(MANIFEST, cms.encrypt(WRAPPING_KEY, MANIFEST.set_id, TRICKS[name]))
    with pytest.raises(PackageError, match="The archive in the package"):
        package.open_package(tricky, wrapping_key)


def test_a_content_that_is_no_archive_is_refused(wrapping_key: Secret) -> None:
    with pytest.raises(PackageError, match="The archive in the package"):
        package.open_package(SEALED, wrapping_key)
