"""The manifest: one canonical text for each share set, every other text refused, and every wrong share explained."""

import contextlib
import copy
import datetime as dt
import hashlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from escrow.errors import ManifestError
from escrow.manifest import (
    CertificateEntry,
    KeyEntry,
    Manifest,
    Superseded,
    group_hex,
    is_printable,
    is_tree_path,
)
from escrow.policy import Group, Policy, Position
from escrow.share import Kind, Record, commitment

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True)

VALUES = {position: bytes([position.group, position.x]) * 16 for position in Policy(2, (Group(2, 3),) * 2).positions}
OLDER, OLDEST = "0123456789abcdef" + "00" * 8, "fedcba9876543210" + "11" * 8


def commitments(policy: Policy) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(
            commitment(Position(g, x), group.threshold, VALUES[Position(g, x)]).hex()
            for x in range(1, group.shares + 1)
        )
        for g, group in enumerate(policy.groups, 1)
    )


PLAIN = Manifest(
    kind=Kind.PRODUCTION,
    ca='Ümläut "CA" \\ Ltd',
    created="2026-11-22T09:30:00Z",
    epoch=3,
    supersedes=(Superseded(1, OLDEST), Superseded(2, OLDER)),
    policy=Policy.plain(2, 3),
    commitments=commitments(Policy.plain(2, 3)),
    key_check="ab" * 32,
    certificates=(CertificateEntry("certs/root_ca.crt", "CN=Root", "cd" * 32),),
    keys=(
        KeyEntry("root", "secrets/root_ca_key", "EC P-256", "ef" * 32, "certs/root_ca.crt"),
        KeyEntry("other", "secrets/other", "RSA 3072", "00" * 32, None),
    ),
    files=("certs/root_ca.crt", "config/ca.json"),
)
TWO_GROUPS = Policy(2, (Group(2, 3), Group(1, 1)))
GROUPED = replace(PLAIN, policy=TWO_GROUPS, commitments=commitments(TWO_GROUPS))
SPECIMEN = replace(PLAIN, kind=Kind.SPECIMEN)


# Every manifest, as hypothesis can think of it.

lines = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=12)
parts = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="/", include_characters=" "), min_size=1
)
parts = parts.filter(lambda part: part not in {".", ".."})
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
epochs = st.lists(st.integers(1, 9999), min_size=1, max_size=4, unique=True).map(sorted)
times = st.datetimes(dt.datetime(1000, 1, 1)).map(  # noqa: DTZ001 - UTC is what the Z says
    lambda time: time.isoformat(timespec="seconds") + "Z"
)


def paths(directory: str) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=1, max_size=3).map(lambda names: "/".join([directory, *names]))


