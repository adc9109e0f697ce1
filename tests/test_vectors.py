"""The format against its vectors: the library both ways, and a reader that shares no code with it."""

import ast
import base64
import hashlib
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import independent_reader as reader
import pytest
from helpers import need, run

from escrow import cms, errors, package, payload, recovery, shamir, words
from escrow.gather import Collection
from escrow.judge import judge
from escrow.label import Label, set_words, share_words
from escrow.manifest import Manifest
from escrow.memory import Secret
from escrow.package import Package
from escrow.paper import share_code
from escrow.policy import Group, Policy, Position
from escrow.share import Kind, Record, commitment, key_check
from escrow.wordlist import WORDS

Vector = dict[str, Any]

VECTORS = Path(__file__).parent / "vectors"
HASH_LABEL = "SHA-256 of everything above this line: "


def load(name: str) -> Any:  # noqa: ANN401 - each file has a form of its own
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["vectors"]


def named(vectors: list[Vector]) -> dict[str, Vector]:
    return {vector["name"]: vector for vector in vectors}


def each(vectors: list[Vector]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


MANIFESTS, PACKAGES, SPLITS = load("manifests"), load("packages"), load("splits")
SPLIT_OF = {"plain": SPLITS[0], "groups": SPLITS[1]}
SHARES = [share | {"name": f"{p['name']} {share['group']}-{share['x']}"} for p in PACKAGES for share in p["shares"]]
RECORDS = load("records") + SHARES
REFUSED: dict[str, list[Vector]] = load("refused")


def text_of(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


def record_of(vector: Vector) -> Record:
    numbers = (vector["group"], vector["x"], vector["k"])
    return Record(Kind(vector["kind"]), bytes.fromhex(vector["set_id"]), *numbers, bytes.fromhex(vector["value"]))


def policy_of(vector: Vector) -> Policy:
    groups = (Group(group["threshold"], len(group["shares"])) for group in vector["groups"])
    return Policy(vector["threshold"], tuple(groups))


def values_of(vector: Vector) -> dict[Position, bytes]:
    return {
        Position(number, share["x"]): bytes.fromhex(share["value"])
        for number, group in enumerate(vector["groups"], 1)
        for share in group["shares"]
    }


def quorums_of(policy: Policy) -> Iterator[list[Position]]:
    for groups in itertools.combinations(enumerate(policy.groups, 1), policy.threshold):
        choices = [itertools.combinations(range(1, g.shares + 1), g.threshold) for _, g in groups]
        for chosen in itertools.product(*choices):
            yield [Position(groups[i][0], x) for i, members in enumerate(chosen) for x in members]


# The library


@each(RECORDS)
def test_a_share_has_the_bytes_text_words_and_lines_of_its_vector(vector: Vector) -> None:
    record, data = record_of(vector), bytes.fromhex(vector["record"])
    assert record.encode() == data
    assert record.to_text() == vector["text"]
    assert [" ".join(row) for row in words.to_words(data)] == vector["words"]
    lanes = vector["value"][:32], vector["value"][32:]
    number = vector["group"] if vector["k"] == 1 else vector["x"]
    assert [vector["left"], vector["right"]] == [f"{number}-{lane}" for lane in lanes]


@each(RECORDS)
def test_a_share_is_read_from_the_bytes_text_and_words_of_its_vector(vector: Vector) -> None:
    record, rows = record_of(vector), [row.split() for row in vector["words"]]
    assert Record.decode(bytes.fromhex(vector["record"])) == record
    assert Record.from_text(vector["text"]) == record
    assert words.from_words(rows) == (record.encode(), [])
    assert words.wrong_rows(rows) == []


@each(RECORDS)
def test_the_qr_code_of_a_share_is_of_version_6_level_h_mask_3_with_a_quiet_zone_of_4_modules(vector: Vector) -> None:
    modules = share_code.encode(vector["text"])
    assert len(modules) == 4 + 41 + 4
    column = [modules[4 + row][4 + 8] for row in (*range(6), 7, 8)]  # the format's bits 0 to 7 (7.9.1)
    row = [modules[4 + 8][4 + column] for column in (7, *range(5, -1, -1))]  # bits 8 to 14
    assert "".join("01"[bit] for bit in [*column, *row])[::-1] == "001100111010000"  # table C.1: level 10, mask 011
    assert not any(itertools.chain(*modules[:4], *modules[-4:], *(row[:4] + row[-4:] for row in modules)))


@each(load("words"))
def test_words_with_mistakes_are_mended_as_in_their_vector(vector: Vector) -> None:
    record, corrections = words.from_words([row.split() for row in vector["words"]])
    assert record.hex() == vector["record"]
    assert corrections == [words.Correction(**correction) for correction in vector["corrections"]]


@each(SPLITS)
def test_every_quorum_of_a_vector_gives_its_wrapping_key(vector: Vector) -> None:
    policy, values = policy_of(vector), values_of(vector)
    for quorum in quorums_of(policy):
        secret = recovery.combine(policy, {position: values[position] for position in quorum})
        assert secret.hex() == vector["secret"]
    assert recovery.combine(policy, values).hex() == vector["secret"]
    assert key_check(bytes.fromhex(vector["secret"])).hex() == vector["key_check"]


@each(SPLITS)
def test_commitments_parts_and_lost_shares_are_those_of_the_vector(vector: Vector) -> None:
    for number, group in enumerate(vector["groups"], 1):
        k, shares = group["threshold"], {share["x"]: bytes.fromhex(share["value"]) for share in group["shares"]}
        hashes = [commitment(Position(number, x), k, value).hex() for x, value in shares.items()]
        assert hashes == [share["commitment"] for share in group["shares"]]
        quorum = dict(list(shares.items())[-k:])
        assert shamir.combine(quorum, k).hex() == group["part"]
        assert {x: shamir.interpolate(quorum, k, x) for x in shares} == shares


@each(MANIFESTS)
def test_a_manifest_has_the_text_and_set_id_of_its_vector(vector: Vector) -> None:
    manifest = Manifest.decode(text_of(vector["manifest"]))
    assert manifest.encode() == text_of(vector["manifest"])
    assert manifest.set_id.hex() == vector["set_id"]


@each(PACKAGES)
def test_a_package_is_read_written_and_opened_as_in_its_vector(vector: Vector) -> None:
    text = text_of(vector["package"])
    sealed = Package.decode(text)
    assert sealed.encode() == text
    assert sealed.manifest.set_id.hex() == vector["set_id"]
    archive = cms.decrypt(bytes.fromhex(vector["wrapping_key"]), sealed.manifest.set_id, sealed.cms)
    assert hashlib.sha256(archive).hexdigest() == vector["zip_sha256"]
    assert list(payload.unpack(archive)) == vector["members"]
    with Secret.of(bytes.fromhex(vector["wrapping_key"])) as wrapping_key:
        members = recovery.open_checked(sealed, wrapping_key)
    assert [package.README_MEMBER, package.MANIFEST_MEMBER, *members] == vector["members"]


@each(PACKAGES)
def test_the_shares_of_a_package_are_valid_and_those_of_its_split(vector: Vector) -> None:
    manifest, split = Package.decode(text_of(vector["package"])).manifest, SPLIT_OF[vector["name"]]
    records = [Record.from_text(share["text"]) for share in vector["shares"]]
    assert [manifest.problem_with(record) for record in records] == [None] * len(records)
    assert {record.position: record.value for record in records} == values_of(split)
    assert manifest.policy == policy_of(split)
    assert vector["wrapping_key"] == split["secret"]


def test_the_generator_writes_the_same_vectors_again(tmp_path: Path) -> None:
    run(sys.executable, VECTORS / "generate.py", tmp_path).expect()
    again, kept = ({path.name: path.read_bytes() for path in d.glob("*.json")} for d in (tmp_path, VECTORS))
    assert again.keys() == kept.keys()
    assert [name for name in kept if again[name] != kept[name]] == []


# What is refused


def changed(base: str, changes: list[list[str]]) -> str:
    for old, new in changes:
        assert base.count(old) == 1, f"{old!r} stands there {base.count(old)} times"
        base = base.replace(old, new)
    return base


def manifest_given(given: Vector) -> bytes:
    if "hex" in given:
        return bytes.fromhex(given["hex"])
    base = text_of(named(MANIFESTS)[given["base"]]["manifest"])
    return changed(base.decode(), given["changes"]).encode()


def package_given(given: Vector) -> bytes:
    base = text_of(named(PACKAGES)[given["base"]]["package"]).decode()
    text = changed(base, given["changes"])
    if given["rehash"]:
        above = text[: text.rindex(HASH_LABEL)]
        text = above + HASH_LABEL + hashlib.sha256(above.encode()).hexdigest() + "\n"
    return text.encode()


def values_given(given: Vector) -> dict[Position, bytes]:
    return {Position(*map(int, name.split("-"))): bytes.fromhex(value) for name, value in given["values"].items()}


def read_rows(given: list[str]) -> Record:
    return Record.decode(words.from_words([row.split() for row in given])[0])


def judge_share(given: Vector) -> None:
    manifest = Package.decode(text_of(named(PACKAGES)[given["base"]]["package"])).manifest
    collection = Collection(manifest, keep=False)
    collection.verdicts.append(judge(manifest, "a page", given["text"])[1])
    recovery.require_quorum(collection)


def combine_given(given: Vector) -> bytes:
    return shamir.combine({int(x): bytes.fromhex(value) for x, value in given["shares"].items()}, given["k"])


def decrypt_given(given: Vector) -> bytes:
    return cms.decrypt(*(bytes.fromhex(given[name]) for name in ("wrapping_key", "key_identifier", "der")))


def open_given(given: Vector) -> object:
    with Secret.of(bytes.fromhex(given["wrapping_key"])) as wrapping_key:
        return recovery.open_checked(Package.decode(text_of(given["package"])), wrapping_key)


IN_THE_LIBRARY: Mapping[str, Callable[[Any], object]] = {
    "record": lambda given: Record.decode(bytes.fromhex(given)),
    "text": Record.from_text,
    "words": read_rows,
    "share": judge_share,
    "split": lambda given: shamir.split(bytes(shamir.LENGTH), given["k"], given["n"]),
    "combine": combine_given,
    "quorum": lambda given: recovery.combine(policy_of(SPLIT_OF[given["base"]]), values_given(given)),
    "manifest": lambda given: Manifest.decode(manifest_given(given)),
    "package": lambda given: Package.decode(package_given(given)),
    "cms": decrypt_given,
    "archive": lambda given: payload.unpack(bytes.fromhex(given)),
    "opening": open_given,
}


def each_refused(*types: str) -> pytest.MarkDecorator:
    cases = [pytest.param(name, vector, id=f"{name}: {vector['name']}") for name in types for vector in REFUSED[name]]
    return pytest.mark.parametrize(("what", "vector"), cases)


def test_every_type_has_vectors_that_are_refused_and_each_has_a_name_of_its_own() -> None:
    assert REFUSED.keys() == IN_THE_LIBRARY.keys()
    for vectors in REFUSED.values():
        assert len(named(vectors)) == len(vectors) > 0


@each_refused(*IN_THE_LIBRARY)
def test_what_is_wrong_is_refused_with_the_error_of_its_vector(what: str, vector: Vector) -> None:
    error = getattr(errors, vector["error"])
    with pytest.raises(error, match=re.escape(vector["message"])) as caught:
        IN_THE_LIBRARY[what](vector["input"])
    assert type(caught.value) is error


# The independent reader


def test_the_independent_reader_uses_nothing_but_the_standard_library() -> None:
    imported = set()
    for node in ast.walk(ast.parse(Path(reader.__file__).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


@each(RECORDS)
def test_the_independent_reader_reads_every_share(vector: Vector) -> None:
    expected = (
        *(vector["kind"], bytes.fromhex(vector["set_id"]), vector["group"], vector["x"], vector["k"]),
        bytes.fromhex(vector["value"]),
    )
    assert reader.read_record(bytes.fromhex(vector["record"])) == expected
    assert reader.read_text(vector["text"]) == expected
    assert reader.read_words(vector["words"]) == expected
    assert all(reader.row_fits(number, row) for number, row in enumerate(vector["words"], 1))
    values = reader.values_of_lines([vector["left"]], [vector["right"]])
    number = vector["group"] if vector["k"] == 1 else vector["x"]
    assert values == {number: bytes.fromhex(vector["value"])}


@each(load("words"))
def test_the_independent_reader_mends_words(vector: Vector) -> None:
    assert reader.read_words(vector["words"]) == reader.read_record(bytes.fromhex(vector["record"]))


@each(SPLITS)
def test_the_independent_reader_splits_and_combines_as_the_library_does(vector: Vector) -> None:
    def split(part: Vector, secret: str, n: int) -> dict[int, str]:
        lanes = [[int(a, 16) for a in part["coefficients"][lane]] for lane in ("left", "right")]
        shares = reader.split(bytes.fromhex(secret), part["threshold"], n, lanes)
        return {x: value.hex() for x, value in shares.items()}

    groups = vector["groups"]
    parts = {number: group["part"] for number, group in enumerate(groups, 1)}
    assert split(vector, vector["secret"], len(groups)) == parts
    for group in groups:
        values = {share["x"]: share["value"] for share in group["shares"]}
        assert split(group, group["part"], len(values)) == values
        shares = {x: bytes.fromhex(value) for x, value in values.items()}
        assert reader.recombine(shares, group["threshold"], "group").hex() == group["part"]
    assert reader.key_check(bytes.fromhex(vector["secret"])) == vector["key_check"]


@pytest.mark.parametrize("form", ["text", "words", "lines"])
@each(PACKAGES)
def test_the_independent_reader_recovers_the_archive_from_every_form_of_the_shares(vector: Vector, form: str) -> None:
    need("openssl")
    sealed = reader.read_package(text_of(vector["package"]))
    assert sealed.manifest.set_id.hex() == vector["set_id"]
    shares = {Position(share["group"], share["x"]): share for share in vector["shares"]}
    keys = set()
    for quorum in quorums_of(policy_of(SPLIT_OF[vector["name"]])):
        if form == "lines":
            groups: dict[int, tuple[list[str], list[str]]] = {}
            for position in quorum:
                left, right = groups.setdefault(position.group, ([], []))
                left.append(shares[position]["left"])
                right.append(shares[position]["right"])
            values = {number: reader.values_of_lines(*lines) for number, lines in groups.items()}
            alone = [
                number
                for number, group in enumerate(sealed.manifest.fields["policy"]["groups"], 1)
                if group["shares"] == 1
            ]
            values |= {number: {1: values[number][number]} for number in alone if number in values}
            keys.add(reader.combine(sealed.manifest.fields, values))
        else:
            read: Callable[[Any], reader.Share] = reader.read_text if form == "text" else reader.read_words
            keys.add(reader.wrapping_key(sealed.manifest, [read(shares[position][form]) for position in quorum]))
    (key,) = keys
    assert hashlib.sha256(reader.open_package(sealed, key)).hexdigest() == vector["zip_sha256"]


def refuse_package(text: bytes) -> None:
    reader.open_package(reader.read_package(text), bytes.fromhex(named(PACKAGES)["plain"]["wrapping_key"]))


def refuse_share(given: Vector) -> None:
    sealed = reader.read_package(text_of(named(PACKAGES)[given["base"]]["package"]))
    reader.check_share(sealed.manifest, reader.read_text(given["text"]))


def refuse_quorum(given: Vector) -> None:
    manifest = reader.read_manifest(text_of(named(MANIFESTS)[given["base"]]["manifest"]))
    values: dict[int, dict[int, bytes]] = {}
    for position, value in values_given(given).items():
        values.setdefault(position.group, {})[position.x] = value
    reader.combine(manifest.fields, values)


def refuse_cms(given: Vector) -> None:
    der, key, identifier = (bytes.fromhex(given[name]) for name in ("der", "wrapping_key", "key_identifier"))
    reader.need(reader.read_cms(der) == identifier, "key identifier")
    body = base64.encodebytes(der)
    reader.decrypt(b"-----BEGIN CMS-----\n" + body + b"-----END CMS-----\n", key, identifier)


IN_THE_READER: Mapping[str, Callable[[Any], object]] = {
    "record": lambda given: reader.read_record(bytes.fromhex(given)),
    "text": reader.read_text,
    "words": reader.read_words,
    "share": refuse_share,
    "quorum": refuse_quorum,
    "manifest": lambda given: reader.read_manifest(manifest_given(given)),
    "package": lambda given: refuse_package(package_given(given)),
    "cms": refuse_cms,
    "archive": lambda given: reader.read_archive(bytes.fromhex(given)),
    "opening": lambda given: refuse_package(text_of(given["package"])),
}


@each_refused(*IN_THE_READER)
def test_what_is_wrong_is_refused_by_the_independent_reader_too(what: str, vector: Vector) -> None:
    need("openssl")
    with pytest.raises(reader.RefusedError):
        IN_THE_READER[what](vector["input"])


# Other people's programs


@each(SPLITS)
def test_ssss_combines_the_shares_of_the_vectors(vector: Vector) -> None:
    need("ssss-combine")

    def combine(k: int, values: Mapping[int, str]) -> str:
        if k == 1:
            return values[1]
        result = ""
        for lane in (slice(32), slice(32, 64)):
            lines = "".join(f"{x}-{value[lane]}\n" for x, value in values.items())
            result += run("ssss-combine", "-t", str(k), "-x", "-D", stdin=lines).expect().err.split()[-1]
        return result

    parts = {}
    for number, group in enumerate(vector["groups"], 1):
        quorum = {share["x"]: share["value"] for share in group["shares"][-group["threshold"] :]}
        parts[number] = combine(group["threshold"], quorum)
        assert parts[number] == group["part"]
    quorum = {number: parts[number] for number in sorted(parts)[: vector["threshold"]]}
    assert combine(vector["threshold"], quorum) == vector["secret"]


@each(RECORDS)
def test_coreutils_decode_the_text_of_a_share_with_three_equals_signs_appended(vector: Vector) -> None:
    need("base32", "od")
    decoded = run("sh", "-c", 'printf "%s===" "$1" | base32 -d | od -An -v -tx1', "sh", vector["text"][6:]).expect()
    assert "".join(decoded.out.split()) == vector["record"]


# FORMAT.md


def blocks(kind: str) -> list[list[str]]:
    """The fenced blocks of a kind in FORMAT.md, as lines."""
    found = re.findall(rf"^```{kind}\n(.*?)^```$", reader.FORMAT.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [block.splitlines() for block in found]


def test_the_words_in_the_document_are_those_of_the_library() -> None:
    assert tuple(" ".join(blocks("words")[0]).split()) == WORDS
    assert tuple(reader.words_in_format()) == WORDS


def test_the_worked_example_in_the_document_is_right() -> None:
    example = dict(re.split(" {2,}", line, maxsplit=1) for block in blocks("example") for line in block)
    (lines,), (_, rows) = blocks("json"), blocks("words")
    secret = bytes.fromhex(example["W"])
    coefficients = [[int(example[f"{lane} a_1"], 16)] for lane in ("left", "right")]
    values = {x: bytes.fromhex(example[f"value {x}"]) for x in (1, 2, 3)}
    hashes = [example[f"commitment {x}"] for x in (1, 2, 3)]
    text = "".join(f"{line}\n" for line in lines).encode()

    assert reader.split(secret, 2, 3, coefficients) == values
    assert [reader.commitment(1, x, 2, value) for x, value in values.items()] == hashes
    assert reader.key_check(secret) == example["key check"]
    theirs, ours = reader.read_manifest(text), Manifest.decode(text)
    assert [list(group) for group in ours.commitments] == theirs.fields["commitments"] == [hashes]
    assert ours.key_check == theirs.fields["key_check"] == example["key check"]
    assert ours.set_id.hex() == theirs.set_id.hex() == example["set id"]
    record = Record(ours.kind, ours.short_set_id, 1, 1, 2, values[1])
    assert record.encode().hex() == example["record 1"]
    assert record.to_text() == example["text 1"]
    assert Label.of(ours, record.position).to_text() == example["label 1"]
    assert set_words(ours.set_id) == example["set words"]
    assert share_words(bytes.fromhex(hashes[0])) == example["words 1"]
    assert [" ".join(row) for row in words.to_words(record.encode())] == rows
    share = reader.read_record(bytes.fromhex(example["record 1"]))
    assert share == reader.read_text(example["text 1"]) == reader.read_words(rows)
    assert reader.values_of_lines([example["left 1"]], [example["right 1"]]) == {1: values[1]}
    assert shamir.combine({x: values[x] for x in (1, 3)}, 2) == secret
    assert len(example) == 18


def test_the_worked_example_in_the_document_is_the_plain_package() -> None:
    plain = named(PACKAGES)["plain"]
    example = dict(re.split(" {2,}", line, maxsplit=1) for block in blocks("example") for line in block)
    assert [*blocks("json")[0], ""] == named(MANIFESTS)["plain"]["manifest"]
    assert example["text 1"] == plain["shares"][0]["text"]
    assert example["W"] == plain["wrapping_key"]
