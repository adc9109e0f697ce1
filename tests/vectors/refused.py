"""The vectors that are refused: what is wrong with each, the class of the error, a part of its message."""

import base64
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from unittest.mock import patch

from accepted import (
    CONFIG,
    CREATED,
    GROUPS,
    INTERMEDIATE_CERTIFICATE,
    PLAIN,
    RECORD,
    Vector,
    certificate_entry,
    damaged,
    fixed,
    groups_manifest,
    key_entry,
    lines_of,
    lines_of_words,
    members_of,
    plain_manifest,
    plain_package,
    randomness,
)

from escrow import cms, payload
from escrow.package import MANIFEST_MEMBER, README_MEMBER, Package
from escrow.policy import Position
from escrow.share import Kind, Record
from escrow.words import to_words

Cases = Sequence[tuple[str, object, str]]

HASH_LABEL = "SHA-256 of everything above this line: "


def vectors() -> dict[str, list[Vector]]:
    """All of them, by what they claim to be."""
    return {
        "record": refused("ShareError", records()),
        "text": refused("ShareError", texts()),
        "words": refused("ShareError", words()),
        "share": refused("ShareError", shares()),
        "split": refused("PolicyError", splits()),
        "combine": refused("ShareError", combinations()) + refused("PolicyError", impossible_combinations()),
        "quorum": refused("ShareError", quorums()),
        "manifest": refused("ManifestError", [*changed_manifests(), *other_manifests()]),
        "package": refused("PackageError", packages()) + refused("ManifestError", packages_with_bad_manifests()),
        "cms": refused("PackageError", encrypted()),
        "archive": refused("PackageError", archives()),
        "opening": [*openings()],
    }


def refused(error: str, cases: Cases) -> list[Vector]:
    """Vectors that all give the same class of error."""
    return [{"name": name, "input": given, "error": error, "message": message} for name, given, message in cases]


def changes(*texts: str) -> list[list[str]]:
    """Old and new, old and new."""
    return [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]


def edited(data: bytes, old: bytes, new: bytes) -> bytes:
    """Bytes with a change in one place."""
    assert data.count(old) == 1, old.hex()
    return data.replace(old, new)