thresholds = st.integers(2, 5).flatmap(lambda n: st.builds(Group, threshold=st.integers(2, n), shares=st.just(n)))
plain_policies = thresholds.map(lambda group: Policy(1, (group,)))
group_lists = st.lists(thresholds | st.just(Group(1, 1)), min_size=2, max_size=4)
grouped_policies = group_lists.flatmap(
    lambda groups: st.integers(2, len(groups)).map(lambda threshold: Policy(threshold, tuple(groups)))
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    policy = draw(plain_policies | grouped_policies)
    files = draw(st.lists(paths("certs") | paths("config") | paths("templates"), max_size=5, unique=True))
    in_certs = [file for file in files if file.startswith("certs/")]
    named = draw(st.dictionaries(paths("secrets"), lines, min_size=1, max_size=4))
    assume(not any(path.startswith(other + "/") for path in (*files, *named) for other in (*files, *named)))
    *earlier, epoch = draw(epochs)
    names = draw(st.lists(lines, min_size=len(named), max_size=len(named), unique=True))
    return Manifest(
        kind=draw(st.sampled_from(Kind)),
        ca=draw(lines),
        created=draw(times),
        epoch=epoch,
        supersedes=tuple(Superseded(number, draw(hashes)[:32]) for number in earlier),
        policy=policy,
        commitments=tuple(tuple(draw(hashes) for _ in range(group.shares)) for group in policy.groups),
        key_check=draw(hashes),
        certificates=tuple(CertificateEntry(file, draw(lines), draw(hashes)) for file in in_certs),
        keys=tuple(
            KeyEntry(name, file, algorithm, draw(hashes), draw(st.sampled_from([None, *in_certs])))
            for name, (file, algorithm) in zip(names, named.items(), strict=True)
        ),
        files=tuple(files),
    )


@PROPERTY
@given(manifests())
@example(PLAIN)
@example(GROUPED)
@example(SPECIMEN)
def test_decoding_gives_back_the_manifest_that_was_encoded(manifest: Manifest) -> None:
    data = manifest.encode()
    decoded = Manifest.decode(data)
    assert decoded == manifest
    assert decoded.encode() == data
    assert decoded.set_id == manifest.set_id


@PROPERTY
@given(manifests())
def test_the_set_id_is_the_hash_of_the_text(manifest: Manifest) -> None:
    assert manifest.set_id == hashlib.sha256(manifest.encode()).digest()[:16]
    assert manifest.short_set_id == manifest.set_id[:8]


def test_the_text_is_canonical_json_that_people_can_read() -> None:
    text = PLAIN.encode().decode()
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert 'Ümläut \\"CA\\" \\\\ Ltd' in text
    assert json.loads(text)["policy"] == {"threshold": 1, "groups": [{"threshold": 2, "shares": 3}]}
    assert json.loads(GROUPED.encode())["policy"] == {
        "threshold": 2,
        "groups": [{"threshold": 2, "shares": 3}, {"threshold": 1, "shares": 1}],
    }


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, kind=Kind.SPECIMEN),
        replace(PLAIN, ca="Another CA"),
        replace(PLAIN, created="2026-11-22T09:30:01Z"),
        replace(PLAIN, epoch=4),
        replace(PLAIN, supersedes=PLAIN.supersedes[1:]),
        replace(PLAIN, policy=Policy.plain(3, 3)),
        replace(PLAIN, commitments=(PLAIN.commitments[0][::-1],)),
        replace(PLAIN, key_check="ac" * 32),
        replace(PLAIN, certificates=()),
        replace(PLAIN, keys=PLAIN.keys[::-1]),
        replace(PLAIN, files=PLAIN.files[::-1]),
    ],
)
def test_whatever_changes_in_a_manifest_the_set_id_changes(other: Manifest) -> None:
    assert other.set_id != PLAIN.set_id
    assert Manifest.decode(other.encode()) == other


def test_each_share_has_its_own_commitment() -> None:
    for position in TWO_GROUPS.positions:
        expected = commitment(position, TWO_GROUPS.threshold_of(position.group), VALUES[position])
        assert GROUPED.commitment_at(position) == expected


# Texts that are refused.


def canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def fields_of(manifest: Manifest) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(manifest.encode())
    return fields


Place = tuple[str | int, ...]


def with_value(manifest: Manifest, place: Place, value: object) -> bytes:
    """The canonical text of a manifest's fields with one value replaced, whether that makes sense or not."""
    fields: Any = fields_of(manifest)
    inner = fields
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return canonical(fields)


def places(value: object, place: Place = ()) -> list[Place]:
    """Where the values of a JSON document are, those that hold others included."""
    found = [place] if place else []
    if isinstance(value, dict):
        found += [inner for name, entry in value.items() for inner in places(entry, (*place, name))]
    if isinstance(value, list):
        found += [inner for number, entry in enumerate(value) for inner in places(entry, (*place, number))]
    return found


PLACES = places(fields_of(PLAIN))
HEX = "ab" * 32

