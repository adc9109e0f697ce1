"""The decoder that needs Python alone: it opens every set, golden ones included, and is strict with all else."""

import ast
import hashlib
import importlib.util
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest
import sets
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from helpers import Run, escrow
from hypothesis import given, settings
from hypothesis import strategies as st
from sets import FORMS, POLICIES, TextSet

from escrow import shamir, standalone
from escrow.package import Package
from escrow.paper.parts import split
from escrow.policy import Position
from escrow.share import Kind
from escrow.wordlist import WORDS
from escrow.words import to_words

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_SETS = sorted(path.parent for path in GOLDEN.glob("*/*/package.escrow"))
QUORUMS = {
    "plain": [Position(1, 5), Position(1, 2), Position(1, 3)],
    "groups": [Position(3, 1), Position(3, 4), Position(2, 1), Position(3, 2)],
}


@dataclass(frozen=True)
class Alone:
    """The decoder, copied alone into a directory."""

    directory: Path

    def __call__(self, *files: str | Path | bytes, stdin: bytes = b"", out: str = "keys.zip") -> Run:
        """Run it without site packages and with an empty environment; bytes are written to files first."""
        arguments = []
        for number, file in enumerate(files):
            if isinstance(file, bytes):
                (self.directory / f"{number}.txt").write_bytes(file)
            arguments.append(f"{number}.txt" if isinstance(file, bytes) else str(file))
        command = [sys.executable, "-I", "-S", "-W", "error", "decode.py", *arguments, "--out", out]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, env={}, cwd=self.directory)
        assert not done.stdout
        return Run(done.returncode, "", done.stderr.decode())

    def archive_hash(self) -> str:
        return hashlib.sha256((self.directory / "keys.zip").read_bytes()).hexdigest()


@pytest.fixture
def decode(tmp_path: Path) -> Alone:
    (tmp_path / "decode.py").write_bytes(standalone.source())
    return Alone(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TextSet]:
    base = tmp_path_factory.mktemp("sets")
    return {name: sets.make(base / name, policy) for name, policy in POLICIES.items()}


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("decode", Path(standalone.__file__).parent / standalone.FILE)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def shares(of: TextSet, name: str, form: str) -> list[bytes]:
    return [FORMS[form](of.records[position]).encode() for position in QUORUMS[name]]


# ---- what it is


