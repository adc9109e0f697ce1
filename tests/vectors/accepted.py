"""The vectors that are accepted, and what they are made of: fixed keys, fixed secrets, fixed randomness."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from escrow import certificates, cms, package, payload, shamir
from escrow.contents import key_fingerprint
from escrow.keys import public_half
from escrow.manifest import CertificateEntry, KeyEntry, Manifest, Superseded
from escrow.memory import Secret
from escrow.package import Package
from escrow.policy import Group, Policy, Position
from escrow.share import Kind, Record, commitment, key_check, ssss_lines
from escrow.wordlist import WORDS
from escrow.words import ILLEGIBLE, to_words

Vector = dict[str, Any]

HERE = Path(__file__).parent
CREATED = "2026-11-22T09:30:00Z"
ROOT_CERTIFICATE, INTERMEDIATE_CERTIFICATE = "certs/root_ca.crt", "certs/intermediate_ca.crt"
CONFIG, TEMPLATE = "config/ca.json", "templates/x509/Übung.tpl"
MADE_HERE = {
    CONFIG: json.dumps({"root": ROOT_CERTIFICATE, "crt": ROOT_CERTIFICATE, "key": "secrets/root_ca_key"}).encode(),
    TEMPLATE: b"{{ toJson .Subject }}\n",
}


def fixed(label: str) -> Callable[[int], bytes]:
    """A source of bytes that look random: the first ones of SHA-256 over the label and a counter."""
    counter = iter(range(1 << 16))

    def draw(length: int) -> bytes:
        return hashlib.sha256(f"step-ca escrow vectors: {label} {next(counter)}".encode()).digest()[:length]

    return draw


@contextmanager
def randomness(label: str) -> Iterator[list[bytes]]:
    """Hand out fixed bytes wherever the library draws random ones. Yields a list of what was drawn for splitting."""
    draw = fixed(label)
    drawn: list[bytes] = []

    def draw_and_note(length: int) -> bytes:
        drawn.append(draw(length))
        return drawn[-1]

    with patch("Crypto.Protocol.SecretSharing.rng", draw_and_note), patch("os.getrandom", draw):
        yield drawn


@dataclass(frozen=True)
class Split:
    """A wrapping key that was split by a policy."""

    policy: Policy
    secret: bytes
    values: dict[Position, bytes]
    vector: Vector

    @property
    def facts(self) -> Vector:
        """What a manifest says of it."""
        groups = [[share["commitment"] for share in group["shares"]] for group in self.vector["groups"]]
        return {
            "policy": self.policy,
            "commitments": tuple(map(tuple, groups)),
            "key_check": self.vector["key_check"],
        }


def split(name: str, policy: Policy, secret: bytes) -> Split:
    """Split a wrapping key among the groups, and each group's part among its shares."""
    parts, coefficients = _split_once(f"{name}, groups", secret, policy.threshold, len(policy.groups))
    values: dict[Position, bytes] = {}
    groups = []
    for number, group in enumerate(policy.groups, 1):
        shares, of_group = _split_once(f"{name}, group {number}", parts[number], group.threshold, group.shares)
        entries = []
        for x, value in shares.items():
            values[Position(number, x)] = value
            hashed = commitment(Position(number, x), group.threshold, value)
            entries.append({"x": x, "value": value.hex(), "commitment": hashed.hex()})
        part = {"threshold": group.threshold, "part": parts[number].hex()}
        groups.append(part | {"coefficients": of_group, "shares": entries})
    top = {"name": name, "secret": secret.hex(), "key_check": key_check(secret).hex(), "threshold": policy.threshold}
    return Split(policy, secret, values, top | {"coefficients": coefficients, "groups": groups})


def _split_once(label: str, secret: bytes, k: int, n: int) -> tuple[dict[int, bytes], Vector]:
    """The shares, and the coefficients of both lanes, of which the last is drawn first."""
    with randomness(label) as drawn:
        shares = shamir.split(secret, k, n)
    coefficients = [value.hex() for value in drawn]
    return shares, {"left": coefficients[: k - 1][::-1], "right": coefficients[k - 1 :][::-1]}


PLAIN = split("plain 2 of 3", Policy.plain(2, 3), bytes(range(32)))
GROUPS = split(
    "2 of 3 groups, one of them a single share",
    Policy(2, (Group(2, 3), Group(1, 1), Group(2, 2))),
    bytes(range(0xFF, 0xDF, -1)),
)
RECORD = Record(Kind.PRODUCTION, fixed("a set")(8), 1, 2, 3, fixed("a value")(32))