WRONG_VALUES: list[tuple[Place, object, str]] = [
    (("format",), "step-ca escrow package", "format version"),
    (("format",), None, "format version"),
    (("version",), 2, "format version 2; this program reads 1. Use a newer one"),
    (("version",), "1", "format version '1'"),
    (("version",), 0, "format version 0"),
    (("kind",), "rehearsal", "The manifest cannot be read"),
    (("kind",), "Production", "The manifest cannot be read"),
    (("kind",), None, "The manifest cannot be read"),
    (("ca",), "", "field 'ca' is not valid"),
    (("ca",), "two\nlines", "field 'ca' is not valid"),
    (("ca",), "tab\t", "field 'ca' is not valid"),
    (("ca",), "right\u202eleft", "field 'ca' is not valid"),
    (("ca",), "zero\u200bwidth", "field 'ca' is not valid"),
    (("ca",), "no-break\u00a0space", "field 'ca' is not valid"),
    (("ca",), "x" * 501, "field 'ca' is not valid"),
    (("ca",), 5, "field 'ca' is not valid"),
    (("ca",), ["x"], "field 'ca' is not valid"),
    (("created",), "2026-11-22", "field 'created' is not valid"),
    (("created",), "2026-11-22T09:30:00+01:00", "field 'created' is not valid"),
    (("created",), "2026-11-22 09:30:00Z", "field 'created' is not valid"),
    (("created",), "2026-11-22T09:30:00Z\n", "field 'created' is not valid"),
    (("created",), "22026-11-22T09:30:00Z", "field 'created' is not valid"),
    (("created",), 20261122, "The manifest"),
    (("created",), "٢٠٢٦-11-22T09:30:00Z", "field 'created' is not valid"),
    (("created",), "2026-02-30T09:30:00Z", "field 'created' is not valid"),
    (("created",), "2026-11-22T24:00:00Z", "field 'created' is not valid"),
    (("created",), "2026-11-22T09:30:60Z", "field 'created' is not valid"),
    (("created",), "2026-1-22T09:30:00Z", "field 'created' is not valid"),
    (("epoch",), 0, "is not valid"),
    (("epoch",), -1, "is not valid"),
    (("epoch",), 1.5, "is not valid"),
    (("epoch",), "3", "is not valid"),
    (("epoch",), None, "is not valid"),
    (("epoch",), 10_000, "is not valid"),
    (("epoch",), 2, "is not valid"),  # which this very set supersedes
    (("epoch",), 1, "is not valid"),
    (("epoch",), True, "is not valid"),
    (("epoch",), 3.0, "is not valid"),
    (("supersedes", 0, "epoch"), 0, "is not valid"),
    (("supersedes", 0, "epoch"), 2, "is not valid"),
    (("supersedes", 1, "epoch"), 1, "is not valid"),
    (("supersedes", 1, "epoch"), 3, "is not valid"),
    (("supersedes", 1, "epoch"), 4, "is not valid"),
    (("supersedes", 0, "epoch"), True, "is not valid"),
    (("supersedes", 0, "set_id"), OLDER[:-1], "field 'supersedes' is not valid"),
    (("supersedes", 0, "set_id"), OLDER.upper(), "field 'supersedes' is not valid"),
    (("supersedes", 0, "set_id"), OLDER + "\n", "field 'supersedes' is not valid"),
    (("supersedes", 0, "set_id"), None, "The manifest cannot be read"),
    (("supersedes",), {}, "not in its canonical form"),
    (("supersedes",), "", "not in its canonical form"),
    (("supersedes",), None, "The manifest cannot be read"),
    (("supersedes", 0), [1, OLDER], "The manifest cannot be read"),
    (("policy",), {}, "The manifest cannot be read"),
    (("policy",), None, "The manifest cannot be read"),
    (("policy", "threshold"), 0, "A threshold of 0 cannot be met by 1 groups"),
    (("policy", "threshold"), 2, "A threshold of 2 cannot be met by 1 groups"),
    (("policy", "threshold"), True, "is not valid"),
    (("policy", "threshold"), 1.0, "is not valid"),
    (("policy", "threshold"), "1", "The manifest cannot be read"),
    (("policy", "groups"), [], "0 groups cannot be made"),
    (("policy", "groups", 0, "threshold"), 1, "would give each of them the whole secret"),
    (("policy", "groups", 0, "threshold"), 4, "A threshold of 4 cannot be met by 3 shares"),
    (("policy", "groups", 0, "threshold"), 2.0, "is not valid"),
    (("policy", "groups", 0, "shares"), 4, "is not valid"),
    (("policy", "groups", 0, "shares"), 2, "is not valid"),
    (("policy", "groups", 0, "shares"), 256, "256 shares cannot be made"),
    (("policy", "groups", 0, "shares"), None, "The manifest cannot be read"),
    (("commitments",), [], "field 'commitments' is not valid"),
    (("commitments",), [[HEX] * 2], "field 'commitments' is not valid"),
    (("commitments",), [[HEX] * 4], "field 'commitments' is not valid"),
    (("commitments",), [[HEX] * 3] * 2, "field 'commitments' is not valid"),
    (("commitments",), [HEX], "field 'commitments' is not valid"),
    (("commitments", 0, 1), HEX[:-1], "field 'commitments' is not valid"),
    (("commitments", 0, 1), HEX.upper(), "field 'commitments' is not valid"),
    (("commitments", 0, 1), HEX + "\n", "field 'commitments' is not valid"),
    (("commitments", 0, 1), "é" * 64, "field 'commitments' is not valid"),
    (("commitments", 0, 1), "٣" * 64, "field 'commitments' is not valid"),
    (("commitments", 0, 1), None, "The manifest cannot be read"),
    (("commitments", 0), 3, "The manifest cannot be read"),
    (("key_check",), HEX[:-2], "is not valid"),
    (("key_check",), None, "The manifest cannot be read"),
    (("certificates", 0, "sha256"), HEX + "ab", "is not valid"),
    (("certificates", 0, "file"), "certs/other.crt", "field 'certificates' is not valid"),
    (("certificates", 0, "subject"), "CN=Root\nCN=Other", "field 'certificates' is not valid"),
    (("certificates", 0, "subject"), "", "field 'certificates' is not valid"),
    (("certificates", 0, "subject"), None, "field 'certificates' is not valid"),
    (("certificates",), {}, "not in its canonical form"),
    (("keys",), [], "field 'keys' is not valid"),
    (("keys", 1, "name"), "root", "field 'keys' is not valid"),
    (("keys", 1, "name"), "two\nlines", "is not valid"),
    (("keys", 1, "name"), "", "is not valid"),
    (("keys", 1, "algorithm"), "", "is not valid"),
    (("keys", 1, "algorithm"), None, "is not valid"),
    (("keys", 1, "public_key"), HEX[1:], "is not valid"),
    (("keys", 1, "public_file"), "certs/absent.crt", "field 'public_file' is not valid"),
    (("keys", 1, "public_file"), "secrets/root_ca_key", "field 'public_file' is not valid"),
    (("keys", 1, "public_file"), "config/ca.json", "field 'public_file' is not valid"),
    (("keys", 1, "public_file"), "", "field 'public_file' is not valid"),
    (("keys", 1, "file"), "secrets/root_ca_key", "is not valid"),
    (("keys", 1, "file"), "certs/root_ca.crt", "is not valid"),
    (("keys", 1, "file"), "../secrets/key", "is not valid"),
    (("keys", 1, "file"), "/secrets/key", "is not valid"),
    (("keys", 1, "file"), "certs/key", "is not valid"),
    (("keys", 1, "file"), "config/key", "is not valid"),
    (("keys", 1, "file"), "secrets/root_ca_key/inside", "is not valid"),
    (("keys", 1, "file"), "secrets", "is not valid"),
    (("files", 1), "certs/root_ca.crt", "field 'files' is not valid"),
    (("files", 1), "config/../../etc/passwd", "field 'files' is not valid"),
    (("files", 1), "secrets/plain", "field 'files' is not valid"),
    (("files", 1), "certs/root_ca.crt/inside", "field 'files' is not valid"),
    (("files", 1), "/config/ca.json", "field 'files' is not valid"),
    (("files", 1), "db/000001.vlog", "field 'files' is not valid"),
    (("files", 1), "config/", "field 'files' is not valid"),
    (("files", 1), 7, "field 'files' is not valid"),
    (("files", 1), None, "field 'files' is not valid"),
    (("files", 1), ["config/ca.json"], "The manifest"),
    (("files",), "certs/root_ca.crt", "field 'files' is not valid"),
    (("files",), None, "The manifest cannot be read"),
]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    WRONG_VALUES,
    ids=[f"{'.'.join(map(str, place))} {number}" for number, (place, _, _) in enumerate(WRONG_VALUES)],
)
def test_a_manifest_with_a_wrong_value_is_refused_and_the_message_says_where(
    place: Place, value: object, message: str
) -> None:
    with pytest.raises(ManifestError) as refusal:
        Manifest.decode(with_value(PLAIN, place, value))
    assert message in str(refusal.value)