def test_it_is_one_file_of_the_standard_library_for_python_3_8() -> None:
    tree = ast.parse(standalone.source(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names
    assert not imported & {"subprocess", "socket", "tempfile", "ctypes"}


def test_seal_writes_it_beside_the_package_and_its_hash_can_be_printed(tmp_path: Path) -> None:
    custodians = [part for name in ("Anna", "Bert") for part in ("--custodian", name)]
    out = tmp_path / "out"
    escrow("seal", "--generate", "CA", "--specimen", "--threshold", "2", *custodians, "--out", out).expect()
    assert (out / "decode.py").read_bytes() == standalone.source()
    assert hashlib.sha256((out / "decode.py").read_bytes()).hexdigest() == standalone.fingerprint()


def test_its_words_are_the_words_of_the_library(module: ModuleType) -> None:
    assert tuple(module.WORDS) == WORDS


@given(key=st.binary(min_size=32, max_size=32), content=st.binary(min_size=1, max_size=100))
@settings(max_examples=20, deadline=None)
def test_its_aes_is_that_of_cryptography(module: ModuleType, key: bytes, content: bytes) -> None:
    sealed = AESGCM(key).encrypt(key[:12], content, None)
    assert module.open_gcm(key, key[:12], sealed[:-16], sealed[-16:]) == content
    assert module.open_gcm(key, key[:12], sealed[:-16], bytes([sealed[-16] ^ 1]) + sealed[-15:]) is None
    wrapped = aes_key_wrap(key, key[::-1])
    assert module.unwrap(key, wrapped) == key[::-1]
    assert module.unwrap(key, bytes([wrapped[0] ^ 1]) + wrapped[1:]) is None


@given(secret=st.binary(min_size=32, max_size=32), k=st.integers(2, 6), more=st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_its_shamir_is_that_of_the_library(module: ModuleType, secret: bytes, k: int, more: int) -> None:
    points = shamir.split(secret, k, k + more)
    assert module.combine(points, k, "Share {}") == secret


# ---- golden sets


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("golden", GOLDEN_SETS, ids=lambda path: str(path.relative_to(GOLDEN)))
def test_it_opens_the_golden_sets_of_every_version(golden: Path, form: str, decode: Alone) -> None:
    files = [golden / f"share-{p.group}-{p.x}.{form}.txt" for p in QUORUMS[golden.name]]
    decode(golden / "package.escrow", *files).expect()
    assert decode.archive_hash() == (golden / "keys.zip.sha256").read_text().strip()
    decode(golden / "codes.txt", *files[::-1], out="again.zip").expect()
    assert (decode.directory / "again.zip").read_bytes() == (decode.directory / "keys.zip").read_bytes()


def test_there_are_golden_sets() -> None:
    assert {path.name for path in GOLDEN_SETS if path.parent.name == "v1"} == set(QUORUMS)


# ---- sets of today


@pytest.mark.parametrize("name", POLICIES)
def test_a_mixture_of_forms_on_standard_input_is_read(name: str, made: dict[str, TextSet], decode: Alone) -> None:
    forms = ["qr", "lines", "words", "qr"]
    texts = [FORMS[form](made[name].records[position]) for form, position in zip(forms, QUORUMS[name], strict=False)]
    decode("-", made[name].package, stdin=("# a comment\n" + "\n".join(texts)).encode()).expect()
    assert decode.archive_hash() == made[name].archive_hash
    assert (decode.directory / "keys.zip").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("form", FORMS)
def test_all_shares_in_one_file_are_read_and_checked_against_each_other(
    name: str, form: str, made: dict[str, TextSet], decode: Alone
) -> None:
    text = "".join(FORMS[form](record) for record in made[name].records.values()).encode()
    said = decode(made[name].package, text).expect().err
    for position in made[name].records:
        assert f"share {POLICIES[name].name_of(position)} is valid." in said
    assert decode.archive_hash() == made[name].archive_hash


@pytest.mark.parametrize("seed", range(8))
def test_as_many_mistakes_in_words_are_mended_as_promised(seed: int, made: dict[str, TextSet], decode: Alone) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    texts = []
    for position in QUORUMS["plain"]:
        rows = to_words(made["plain"].records[position].encode())
        illegible = chance.choice([0, 4, 15, 16])
        places = chance.sample(range(64), illegible + (16 - illegible) // 2)
        for number, place in enumerate(places):
            word = rows[place // 8][place % 8]
            wrong = (
                chance.choice(["????", word[:2] + "?", "xyzw"]) if number < illegible else WORDS[WORDS.index(word) - 9]
            )
            rows[place // 8][place % 8] = wrong
        texts.append("\n".join(" ".join(row) for row in rows).encode())
    done = decode(made["plain"].package, *texts).expect()
    assert decode.archive_hash() == made["plain"].archive_hash
    assert done.err.count("was mended to") >= 8 * 3


def test_one_mistake_more_is_refused(made: dict[str, TextSet], decode: Alone) -> None:
    rows = to_words(made["plain"].records[Position(1, 1)].encode())
    for place in range(9):
        rows[place // 8][place % 8] = WORDS[WORDS.index(rows[place // 8][place % 8]) - 9]
    text = "\n".join(" ".join(row) for row in rows).encode()
    assert "too many words are wrong" in decode(made["plain"].package, text).expect(1).err


@pytest.mark.parametrize("seed", range(5))
def test_30_percent_of_the_codes_may_be_lost_and_one_more_is_named(
    seed: int, made: dict[str, TextSet], decode: Alone
) -> None:
    codes = made["plain"].codes()
    kept = random.Random(seed).sample(codes, len(codes) - -(-len(codes) * 30 // 100))  # noqa: S311 - repeatable
    parts = split(made["plain"].package)
    quorum = shares(made["plain"], "plain", "qr")
    decode("\n".join(kept).encode(), *quorum).expect()
    assert decode.archive_hash() == made["plain"].archive_hash
    few = kept[: parts[0].data - 1]
    gone = [part.number for part in parts if part.to_text() not in few]
    assert f"any 1 more of {gone}." in decode("\n".join(few).encode(), *quorum, out="no.zip").expect(1).err
    assert not (decode.directory / "no.zip").exists()


# ---- what is wrong

Inputs = Callable[[dict[str, TextSet]], list[bytes]]


def given_shares(made: dict[str, TextSet], *texts: str, name: str = "plain") -> list[bytes]:
    return [made[name].package, *(text.encode() for text in texts)]


def changed_package(made: dict[str, TextSet], old: bytes, new: bytes) -> list[bytes]:
    """A package with another CMS part and a hash that fits, and a quorum."""
    package = Package.decode(made["plain"].package)
    return [replace(package, cms=package.cms.replace(old, new)).encode(), *shares(made["plain"], "plain", "qr")]


def cms_of(made: dict[str, TextSet]) -> bytes:
    return Package.decode(made["plain"].package).cms


def renamed(made: dict[str, TextSet]) -> list[bytes]:
    """A package whose manifest says another name, with a hash that fits."""
    package = Package.decode(made["plain"].package)
    changed = replace(package, manifest=replace(package.manifest, ca="Another"))
    return [changed.encode(), *shares(made["plain"], "plain", "qr")]


def record(made: dict[str, TextSet], share: int, **change: object) -> str:
    return replace(made["plain"].records[Position(1, share)], **change).to_text()  # type: ignore[arg-type]


WRONG: dict[str, tuple[Inputs, str]] = {
    "no package": (lambda s: shares(s["plain"], "plain", "qr"), "No package was given"),
    "two packages": (lambda s: [s["plain"].package, s["groups"].package], "Give one package"),
    "a changed package": (lambda s: [s["plain"].package.replace(b"Golden", b"Molden")], "hash in its last line"),
    "line endings": (lambda s: [s["plain"].package.replace(b"\n", b"\r\n")], "tr -d"),
    "a changed manifest": (renamed, "belongs to another set"),
    "a changed tag": (lambda s: changed_package(s, cms_of(s)[-16:], bytes(16)), "damaged: its tag does not fit"),
    "a changed wrap": (lambda s: changed_package(s, cms_of(s)[91:95], bytes(4)), "damaged: its tag does not fit"),
    "another key identifier": (
        lambda s: changed_package(s, Package.decode(s["plain"].package).manifest.set_id, bytes(16)),
        "belongs to another set than the manifest",
    ),
    "no share": (lambda s: [s["plain"].package], "3 more of the shares are needed"),
    "too few shares": (lambda s: given_shares(s, record(s, 1), record(s, 2)), "1 more of the shares are needed"),
    "the same share thrice": (lambda s: given_shares(s, *[record(s, 1)] * 3), "2 more of the shares are needed"),
    "too few groups": (
        lambda s: given_shares(
            s, *(r.to_text() for p, r in s["groups"].records.items() if p.group == 1), name="groups"
        ),
        "1 more of the shares are needed",
    ),
    "another set": (
        lambda s: given_shares(s, s["groups"].records[Position(1, 1)].to_text()),
        "share 1: it belongs to another set",
    ),
    "another set's lines": (
        lambda s: given_shares(s, sets.lines(s["groups"].records[Position(1, 1)])),
        "share 1: it does not fit its commitment",
    ),
    "the other kind": (lambda s: given_shares(s, record(s, 1, kind=Kind.PRODUCTION)), "it is production and the pack"),
    "a changed threshold": (lambda s: given_shares(s, record(s, 1, k=2)), "group 1 and threshold 2"),
    "a changed value": (lambda s: given_shares(s, record(s, 1, value=bytes(32))), "share 1: it does not fit its comm"),
    "a number too large": (lambda s: given_shares(s, record(s, 1, x=9)), "share 9: it does not fit its commitment"),
    "a misread code": (lambda s: given_shares(s, record(s, 1)[:-3] + "AAA"), "checksum of share 1"),
    "a code cut off": (lambda s: given_shares(s, record(s, 1)[:-1]), "cut off"),
    "a later version": (lambda s: given_shares(s, "ESCR2:" + record(s, 1)[6:]), "not of version 1"),
    "a word too few": (
        lambda s: given_shares(s, sets.words(s["plain"].records[Position(1, 1)]).rsplit(" ", 1)[0]),
        "71 words",
    ),
    "one line only": (
        lambda s: given_shares(s, sets.lines(s["plain"].records[Position(1, 1)]).split("\n")[0]),
        "only one of the two lines",
    ),
    "a line with a digit too few": (
        lambda s: given_shares(s, sets.lines(s["plain"].records[Position(1, 1)])[:-2]),
        "is not NUMBER-<32 hex digits>",
    ),
    "a misread package code": (
        lambda s: ["\n".join(c.replace("A", "B", 1) for c in s["plain"].codes()).encode()],
        "was misread",
    ),
    "codes of two packages": (
        lambda s: ["\n".join([*s["plain"].codes(), s["groups"].codes()[0]]).encode()],
        "contradicts the others",
    ),
    "a package code that was changed with its checksum": (
        lambda s: [
            replace(split(s["plain"].package)[0], payload=bytes(len(split(s["plain"].package)[0].payload)))
            .to_text()
            .encode(),
            "\n".join(s["plain"].codes()[1 : split(s["plain"].package)[0].data]).encode(),
        ],
        "at least one was changed",
    ),
    "not UTF-8": (lambda s: [s["plain"].package, bytes(range(128, 256))], "3 more"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_written(case: str, made: dict[str, TextSet], decode: Alone) -> None:
    make, expected = WRONG[case]
    done = decode(*make(made)).expect(1)
    assert expected in done.err
    assert "Traceback" not in done.err
    assert not (decode.directory / "keys.zip").exists()


def test_nothing_is_overwritten_and_a_missing_file_is_named(made: dict[str, TextSet], decode: Alone) -> None:
    (decode.directory / "keys.zip").write_text("precious")
    quorum = shares(made["plain"], "plain", "qr")
    assert "keys.zip" in decode(made["plain"].package, *quorum).expect(1).err
    assert (decode.directory / "keys.zip").read_text() == "precious"
    assert "absent.txt" in decode("absent.txt").expect(1).err


def test_a_full_disk_leaves_nothing(made: dict[str, TextSet], decode: Alone) -> None:
    if not Path("/dev/full").exists() or not shutil.which("prlimit"):
        pytest.skip("needs prlimit")
    quorum = shares(made["plain"], "plain", "qr")
    files = []
    for number, content in enumerate([made["plain"].package, *quorum]):
        (decode.directory / f"{number}.txt").write_bytes(content)
        files.append(f"{number}.txt")
    command = ["prlimit", "--fsize=1000", sys.executable, "-I", "-S", "decode.py", *files, "--out", "keys.zip"]
    done = subprocess.run(command, capture_output=True, check=False, cwd=decode.directory)
    assert done.returncode == 1
    assert b"File too large" in done.stderr
    assert not (decode.directory / "keys.zip").exists()