def record_vector(record: Record) -> Vector:
    """A share in all its forms."""
    return {
        "kind": record.kind.value,
        "set_id": record.set_id.hex(),
        "group": record.group,
        "x": record.x,
        "k": record.k,
        "value": record.value.hex(),
        "record": record.encode().hex(),
        "text": record.to_text(),
        "words": lines_of_words(to_words(record.encode())),
        **dict(zip(("left", "right"), ssss_lines(record), strict=True)),
    }


def lines_of_words(rows: Sequence[Sequence[str]]) -> list[str]:
    """Words as one line a row."""
    return [" ".join(row) for row in rows]


def lines_of(text: bytes) -> list[str]:
    """A text as lines: joined by newlines, they are the text again."""
    return text.decode().split("\n")


def records() -> list[Vector]:
    """Shares of both kinds, in the middle and at the ends of what their fields can hold."""
    made = {
        "production share": RECORD,
        "specimen share, the same otherwise": replace(RECORD, kind=Kind.SPECIMEN),
        "share of group 3": Record(Kind.PRODUCTION, fixed("another set")(8), 3, 5, 4, fixed("another value")(32)),
        "only share of group 2": Record(Kind.SPECIMEN, fixed("a third set")(8), 2, 1, 1, fixed("a third value")(32)),
        "smallest fields": Record(Kind.PRODUCTION, bytes(8), 1, 1, 1, bytes(32)),
        "largest fields": Record(Kind.SPECIMEN, b"\xff" * 8, 255, 255, 255, b"\xff" * 32),
    }
    return [{"name": name} | record_vector(record) for name, record in made.items()]