def without(place: Place) -> bytes:
    fields: Any = fields_of(PLAIN)
    inner = fields
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    return canonical(fields)


@pytest.mark.parametrize("place", [place for place in PLACES if isinstance(place[-1], str)], ids=str)
def test_a_manifest_without_one_of_its_fields_is_refused(place: Place) -> None:
    with pytest.raises(ManifestError):
        Manifest.decode(without(place))


@pytest.mark.parametrize(
    "place",
    [(), ("policy",), ("policy", "groups", 0), ("certificates", 0), ("keys", 0), ("supersedes", 0)],
    ids=str,
)
def test_a_manifest_with_a_field_that_nobody_knows_is_refused(place: Place) -> None:
    with pytest.raises(ManifestError):
        Manifest.decode(with_value(PLAIN, (*place, "zzz"), None))


Change = Callable[[str], str]

OTHER_FORMS: dict[str, Change] = {
    "no newline at the end": lambda text: text[:-1],
    "two newlines at the end": lambda text: text + "\n",
    "a space at the end": lambda text: text + " ",
    "a space in front": lambda text: " " + text,
    "a byte order mark": lambda text: "\ufeff" + text,
    "Windows line endings": lambda text: text.replace("\n", "\r\n"),
    "indented by two": lambda text: json.dumps(json.loads(text), sort_keys=True, indent=2, ensure_ascii=False) + "\n",
    "on one line": lambda text: json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False) + "\n",
    "keys not sorted": lambda text: (
        json.dumps(dict(reversed(json.loads(text).items())), indent=1, ensure_ascii=False) + "\n"
    ),
    "a character written as escape": lambda text: text.replace("Ü", "\\u00dc"),
    "a slash written as escape": lambda text: text.replace("certs/root", "certs\\/root"),
    "a number as fraction": lambda text: text.replace('"version": 1', '"version": 1.0'),
    "a number as power": lambda text: text.replace('"epoch": 3', '"epoch": 3e0'),
    "a number as truth": lambda text: text.replace('"version": 1', '"version": true'),
    "a field twice, the same": lambda text: text.replace('"epoch": 3,', '"epoch": 3,\n "epoch": 3,'),
    "a field twice, the first wrong": lambda text: text.replace('"epoch": 3,', '"epoch": 9,\n "epoch": 3,'),
    "a comma too many": lambda text: text.replace("\n}", ",\n}"),
    "text after the end": lambda text: text + "{}\n",
    "a list around it": lambda text: f"[{text}]",
    "only a list": lambda _: "[]\n",
    "only a number": lambda _: "1\n",
    "only a text": lambda _: '"step-ca escrow manifest"\n',
    "only null": lambda _: "null\n",
    "an empty object": lambda _: "{}\n",
    "nothing": lambda _: "",
    "nesting without end": lambda _: "[" * 100_000,
    "a number without end": lambda text: text.replace('"epoch": 3', '"epoch": ' + "9" * 5000),
    "infinity": lambda text: text.replace('"epoch": 3', '"epoch": Infinity'),
    "not a number": lambda text: text.replace('"epoch": 3', '"epoch": NaN'),
    "infinite shares": lambda text: text.replace('"shares": 3', '"shares": Infinity'),
    "half of a character": lambda text: text.replace("Ü", "\\ud800"),
    "a zero byte": lambda text: text.replace("Ü", "\\u0000"),
}


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_any_other_form_of_the_same_text_is_refused(name: str) -> None:
    text = PLAIN.encode().decode()
    changed = OTHER_FORMS[name](text)
    assert changed != text
    with pytest.raises(ManifestError):
        Manifest.decode(changed.encode())