def flipped(data: bytes, place: int) -> bytes:
    """Bytes with one bit flipped."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def records() -> Cases:
    """Records with a wrong length, checksum or version."""
    data = RECORD.encode()
    versions = {}
    for version in (0x00, 0x02, 0x82):
        body = bytes([version]) + data[1:-4]
        versions[version] = (body + zlib.crc32(body).to_bytes(4, "big")).hex()
    return [
        ("empty", "", "has 48 bytes and this has 0"),
        ("too short", data[:-1].hex(), "has 48 bytes and this has 47"),
        ("too long", data.hex() + "00", "has 48 bytes and this has 49"),
        ("wrong checksum", flipped(data, 20).hex(), f"checksum of share {RECORD.x} does not fit"),
        ("unknown version 0", versions[0x00], "format version 0"),
        ("unknown version 2", versions[0x02], "format version 2"),
        ("unknown version of a specimen", versions[0x82], "format version 130"),
    ]


def texts() -> Cases:
    """Texts that are no shares, or were changed."""
    text = RECORD.to_text()
    prefix, body = text[:6], text[6:]
    another = "B" if body[30] == "A" else "A"
    after_last = chr(ord(body[-1]) + 1)  # sets the bit that carries nothing
    no_share, no_letters, not_canonical = "no share", "characters that a share never has", "not in its canonical form"
    return [
        ("empty", "", no_share),
        ("wrong prefix", "HTTPS:" + body, no_share),
        ("no prefix", body, no_share),
        ("unknown version", "ESCR2:" + body, "share"),
        ("lower-case prefix", prefix.lower() + body, no_share),
        ("lower-case letters", prefix + body.lower(), no_letters),
        ("digit that base32 does not have", prefix + "1" + body[1:], no_letters),
        ("white space at the end", text + "\n", no_letters),
        ("white space inside", prefix + body[:8] + " " + body[8:], no_letters),
        ("letter beyond ASCII", prefix + body[:-1] + "Ä", no_letters),
        ("prefix alone", prefix, "has 48 bytes and this has 0"),
        ("too short", text[:-1], "has 48 bytes and this has 47"),
        ("too long", text + "A" * 8, "has 48 bytes and this has 53"),
        ("padded", text + "===", not_canonical),
        ("last letter not canonical", text[:-1] + after_last, not_canonical),
        ("prefix of the other kind", Kind.SPECIMEN.prefix + body, not_canonical),
        ("wrong letter", prefix + body[:30] + another + body[31:], "checksum"),
    ]


def words() -> Cases:
    """Words that cannot be mended."""
    rows = to_words(RECORD.encode())
    too_many, layout = "Too many words are wrong or illegible", "8 rows of 8 words"
    cases = [
        ("nine wrong words", damaged(range(0, 63, 7)), too_many),
        ("seventeen illegible words", damaged((), range(17)), too_many),
        ("five wrong and seven illegible words", damaged(range(5), range(20, 27)), too_many),
        ("seven rows", rows[:7], layout),
        ("nine rows", [*rows, rows[0]], layout),
        ("row of seven words", [*rows[:7], rows[7][:7]], layout),
        ("row of ten words", [*rows[:7], [*rows[7], "able"]], layout),
        ("words of a record with a wrong checksum", to_words(flipped(RECORD.encode(), -1)), "checksum"),
    ]
    return [(name, lines_of_words(given), message) for name, given, message in cases]


def shares() -> Cases:
    """Shares that are whole, but not shares of the package."""
    plain, groups = plain_manifest(), groups_manifest()
    good = Record(plain.kind, plain.short_set_id, 1, 1, 2, PLAIN.values[Position(1, 1)])
    grouped = Record(groups.kind, groups.short_set_id, 1, 1, 2, GROUPS.values[Position(1, 1)])
    old = bytes.fromhex(groups.supersedes[0].set_id)[:8]
    other = PLAIN.values[Position(1, 2)]
    never_mix, forged = "the two never mix", "does not fit the commitment"
    cases = [
        ("specimen share, production package", "plain", replace(good, kind=Kind.SPECIMEN), never_mix),
        ("production share, specimen package", "groups", replace(grouped, kind=Kind.PRODUCTION), never_mix),
        ("share of another set", "plain", replace(good, set_id=bytes(8)), "belongs to another share set"),
        ("share of a superseded set", "groups", replace(grouped, set_id=old), "it belongs to epoch 1"),
        ("group 0", "plain", replace(good, group=0), "its group is 0"),
        ("group too large", "groups", replace(grouped, group=4), "its group is 4"),
        ("x is 0", "plain", replace(good, x=0), "its number is 0"),
        ("x too large", "plain", replace(good, x=4), "its number is 4"),
        ("x too large for its group", "groups", replace(grouped, group=2, x=2, k=1), "its number is 2"),
        ("k too small", "plain", replace(good, k=1), "says that 1 shares are needed and the package says 2"),
        ("k too large", "plain", replace(good, k=3), "says that 3 shares are needed and the package says 2"),
        ("value of another share", "plain", replace(good, value=other), forged),
        ("one bit of the value wrong", "plain", replace(good, value=flipped(good.value, 31)), forged),
        ("share under another number", "plain", replace(good, x=2), forged),
        ("share under another group", "groups", replace(grouped, group=3), forged),
    ]
    return [(name, {"base": base, "text": record.to_text()}, message) for name, base, record, message in cases]


def splits() -> Cases:
    """What cannot be split."""
    return [
        ("threshold 0", {"k": 0, "n": 3}, "A threshold of 0 cannot be met"),
        ("threshold 1 of several", {"k": 1, "n": 3}, "would give each of them the whole secret"),
        ("threshold above the number", {"k": 4, "n": 3}, "A threshold of 4 cannot be met by 3 shares"),
        ("negative threshold", {"k": -1, "n": 3}, "A threshold of -1 cannot be met"),
        ("no shares", {"k": 0, "n": 0}, "0 shares cannot be made"),
        ("too many shares", {"k": 2, "n": 256}, "256 shares cannot be made"),
    ]


def combinations() -> Cases:
    """Values of one group that cannot be combined."""
    one, two, three = (value.hex() for value in PLAIN.values.values())
    return [
        ("one share too few", {"k": 2, "shares": {"1": one}}, "1 shares were given"),
        ("one share too many", {"k": 2, "shares": {"1": one, "2": two, "3": three}}, "exactly 2 are needed"),
        ("x is 0", {"k": 2, "shares": {"0": one, "2": two}}, "Share 0 cannot exist"),
        ("x too large", {"k": 2, "shares": {"1": one, "256": two}}, "Share 256 cannot exist"),
        ("only share of a group, not number 1", {"k": 1, "shares": {"2": one}}, "has the number 1"),
    ]


def impossible_combinations() -> Cases:
    """The same, where the request itself makes no sense."""
    one, two, _ = (value.hex() for value in PLAIN.values.values())
    return [
        ("threshold 0", {"k": 0, "shares": {}}, "A threshold of 0 cannot exist"),
        ("value too short", {"k": 2, "shares": {"1": one, "2": two[2:]}}, "has 32 bytes, not 31"),
        ("value too long", {"k": 2, "shares": {"1": one + "00", "2": two}}, "has 32 bytes, not 33"),
    ]


def quorums() -> Cases:
    """More values than a quorum, and they contradict each other. Values stand under GROUP-X."""
    plain = {f"{p.group}-{p.x}": value.hex() for p, value in PLAIN.values.items()}
    groups = {f"{p.group}-{p.x}": value.hex() for p, value in GROUPS.values.items()}
    wrong = flipped(PLAIN.values[Position(1, 3)], 0).hex()
    exchanged = {"3-1": groups["3-2"], "3-2": groups["3-1"]}
    return [
        (
            "third share contradicts",
            {"base": "plain", "values": plain | {"1-3": wrong}},
            "Share 3 contradicts",
        ),
        (
            "third group contradicts",
            {"base": "groups", "values": groups | exchanged},
            "Group 3 contradicts",
        ),
    ]


def changed_manifests() -> Cases:
    """Manifests that say something impossible, or say it in another form."""
    check = plain_manifest().key_check
    key = '  {\n   "algorithm": "EC P-256",'
    another = (
        key
        + f'\n   "file": "secrets/x",\n   "name": "root",\n   "public_file": null,\n   "public_key": "{check}"\n  }},\n'
    )
    shares = '"shares": 3,\n    "threshold": 2'
    none, one = '"supersedes": []', '"supersedes": [{{"epoch": {}, "set_id": "{}"}}]'
    form, damage, version = "not in its canonical form", "cannot be read", "format version"
    cases = [
        ("no newline at the end", changes(" 1\n}\n", " 1\n}"), form),
        ("two newlines at the end", changes(" 1\n}\n", " 1\n}\n\n"), form),
        ("other indentation", changes('\n "epoch": 1,', '\n  "epoch": 1,'), form),
        ("other separator", changes('"epoch": 1', '"epoch":1'), form),
        ("fields not sorted", changes(' "ca": "Vector CA",\n', "", ' "epoch"', ' "ca": "Vector CA",\n "epoch"'), form),
        ("line end converted", changes('"epoch": 1,\n', '"epoch": 1,\r\n'), form),
        ("escaped letter", changes('"Vector CA"', '"Vector \\u0043A"'), form),
        ("duplicate field", changes(' "epoch": 1,', ' "epoch": 1,\n "epoch": 1,'), form),
        ("duplicate field with another value", changes(' "epoch": 1,', ' "epoch": 7,\n "epoch": 1,'), form),
        ("unknown field", changes(' "epoch": 1,', ' "epoch": 1,\n "expires": 1,'), form),
        ("version is true", changes('"version": 1', '"version": true'), form),
        ("unknown version", changes('"version": 1', '"version": 2'), f"{version} 2; this program reads 1"),
        ("version is a text", changes('"version": 1', '"version": "1"'), f"{version} '1'"),
        ("another format", changes("step-ca escrow manifest", "step-ca escrow journal"), "format"),
        ("missing field", changes(' "epoch": 1,\n', ""), damage),
        ("missing field of a key", changes('   "name": "root",\n', ""), damage),
        ("unknown field of a key", changes('   "name": "root",', '   "name": "root",\n   "nick": "r",'), damage),
        ("unknown kind", changes('"production"', '"rehearsal"'), damage),
        ("comma missing", changes('"epoch": 1,', '"epoch": 1'), damage),
        ("comment", changes('"epoch": 1,', '"epoch": 1, // the first'), damage),
        ("byte order mark", changes('{\n "ca"', '\ufeff{\n "ca"'), damage),
        ("empty name", changes('"Vector CA"', '""'), "'ca'"),
        ("name with a control character", changes('"Vector CA"', '"Vector\\tCA"'), "'ca'"),
        ("name with half a surrogate pair", changes('"Vector CA"', '"Vector\\ud800CA"'), "'ca'"),
        ("name with a no-break space", changes('"Vector CA"', '"Vector\u00a0CA"'), "'ca'"),
        ("name too long", changes('"Vector CA"', f'"{"V" * 501}"'), "'ca'"),
        ("name is a number", changes('"Vector CA"', "1"), "'ca'"),
        ("time without a zone", changes(CREATED, CREATED[:-1]), "'created'"),
        ("time with an offset", changes(CREATED, CREATED[:-1] + "+00:00"), "'created'"),
        ("epoch 0", changes('"epoch": 1', '"epoch": 0'), "'epoch'"),
        ("epoch with a fraction", changes('"epoch": 1', '"epoch": 1.0'), "'epoch'"),
        ("epoch is true", changes('"epoch": 1', '"epoch": true'), "'epoch'"),
        ("threshold 1 of 3", changes(shares, shares[:-1] + "1"), "whole secret"),
        ("threshold 4 of 3", changes(shares, shares[:-1] + "4"), "threshold of 4"),
        ("256 shares", changes('"shares": 3', '"shares": 256'), "256 shares"),
        ("2 of 1 groups", changes('],\n  "threshold": 1', '],\n  "threshold": 2'), "threshold of 2"),
        ("no groups", changes('"groups": [', '"groups": [], "x": ['), "0 groups"),
        ("threshold is true", changes('],\n  "threshold": 1', '],\n  "threshold": true'), "'epoch'"),
        ("more shares than commitments", changes('"shares": 3', '"shares": 4'), "'commitments'"),
        ("upper-case hex", changes(check, check.upper()), "'commitments'"),
        ("key check too short", changes(check, check[:-2]), "'commitments'"),
        ("object in place of an array", changes(none, '"supersedes": {}'), form),
        ("superseded set that lacks its epoch", changes(none, '"supersedes": [{}]'), damage),
        ("superseded set id too long", changes(none, one.format(1, check)), "'supersedes'"),
        ("superseded epoch 0", changes(none, one.format(0, check[:32])), "'epoch'"),
        ("no keys", changes('"keys": [', '"keys": [], "x": ['), "'keys'"),
        ("two keys of one name", changes(key, another + key), "'keys'"),
        ("path that leaves the tree", changes('"config/ca.json"', '"config/../../ca.json"'), "'files'"),
        ("path in another directory", changes('"config/ca.json"', '"db/ca.json"'), "'files'"),
        ("absolute path", changes('"config/ca.json"', '"/config/ca.json"'), "'files'"),
        ("path of a directory", changes('"config/ca.json"', '"config"'), "'files'"),
        ("path with an empty part", changes('"config/ca.json"', '"config//ca.json"'), "'files'"),
        ("path of a key that leaves the tree", changes('"secrets/root_ca_key"', '"secrets/../x"'), "'files'"),
        ("file named twice", changes('"config/ca.json"', '"certs/root_ca.crt"'), "'files'"),
        ("file that is a key too", changes('"config/ca.json"', '"secrets/root_ca_key"'), "'files'"),
        ("certificate that is no file", changes(' "file": "certs/root_ca.crt"', ' "file": "x"'), "'certificates'"),
        (
            "public half that is no file",
            changes('"public_file": "certs/root_ca.crt"', '"public_file": "x"'),
            "'public_file'",
        ),
        ("algorithm without a name", changes('"EC P-256"', '""'), "'names'"),
    ]
    return [(name, {"base": "plain", "changes": change}, message) for name, change, message in cases]


def other_manifests() -> Cases:
    """What is no manifest at all."""
    damage = "cannot be read"
    return [
        ("empty", {"hex": ""}, damage),
        ("not an object", {"hex": b"[]\n".hex()}, damage),
        ("not UTF-8", {"hex": b'{"ca": "\xfc"}\n'.hex()}, damage),
        ("nested beyond reason", {"hex": (b"[" * 3000).hex()}, damage),
    ]


def packages() -> Cases:
    """Packages that are damaged, on the way or before their hash was made."""
    sealed = plain_package()
    text = sealed.encode().decode()
    hash_line = text[text.rindex(HASH_LABEL) :]
    first, second, *_, last_but_one, last = _base64_lines(sealed.cms)
    another_version = edited(sealed.cms, b"\x02\x01\x00\x31", b"\x02\x01\x01\x31")
    cut, wrong, structure = "its last line, the hash", "the hash in its last line", "not CMS AuthEnvelopedData"
    cases: Sequence[tuple[str, bool, list[list[str]], str]] = [
        ("hash line missing", False, changes(hash_line, ""), cut),
        ("hash line without its newline", False, changes(hash_line, hash_line[:-1]), cut),
        ("something after the hash line", False, changes(hash_line, hash_line + "\n"), cut),
        ("hash cut off", False, changes(hash_line, hash_line[:-10] + "\n"), cut),
        ("wrong hash", False, changes(hash_line, HASH_LABEL + "0" * 64 + "\n"), wrong),
        ("upper-case hash", False, changes(hash_line, HASH_LABEL + hash_line[len(HASH_LABEL) :].upper()), wrong),
        ("word of the preamble changed", False, changes("It is not secret", "It is now secret"), wrong),
        ("lines lost", False, changes(f"{first}\n{second}\n", ""), wrong),
        ("line ends converted", False, changes("\n-----END CMS-----\n", "\r\n-----END CMS-----\r\n"), "line endings"),
        ("another title", True, changes("STEP-CA ESCROW PACKAGE", "STEP-CA ESCROW JOURNAL"), "not an escrow package"),
        ("something before the title", True, changes("STEP-CA ESCROW", "\nSTEP-CA ESCROW"), "not an escrow package"),
        ("unknown version", True, changes("PACKAGE, FORMAT 1\n", "PACKAGE, FORMAT 2\n"), "package"),
        ("start of the manifest missing", True, changes("==== MANIFEST ====\n", ""), "'==== MANIFEST ===='"),
        (
            "end of the manifest missing",
            True,
            changes("==== END OF MANIFEST ====\n", ""),
            "'==== END OF MANIFEST ===='",
        ),
        ("start of the CMS missing", True, changes("-----BEGIN CMS-----\n", ""), "'-----BEGIN CMS-----'"),
        ("end of the CMS missing", True, changes("-----END CMS-----\n", ""), "'-----END CMS-----'"),
        ("CMS is not base64", True, changes(first, "*" + first[1:]), "is not base64"),
        ("CMS truncated", True, changes(f"{last_but_one}\n{last}\n", ""), structure),
        ("CMS with a trailing byte", True, _changed_lines(sealed.cms, sealed.cms + b"\0"), structure),
        ("CMS of another version", True, _changed_lines(sealed.cms, another_version), "algorithms or versions"),
    ]
    return [
        (name, {"base": "plain", "rehash": rehash, "changes": change}, message)
        for name, rehash, change, message in cases
    ]


def packages_with_bad_manifests() -> Cases:
    """Packages with a manifest that is refused."""
    cases = [
        ("manifest not canonical", changes(' "epoch": 1,', ' "epoch":  1,'), "not in its canonical form"),
        ("manifest of an unknown version", changes('"version": 1', '"version": 2'), "format version 2"),
        ("manifest truncated", changes(' "version": 1\n}\n', "}\n"), "cannot be read"),
    ]
    return [(name, {"base": "plain", "rehash": True, "changes": change}, message) for name, change, message in cases]


def _base64_lines(data: bytes) -> list[str]:
    return [base64.b64encode(data[start : start + 48]).decode() for start in range(0, len(data), 48)]


def _changed_lines(old: bytes, new: bytes) -> list[list[str]]:
    """The lines of base64 that differ, for data that differ in the content of a line or at the end."""
    pairs = zip(_base64_lines(old), _base64_lines(new), strict=True)
    return changes(*(text for pair in pairs if pair[0] != pair[1] for text in pair))


def encrypted() -> Cases:
    """Encrypted parts that are not of this form, or do not open."""
    key, identifier, content = (
        fixed("wrapping key")(32),
        fixed("set id")(16),
        b"forty bytes that are nobody's secret ...",
    )
    with randomness("encrypted"):
        der = cms.encrypt(key, identifier, content)
    with randomness("encrypted"), patch.object(cms, "_NONCE", 16):
        long_nonce = cms.encrypt(key, identifier, content)
    wrapped = der.index(b"\x04\x28") + 2
    structure, unknown = "is not CMS AuthEnvelopedData", "algorithms or versions that this format does not"
    wrong_key, wrong_tag = "does not open the package's encrypted key", "authentication tag does not fit"
    cases = [
        ("empty", b"", structure),
        ("no DER", b"not DER", structure),
        ("truncated", der[:-1], structure),
        ("trailing byte", der + b"\0", structure),
        ("length not in its shortest form", b"\x30\x82\x00" + der[2:], structure),
        ("indefinite length", b"\x30\x80" + der[3:] + b"\0\0", structure),
        ("EnvelopedData", edited(der, b"\x09\x10\x01\x17", b"\x09\x10\x01\x03"), unknown),
        ("another version", edited(der, b"\x02\x01\x00\x31", b"\x02\x01\x01\x31"), unknown),
        ("another version of the recipient", edited(der, b"\x02\x01\x04", b"\x02\x01\x03"), unknown),
        ("AES-128 key wrap", edited(der, b"\x03\x04\x01\x2d", b"\x03\x04\x01\x05"), unknown),
        ("AES-256-CBC", edited(der, b"\x03\x04\x01\x2e", b"\x03\x04\x01\x2a"), unknown),
        ("tag said to be shorter", edited(der, b"\x02\x01\x10", b"\x02\x01\x0c"), unknown),
        ("nonce of 16 bytes", long_nonce, unknown),
        ("wrapped key damaged", flipped(der, wrapped), wrong_key),
        ("content damaged", flipped(der, -19), wrong_tag),
        ("tag damaged", flipped(der, -1), wrong_tag),
    ]
    fitting = {"wrapping_key": key.hex(), "key_identifier": identifier.hex()}
    made: list[tuple[str, object, str]] = [(name, fitting | {"der": data.hex()}, text) for name, data, text in cases]
    whole = fitting | {"der": der.hex()}
    made.append(("another wrapping key", whole | {"wrapping_key": bytes(32).hex()}, wrong_key))
    made.append(("another key identifier", whole | {"key_identifier": bytes(16).hex()}, "another share set"))
    return made


def archives() -> Cases:
    """Archives that are not laid out in the one way."""
    good = payload.pack({"README.txt": b"text", "certs/x": b"x"})
    damage, layout = "cannot be read", "not laid out"
    cases = [
        ("empty", b"", damage),
        ("not an archive", b"PK" * 50, damage),
        ("truncated", good[:-1], damage),
        ("content damaged", edited(good, b"textPK", b"tixtPK"), damage),
        ("member deflated", _archive(method=zipfile.ZIP_DEFLATED), "compressed ones"),
        ("another date", _archive(year=2026), layout),
        ("another mode", _archive(mode=0o100644), layout),
        ("archive comment", _archive(comment=b"comment"), layout),
        ("member twice", _archive(count=2), layout),
        ("byte before the archive", b"\0" + good, layout),
    ]
    return [(name, data.hex(), message) for name, data, message in cases]


def _archive(
    *, year: int = 1980, mode: int = 0o100600, method: int = zipfile.ZIP_STORED, comment: bytes = b"", count: int = 1
) -> bytes:
    """An archive as it should be, but for one thing."""
    entry = zipfile.ZipInfo("certs/x", (year, 1, 1, 0, 0, 0))
    entry.external_attr, entry.create_system, entry.compress_type = mode << 16, 3, method
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings(action="ignore"):
        archive.comment = comment
        for _ in range(count):
            archive.writestr(entry, b"x" * 20)
    return buffer.getvalue()


def openings() -> Iterable[Vector]:
    """Packages that are whole, but whose content is not what the manifest says."""
    right = plain_manifest()
    contents = members_of(right)
    intermediate = certificate_entry(INTERMEDIATE_CERTIFICATE)
    both = replace(right, keys=(key_entry("root"), key_entry("intermediate")))
    both = replace(both, files=(*right.files, intermediate.file), certificates=(*right.certificates, intermediate))
    crossed = replace(both, keys=(replace(both.keys[0], public_file=intermediate.file), both.keys[1]))
    other_key = replace(right, keys=(replace(right.keys[0], public_key="0" * 64),))
    other_certificate = replace(right, certificates=(replace(right.certificates[0], sha256="0" * 64),))
    unnamed = replace(both, certificates=right.certificates)
    shorter = {name: content for name, content in contents.items() if name != CONFIG}
    cases = [
        ("another manifest inside", right, contents, "PackageError", "differs from the one outside"),
        ("member too many", right, contents | {"certs/x": b"x"}, "PackageError", "certs/x"),
        ("member missing", right, shorter, "PackageError", CONFIG),
        ("another key", other_key, contents, "KeyFileError", "not the one that its manifest names"),
        ("key of another certificate", crossed, members_of(both), "KeyFileError", "does not belong to its certificate"),
        ("another certificate", other_certificate, contents, "CertificateError", "not those that its manifest names"),
        ("certificate not named", unnamed, members_of(both), "CertificateError", "not those that its manifest names"),
    ]
    for name, manifest, members, error, message in cases:
        inside = replace(manifest, epoch=2) if name == "another manifest inside" else manifest
        archive = payload.pack({README_MEMBER: b"", MANIFEST_MEMBER: inside.encode(), **members})
        with randomness(name):
            sealed = Package(manifest, cms.encrypt(PLAIN.secret, manifest.set_id, archive))
        given = {"wrapping_key": PLAIN.secret.hex(), "package": lines_of(sealed.encode())}
        yield {"name": name, "input": given, "error": error, "message": message}