def damaged(wrong: Sequence[int], illegible: Sequence[int] = ()) -> list[list[str]]:
    """The words of a share, with mistakes in some of its 64 places; the check words stay as they are."""
    rows = to_words(RECORD.encode())
    for place in (*wrong, *illegible):
        row = rows[place // 8]
        row[place % 8] = WORDS[WORDS.index(row[place % 8]) ^ 0x55] if place in wrong else ILLEGIBLE
    return rows


def words() -> list[Vector]:
    """Words with as many mistakes as can be mended."""
    mistakes: dict[str, tuple[Sequence[int], Sequence[int]]] = {
        "no mistake": ((), ()),
        "eight wrong words": ((0, 7, 9, 20, 31, 46, 50, 63), ()),
        "sixteen illegible words, two whole rows": ((), (*range(8, 16), *range(40, 48))),
        "four wrong and eight illegible words": ((1, 2, 3, 62), range(24, 32)),
        "wrong words in the parity alone": (range(56, 64), ()),
    }
    right = to_words(RECORD.encode())
    made = []
    for name, (wrong, illegible) in mistakes.items():
        given = damaged(wrong, illegible)
        corrections = [
            {"row": row, "column": column, "given": word, "word": right[row - 1][column - 1]}
            for row, line in enumerate(given, 1)
            for column, word in enumerate(line, 1)
            if word != right[row - 1][column - 1]
        ]
        found = {"words": lines_of_words(given), "record": RECORD.encode().hex(), "corrections": corrections}
        made.append({"name": name} | found)
    return made


def splits() -> list[Vector]:
    """Wrapping keys split by different policies."""
    small = Policy(3, (Group(1, 1), Group(3, 3), Group(1, 1)))
    more = [
        split("plain 3 of 5", Policy.plain(3, 5), fixed("wrapping key")(32)),
        split("3 of 3 groups, the key is zero", small, bytes(32)),
    ]
    return [made.vector for made in (PLAIN, GROUPS, *more)]


def input_file(file: str) -> bytes:
    """A file of a tree: one of those in input/, or one that is made here."""
    return MADE_HERE[file] if file in MADE_HERE else (HERE / "input" / Path(file).name).read_bytes()


def key_entry(name: str) -> KeyEntry:
    """The entry of a key in input/."""
    file = f"secrets/{name}_ca_key"
    with Secret.of(input_file(file)) as pem:
        return KeyEntry(name, file, "EC P-256", key_fingerprint(public_half(pem, name)), f"certs/{name}_ca.crt")


def certificate_entry(file: str) -> CertificateEntry:
    """The entry of a certificate in input/."""
    (certificate,) = certificates.read(input_file(file), file)
    return CertificateEntry(file, certificate.subject.rfc4514_string(), certificates.fingerprint(certificate))


def plain_manifest() -> Manifest:
    """One key, one certificate, plain 2 of 3."""
    return Manifest(
        kind=Kind.PRODUCTION,
        ca="Vector CA",
        created=CREATED,
        epoch=1,
        supersedes=(),
        certificates=(certificate_entry(ROOT_CERTIFICATE),),
        keys=(key_entry("root"),),
        files=(ROOT_CERTIFICATE, CONFIG),
        **PLAIN.facts,
    )


def groups_manifest() -> Manifest:
    """Groups, a superseded set, characters beyond ASCII and such as JSON escapes."""
    return Manifest(
        kind=Kind.SPECIMEN,
        ca='Vector "Übung" \\ 例',
        created=CREATED,
        epoch=2,
        supersedes=(Superseded(1, "00112233445566778899aabbccddeeff"),),
        certificates=(certificate_entry(INTERMEDIATE_CERTIFICATE), certificate_entry(ROOT_CERTIFICATE)),
        keys=(key_entry("root"), key_entry("intermediate")),
        files=(INTERMEDIATE_CERTIFICATE, ROOT_CERTIFICATE, TEMPLATE),
        **GROUPS.facts,
    )


def other_manifest() -> Manifest:
    """Several superseded sets, an SSH key, a key that stands alone, a certificate without a subject."""
    made = split("of a manifest", Policy.plain(2, 2), fixed("wrapping key")(32))
    hashes = [hashlib.sha256(text).hexdigest() for text in (b"1", b"2", b"3")]
    return Manifest(
        kind=Kind.PRODUCTION,
        ca="CA",
        created="2031-01-31T23:59:59Z",
        epoch=3,
        supersedes=(Superseded(1, fixed("first")(16).hex()), Superseded(2, fixed("second")(16).hex())),
        certificates=(CertificateEntry("certs/x.crt", "(empty)", hashes[0]),),
        keys=(
            KeyEntry("ssh-host", "secrets/ssh_host_ca_key", "Ed25519", hashes[1], "certs/ssh_host_ca_key.pub"),
            KeyEntry("alone", "secrets/alone", "RSA 3072", hashes[2], None),
        ),
        files=("certs/ssh_host_ca_key.pub", "certs/x.crt"),
        **made.facts,
    )


def manifests() -> list[Vector]:
    """Manifests with little and with much in them."""
    made = {"plain": plain_manifest(), "groups": groups_manifest(), "other": other_manifest()}
    return [
        {"name": name, "set_id": manifest.set_id.hex(), "manifest": lines_of(manifest.encode())}
        for name, manifest in made.items()
    ]


def members_of(manifest: Manifest) -> dict[str, bytes]:
    """The files that a manifest names: the keys, then the others."""
    return {name: input_file(name) for name in (*(entry.file for entry in manifest.keys), *manifest.files)}


def seal(name: str, manifest: Manifest, secret: bytes, members: Mapping[str, bytes]) -> Package:
    """Seal a package with a fixed content key and nonce."""
    secrets = {file: Secret.of(content) for file, content in members.items()}
    with randomness(name):
        return package.seal(manifest, Secret.of(secret), secrets)


def plain_package() -> Package:
    """The package that others are compared with."""
    return seal("plain", plain_manifest(), PLAIN.secret, members_of(plain_manifest()))


def packages() -> list[Vector]:
    """Whole packages with all their shares."""
    groups = groups_manifest()
    made = {
        "plain": (plain_package(), PLAIN),
        "groups": (seal("groups", groups, GROUPS.secret, members_of(groups)), GROUPS),
    }
    return [_package_vector(name, sealed, of) for name, (sealed, of) in made.items()]


def _package_vector(name: str, sealed: Package, of: Split) -> Vector:
    manifest = sealed.manifest
    opened = cms.decrypt(of.secret, manifest.set_id, sealed.cms)
    shares = [
        Record(manifest.kind, manifest.short_set_id, p.group, p.x, of.policy.threshold_of(p.group), value)
        for p, value in of.values.items()
    ]
    return {
        "name": name,
        "wrapping_key": of.secret.hex(),
        "set_id": manifest.set_id.hex(),
        "zip_sha256": hashlib.sha256(opened).hexdigest(),
        "members": list(payload.unpack(opened)),
        "shares": [record_vector(share) for share in shares],
        "package": lines_of(sealed.encode()),
    }