@pytest.mark.parametrize("data", [b"\xff", b"\xff\xfe{\x00}\x00", PLAIN.encode().decode().encode("latin-1")])
def test_bytes_that_are_not_utf_8_are_refused(data: bytes) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        Manifest.decode(data)


def test_a_manifest_of_more_than_a_mebibyte_is_refused() -> None:
    entry = CertificateEntry("certs/root_ca.crt", "🔑" * 300, "cd" * 32)  # 4 bytes each

    def with_entries(count: int, missing: int = 0) -> Manifest:
        fill = ["x" * (1 + missing * (part + 1) // 4 - missing * part // 4) for part in range(4)]
        names = (
            replace(key, name=f"{number}{text}")
            for number, (key, text) in enumerate(zip(PLAIN.keys, fill, strict=False))
        )
        last = replace(entry, subject=fill[3])
        return replace(PLAIN, ca=fill[2], keys=tuple(names), certificates=(*[entry] * count, last))

    one = len(with_entries(2).encode()) - len(with_entries(1).encode())
    count, missing = divmod((1 << 20) - len(with_entries(0).encode()), one)
    longest = with_entries(count, missing)
    assert len(longest.encode()) == 1 << 20
    assert Manifest.decode(longest.encode()) == longest
    with pytest.raises(ManifestError, match="longer than 1048576 bytes"):
        Manifest.decode(replace(longest, ca=longest.ca + "x").encode())


def test_a_manifest_that_names_too_many_files_is_refused_at_once() -> None:
    """Comparing all with all would keep a reader busy for hours."""
    files = [*PLAIN.files, *(f"config/{number}" for number in range(50_000))]
    most = replace(PLAIN, files=tuple(files[: 998 - len(PLAIN.keys) - len(PLAIN.certificates)]))
    assert Manifest.decode(most.encode()) == most
    start = time.monotonic()
    for count in (len(most.files) + 1, len(files)):
        with pytest.raises(ManifestError, match="more than 998 files"):
            Manifest.decode(replace(PLAIN, files=tuple(files[:count])).encode())
    assert time.monotonic() - start < 10


def test_a_text_in_utf_16_is_refused() -> None:
    with pytest.raises(ManifestError):
        Manifest.decode(PLAIN.encode().decode().encode("utf-16"))


def test_a_manifest_that_is_cut_off_anywhere_is_refused() -> None:
    data = PLAIN.encode()
    for length in range(len(data)):
        with pytest.raises(ManifestError):
            Manifest.decode(data[:length])
            pytest.fail(f"{length} bytes")


def test_a_manifest_with_any_bit_flipped_is_refused_or_is_another_set() -> None:
    data = PLAIN.encode()
    refused = 0
    for byte, bit in itertools.product(range(len(data)), range(8)):
        changed = bytearray(data)
        changed[byte] ^= 1 << bit
        try:
            other = Manifest.decode(bytes(changed))
        except ManifestError:
            refused += 1
        else:
            assert other.encode() == bytes(changed)
            assert other.set_id != PLAIN.set_id
    assert refused > 8 * len(data) / 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | hashes,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(PROPERTY, max_examples=400)
@given(st.sampled_from(PLACES), json_values)
def test_whatever_stands_in_a_field_only_a_manifest_error_or_the_same_text_comes_back(
    place: Place, value: object
) -> None:
    data = with_value(PLAIN, place, value)
    try:
        manifest = Manifest.decode(data)
    except ManifestError:
        return
    assert manifest.encode() == data


@PROPERTY
@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_values_that_changed_places_are_refused_or_are_another_set(one: Place, other: Place) -> None:
    fields: Any = fields_of(PLAIN)
    for place, source in ((one, other), (other, one)):
        value: Any = fields_of(PLAIN)
        for step in source:
            value = value[step]
        inner = fields
        with contextlib.suppress(KeyError, IndexError, TypeError):  # the other change has removed this place
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = copy.deepcopy(value)
    data = canonical(fields)
    if data != PLAIN.encode():
        with contextlib.suppress(ManifestError):
            assert Manifest.decode(data).set_id != PLAIN.set_id


@settings(PROPERTY, max_examples=300)
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_random_bytes_and_random_json_raise_only_manifest_errors(data: bytes) -> None:
    with pytest.raises(ManifestError):
        Manifest.decode(data)


# Shares that do not belong here.


def record(manifest: Manifest, group: int = 1, x: int = 2) -> Record:
    """A good share of a manifest."""
    position = Position(group, x)
    k = manifest.policy.threshold_of(group)
    return Record(manifest.kind, manifest.short_set_id, group, x, k, VALUES[position])


@pytest.mark.parametrize("manifest", [PLAIN, GROUPED, SPECIMEN], ids=["plain", "grouped", "specimen"])
def test_every_share_of_a_set_belongs_to_it(manifest: Manifest) -> None:
    for position in manifest.policy.positions:
        assert manifest.problem_with(record(manifest, *position)) is None


FOREIGN = bytes(8)

PROBLEMS: dict[str, tuple[Manifest, Record, str]] = {
    "specimen share, production package": (
        PLAIN,
        record(SPECIMEN),
        "it is a specimen share and the package is production: the two never mix. Look for the right sheet.",
    ),
    "production share, specimen package": (
        SPECIMEN,
        record(PLAIN),
        "it is a production share and the package is specimen: the two never mix. Look for the right sheet.",
    ),
    "another kind, otherwise the same": (
        PLAIN,
        replace(record(PLAIN), kind=Kind.SPECIMEN),
        "it is a specimen share and the package is production",
    ),
    "foreign set": (
        PLAIN,
        replace(record(PLAIN), set_id=FOREIGN),
        "it belongs to another share set (0000 0000 0000 0000), not to this package's",
    ),
    "the epoch before": (
        PLAIN,
        replace(record(PLAIN), set_id=bytes.fromhex(OLDER)[:8]),
        "it belongs to epoch 2, which this set of epoch 3 superseded.",
    ),
    "an epoch long ago": (
        PLAIN,
        replace(record(PLAIN), set_id=bytes.fromhex(OLDEST)[:8]),
        "it belongs to epoch 1, which this set of epoch 3 superseded.",
    ),
    "group 0": (PLAIN, replace(record(PLAIN), group=0), "its group is 0 and the policy has 1."),
    "group too large": (PLAIN, replace(record(PLAIN), group=2), "its group is 2 and the policy has 1."),
    "group 255": (GROUPED, replace(record(GROUPED), group=255), "its group is 255 and the policy has 2."),
    "number 0": (PLAIN, replace(record(PLAIN), x=0), "its number is 0 and shares are numbered from 1 to 3."),
    "number too large": (PLAIN, replace(record(PLAIN), x=4), "its number is 4 and shares are numbered from 1 to 3."),
    "number 255": (PLAIN, replace(record(PLAIN), x=255), "its number is 255 and shares are numbered from 1 to 3."),
    "number too large for its group": (
        GROUPED,
        replace(record(GROUPED, 2, 1), x=2),
        "its number is 2 and shares are numbered from 1 to 1.",
    ),
    "threshold lowered": (
        PLAIN,
        replace(record(PLAIN), k=1),
        "it says that 1 shares are needed and the package says 2: it was changed.",
    ),
    "threshold raised": (
        PLAIN,
        replace(record(PLAIN), k=3),
        "it says that 3 shares are needed and the package says 2: it was changed.",
    ),
    "threshold 0": (PLAIN, replace(record(PLAIN), k=0), "it says that 0 shares are needed and the package says 2"),
    "threshold of another group": (
        GROUPED,
        replace(record(GROUPED, 2, 1), k=2),
        "it says that 2 shares are needed and the package says 1",
    ),
    "value of another share": (
        PLAIN,
        replace(record(PLAIN), value=VALUES[Position(1, 1)]),
        "its value does not fit the commitment in the package: it is misread, mistyped or forged.",
    ),
    "number of another share": (PLAIN, replace(record(PLAIN), x=3), "its value does not fit the commitment"),
    "share of another group": (
        GROUPED,
        replace(record(GROUPED, 2, 1), group=1, k=2),
        "its value does not fit the commitment",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_wrong_with_a_share_is_said(name: str) -> None:
    manifest, wrong, message = PROBLEMS[name]
    problem = manifest.problem_with(wrong)
    assert problem is not None
    assert problem.startswith(message)


def test_a_share_of_another_set_is_told_both_set_ids_and_a_superseded_one_where_to_look() -> None:
    foreign = str(PLAIN.problem_with(replace(record(PLAIN), set_id=FOREIGN)))
    assert group_hex(FOREIGN) in foreign
    assert group_hex(PLAIN.short_set_id) in foreign
    superseded = str(PLAIN.problem_with(replace(record(PLAIN), set_id=bytes.fromhex(OLDER)[:8])))
    assert superseded.endswith("Look for the newer sheet, or for the older package.")


def test_any_single_changed_bit_of_a_value_does_not_fit_the_commitment() -> None:
    good = record(PLAIN)
    for bit in range(256):
        value = (int.from_bytes(good.value, "big") ^ 1 << bit).to_bytes(32, "big")
        assert "does not fit the commitment" in str(PLAIN.problem_with(replace(good, value=value)))


def test_what_is_said_of_a_share_never_quotes_its_value() -> None:
    for manifest, wrong, _ in PROBLEMS.values():
        problem = str(manifest.problem_with(wrong)).lower().replace(" ", "")
        assert wrong.value.hex()[:8] not in problem
        assert repr(wrong.value)[2:-1] not in problem


# The rules for what stands in a manifest.


@pytest.mark.parametrize(
    "path",
    [
        "certs/root_ca.crt",
        "secrets/intermediate_ca_key",
        "config/ca.json",
        "templates/ssh/config.tpl",
        "certs/a b.crt",
        "certs/ä.crt",
        "certs/...",
        "certs/.hidden",
        "certs/..crt",
        "certs/a..b",
        "templates/certs/x",
    ],
)
def test_files_below_the_directories_of_a_steppath_are_accepted(path: str) -> None:
    assert is_tree_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "certs",
        "certs/",
        "/certs/root_ca.crt",
        "//certs/root_ca.crt",
        "certs//root_ca.crt",
        "certs/./root_ca.crt",
        "./certs/root_ca.crt",
        "certs/..",
        "certs/../secrets/key",
        "certs/sub/../../../etc/passwd",
        "../certs/root_ca.crt",
        "..",
        ".",
        "/",
        "etc/passwd",
        "/etc/passwd",
        "db/000001.vlog",
        "Certs/root_ca.crt",
        "certs /root_ca.crt",
        "certsx/root_ca.crt",
        "README.txt",
        "manifest.json",
        "certs/a\nb",
        "certs/a\0b",
        "certs/a\tb",
        "certs/\u202egpj.exe",
        "certs/" + "x" * 500,
        "C:\\certs\\x",
        None,
        7,
        b"certs/root_ca.crt",
        ["certs", "root_ca.crt"],
    ],
    ids=repr,
)
def test_paths_that_lead_elsewhere_are_refused(path: object) -> None:
    assert not is_tree_path(path)


@pytest.mark.parametrize(
    ("path", "directories", "accepted"),
    [
        ("secrets/key", {"secrets"}, True),
        ("certs/key", {"secrets"}, False),
        ("secrets/key", {"certs", "config"}, False),
        ("config/key", {"certs", "config"}, True),
        ("secrets/../certs/key", {"secrets"}, False),
        ("secrets/key", set[str](), False),
    ],
)
def test_a_path_may_be_held_to_some_of_the_directories(path: str, directories: set[str], accepted: bool) -> None:  # noqa: FBT001 - a table
    assert is_tree_path(path, directories) is accepted


@PROPERTY
@given(st.lists(st.sampled_from(["certs", "secrets", "..", ".", "", "a", "etc"]), max_size=6).map("/".join))
def test_an_accepted_path_never_leaves_the_tree(path: str) -> None:
    if is_tree_path(path):
        depth = 0
        for part in path.split("/"):
            depth += {"..": -1, ".": 0, "": -9}.get(part, 1)
            assert depth > 0
        assert path.startswith(("certs/", "secrets/"))


@pytest.mark.parametrize("text", ["x", " ", "Ünïcode", "漢字", "x" * 500, "🔑"])
def test_short_lines_are_printable(text: str) -> None:
    assert is_printable(text)


@pytest.mark.parametrize(
    "text", ["", "x" * 501, "\n", "a\rb", "\x1b[31m", "\x7f", "\u2028", "\u202e", "\ufeff", "\ud800", None, 1, b"x"]
)
def test_control_characters_long_lines_and_other_things_are_not_printable(text: object) -> None:
    assert not is_printable(text)


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"\x01", "01"), (bytes(range(8)), "0001 0203 0405 0607"), (b"\xab\xcd\xef", "ABCD EF")],
)
def test_hex_for_people_is_upper_case_in_groups_of_four(data: bytes, text: str) -> None:
    assert group_hex(data) == text
