"""The audit of an archive: which ceremony it was, and that whatever is changed in it is found, by name."""

import hashlib
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from helpers import Run, escrow
from player import Held
from walk import Walk

from ceremony.forms.transcript import PDF_FILE, TEXT_FILE
from ceremony.planning.plan import Plan, load
from ceremony.rules.engine import Engine
from ceremony.rules.lists import listing_of
from ceremony.rules.state import State
from ceremony.run import evidence
from ceremony.run.archive import (
    APART,
    JOURNAL_SIGNATURE,
    LIST_FILE,
    LIST_SIGNATURE,
    contents,
    digest_of,
    hashes_in,
    seal_archive,
    sign_journal,
)
from ceremony.run.audit import audit
from ceremony.run.journal import Entry, JournalError, chained, decode
from ceremony.spoken import witness_words
from escrow import signature
from escrow.sealing import PACKAGE_FILE

SEED = 20270115
JOURNAL, PLAN = "journal.jsonl", "plan.toml"
CERTIFICATES = ["certs/root_ca.crt", "certs/intermediate_ca.crt"]
WHOLE = 12  # places of a file at which the whole audit is asked


@dataclass(frozen=True)
class Archive:
    """An archive that may be changed, and what is true of it as it was left."""

    folder: Path
    entries: tuple[Entry, ...]
    state: State

    @property
    def findings(self) -> list[str]:
        return list(audit(self.folder).findings)

    def named(self) -> set[str]:
        """The files that an audit names."""
        return {finding.partition(":")[0] for finding in self.findings}


@pytest.fixture
def archive(held: Held, tmp_path: Path) -> Archive:
    shutil.copytree(held.room.out, tmp_path / "archive")
    plan = held.room.plan
    entries, _ = decode((held.room.out / JOURNAL).read_bytes())
    state = Engine(listing_of(plan)).replay(entries)
    return Archive(tmp_path / "archive", tuple(entries), state)


def changes(content: bytes) -> Iterator[bytes]:
    """The content with one byte changed: each byte, to another value drawn by lot."""
    chance = random.Random(SEED)  # noqa: S311 - not for keys
    changed = bytearray(content)
    for place, byte in enumerate(content):
        changed[place] = byte ^ chance.randrange(1, 256)
        yield bytes(changed)
        changed[place] = byte


# Every byte, in two halves that meet. A file reaches the audit as its digest in `contents`, and apart from that as the
# bytes that `check_package` and the like are given. So `compare_files`, which decides, is asked about the digest of
# each of the changed files; and the whole audit, on the disk, about some of them: it hashes what lies there.
# What the whole audit would find besides, in the files that are unchanged, is what it finds in an unchanged archive:
# nothing. The list, the signatures and the journal are what the rest is held against, and have tests of their own.

FILES = [PLAN, PDF_FILE, TEXT_FILE, PACKAGE_FILE, *CERTIFICATES]


@pytest.mark.parametrize("name", FILES)
def test_every_byte_changed_in_a_file_of_the_archive_is_found_and_named(name: str, archive: Archive) -> None:
    content = (archive.folder / name).read_bytes()
    listed = hashes_in((archive.folder / LIST_FILE).read_bytes())
    present = {each: digest for each, digest in contents(archive.folder).digests.items() if each not in APART}
    assert list(evidence.compare_files(listed, present)) == []
    only = {name: listed[name]}
    begun = hashlib.sha256()  # of what comes before the byte: each digest costs the rest of the file alone
    view, chance = memoryview(content), random.Random(SEED)  # noqa: S311 - not for keys
    for place, byte in enumerate(content):
        digest = begun.copy()
        digest.update(bytes([byte ^ chance.randrange(1, 256)]))
        digest.update(view[place + 1 :])
        assert list(evidence.compare_files(only, {name: digest.hexdigest()})) == [f"{name}: the file was changed."]
        begun.update(view[place : place + 1])


@pytest.mark.parametrize("name", [*FILES, JOURNAL])
def test_a_changed_file_is_named_by_the_whole_audit(name: str, archive: Archive) -> None:
    """The first byte, the last, and some by lot; a byte more, and none."""
    path = archive.folder / name
    content = path.read_bytes()
    chance = random.Random(f"{SEED} {name}")  # noqa: S311 - not for keys
    for place in (0, len(content) - 1, *chance.sample(range(len(content)), WHOLE)):
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        last = name == JOURNAL and place > content[:-1].rfind(b"\n")  # of the last line the signature alone tells
        assert ({name, f"{name}.sig"} if last else {name}) & archive.named(), place
    for other in (content + b"x", content[:-1], b""):
        path.write_bytes(other)
        assert name in archive.named()
    path.write_bytes(content)
    assert archive.findings == []


def test_every_byte_changed_in_package_or_certificate_is_seen_without_the_list(archive: Archive) -> None:
    """Whoever makes another list finds that the journal itself has the package's hash and the certificates'."""
    package = (archive.folder / PACKAGE_FILE).read_bytes()
    assert list(evidence.check_package(package, archive.state)) == []
    for changed in changes(package):
        assert list(evidence.check_package(changed, archive.state))
    known = {(entry["file"], entry["sha256"]) for entry in archive.state.done["certificates"]["certificates"]}
    for name in CERTIFICATES:
        content = (archive.folder / name).read_bytes()
        assert list(evidence.check_certificates(name, content, known)) == []
        inside = range(content.index(b"\n") + 1, content.rindex(b"\n-----END"))
        for place, changed in enumerate(changes(content)):
            found = list(evidence.check_certificates(name, changed, known))
            assert found or place not in inside or changed[place : place + 1].isspace()


def test_every_byte_changed_in_the_list_is_found_and_named(archive: Archive) -> None:
    listed = (archive.folder / LIST_FILE).read_bytes()
    assert list(evidence.check_list_itself(listed, archive.entries)) == []
    for changed in changes(listed):
        found = list(evidence.check_list_itself(changed, archive.entries))
        assert found[0] == f"{LIST_FILE}: this is not the list that the journal names."


@pytest.mark.parametrize("name", [LIST_SIGNATURE, JOURNAL_SIGNATURE])
def test_every_byte_changed_in_a_signature_is_found_and_named(name: str, archive: Archive) -> None:
    path = archive.folder / name
    content = path.read_bytes()
    for changed in (*changes(content), content + b"x", content[:-1], b"", bytes(64)):
        path.write_bytes(changed)
        (found,) = evidence.check_signatures(archive.folder, archive.entries)
        assert found.startswith(f"{name}: ")
    path.unlink()
    assert archive.findings == [
        f"{name}: it is not signed: the ceremony ended in a session that nobody had opened, or by a crash."
    ]


def test_every_byte_changed_in_the_journal_is_found_and_named(archive: Archive) -> None:
    """A changed line is none, or has another hash than the next one holds.

    So two lines say whether it is found: those before are not touched, and those after are not reached. The last line
    has none after it but a signature, and a byte that was or becomes the end of a line makes other lines: there the
    whole audit is asked.
    """
    content = (archive.folder / JOURNAL).read_bytes()
    lines = content.splitlines()
    whole: list[bytes] = []
    start = 0
    for number, line in enumerate(lines):
        before = archive.entries[number].before
        after = lines[number + 1 : number + 2]
        assert len(list(chained([line, *after], number, before))) == 1 + len(after)
        for changed in changes(line):
            if b"\n" in changed or not after:
                whole.append(content[:start] + changed + content[start + len(line) :])
                continue
            with pytest.raises(JournalError, match=f"^Line {number + 1} |^Line {number + 2} "):
                list(chained([changed, *after], number, before))
        end = start + len(line)
        whole.append(content[:end] + b"!" + content[end + 1 :])
        start = end + 1
    for changed in whole:
        (archive.folder / JOURNAL).write_bytes(changed)
        assert any(re.search(rf"\b{JOURNAL}(?!\.sig)", finding) for finding in archive.findings)


def test_a_journal_with_lines_left_out_swapped_or_doubled_is_named(archive: Archive) -> None:
    lines = (archive.folder / JOURNAL).read_bytes().splitlines(keepends=True)
    for changed in ([*lines[:7], *lines[8:]], [*lines[:7], lines[8], lines[7], *lines[9:]], [*lines[:8], *lines[7:]]):
        (archive.folder / JOURNAL).write_bytes(b"".join(changed))
        assert archive.named() == {JOURNAL}


LABEL = "documents/label-1.pdf"
OTHER = "documents/label-2.pdf"
CHANGED: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "missing": (lambda at: (at / LABEL).unlink(), [f"{LABEL}: the file is missing."]),
    "added": (
        lambda at: (at / "documents/x.pdf").write_bytes(b"x"),
        ["documents/x.pdf: the file was added later, or its name was changed."],
    ),
    "renamed": (
        lambda at: (at / LABEL).rename(at / "documents/x.pdf"),
        [
            f"{LABEL}: the file is missing.",
            f"documents/x.pdf: the file was added later: it is {LABEL} under another name.",
        ],
    ),
    "swapped": (
        lambda at: _swap(at / LABEL, at / OTHER),
        [
            f"{LABEL}: the file was changed: it is {OTHER} by now.",
            f"{OTHER}: the file was changed: it is {LABEL} by now.",
        ],
    ),
    "a link to the same content": (
        lambda at: _link(at / LABEL, at.parent / "elsewhere"),
        [f"{LABEL}: the file is missing.", f"{LABEL}: this is a symbolic link, and an archive has files alone."],
    ),
    "a folder that is a link": (
        lambda at: _link(at / "certs", at.parent / "elsewhere"),
        [
            *(f"{name}: the file is missing." for name in sorted(CERTIFICATES)),
            "certs: this is a symbolic link, and an archive has files alone.",
        ],
    ),
    "a link to nowhere": (
        lambda at: (at / "x").symlink_to("nowhere"),
        ["x: this is a symbolic link, and an archive has files alone."],
    ),
    "a pipe": (
        lambda at: os.mkfifo(at / "x"),
        ["x: this is neither file nor folder, and an archive has files alone."],
    ),
    "an empty folder": (
        lambda at: (at / "x").mkdir(),
        ["x: this is an empty folder, and an archive has files alone."],
    ),
    "a folder with what is not listed at the top": (
        lambda at: _copy(at / LIST_FILE, at / "x" / LIST_FILE),
        [f"x/{LIST_FILE}: the file was added later, or its name was changed."],
    ),
    "no list": (lambda at: (at / LIST_FILE).unlink(), [f"{LIST_FILE}: the file is missing."]),
    "the journal a link": (
        lambda at: _link(at / JOURNAL, at.parent / "elsewhere"),
        [f"{JOURNAL}: this is a symbolic link, and an archive has files alone."],
    ),
    "a signature a link": (
        lambda at: _link(at / JOURNAL_SIGNATURE, at.parent / "elsewhere"),
        [f"{JOURNAL_SIGNATURE}: this is a symbolic link, and an archive has files alone."],
    ),
    "signatures swapped": (
        lambda at: _swap(at / JOURNAL_SIGNATURE, at / LIST_SIGNATURE),
        [
            f"{name}: by the ceremony's key this does not sign {what}: one of the two was changed."
            for name, what in ((JOURNAL_SIGNATURE, f"{JOURNAL} to its last line"), (LIST_SIGNATURE, LIST_FILE))
        ],
    ),
}


def _swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _link(path: Path, elsewhere: Path) -> None:
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(path.read_bytes())


@pytest.mark.parametrize("change", CHANGED)
def test_a_file_missing_added_renamed_swapped_or_replaced_by_a_link_is_found_and_named(
    change: str, archive: Archive
) -> None:
    do, expected = CHANGED[change]
    do(archive.folder)
    assert archive.findings == expected


def test_a_file_that_cannot_be_read_is_found_and_named(archive: Archive) -> None:
    (archive.folder / LABEL).write_bytes(b"x")
    os.truncate(archive.folder / LABEL, (64 << 20) + 1)  # sparse
    assert LABEL in archive.findings[-1]


def test_the_plan_of_another_ceremony_is_named_and_not_taken_for_the_rules(archive: Archive) -> None:
    plan = archive.folder / PLAN
    plan.write_text(plan.read_text().replace("threshold = 3", "threshold = 2"))
    first, *others = archive.findings
    assert first.startswith(f"{PLAN}: this is not the plan that the ceremony was held by.")
    assert others == [f"{PLAN}: the file was changed."]
    shown = escrow("audit", archive.folder).expect(1).out
    assert "State     UNKNOWN" in shown


# ---- words


@cache
def heads_of(shown: str) -> tuple[str, ...]:
    return tuple(re.findall(r"The journal's head:\s+(\w+ \w+ \w+ \w+)", shown))


def archive_words(held: Held) -> str:
    first, again = re.findall(r"The archive's words:\s+(\w+ \w+ \w+ \w+)", held.shown)
    assert first == again
    return str(first)


def test_the_archive_is_as_it_was_left_and_the_words_of_any_witness_prove_it(held: Held) -> None:
    assert len(heads_of(held.shown)) == 3
    for head in heads_of(held.shown):
        escrow("audit", held.room.out, "--words", head).expect()
    wrong = escrow("audit", held.room.out, "--words", "able able able able").expect(1)
    assert "at no checkpoint was its head 'able able able able'" in wrong.out
    assert "takes four words" in escrow("audit", held.room.out, "--words", "able").expect(2).err


def test_the_words_of_the_archive_prove_all_of_it(held: Held) -> None:
    words = archive_words(held)
    assert tuple(words.split()) == witness_words(digest_of(held.room.out))
    shown = escrow("audit", held.room.out, "--archive-words", words.upper()).expect().out
    assert f"Words     {words}\n" in shown
    assert shown.endswith("The archive is as it was left.\n")
    first, *_, last = words.split()
    script = f"{' '.join(words.split()[:3])} ... {last}"  # as people write it
    escrow("audit", held.room.out, "--archive-words", script).expect()
    wrong = escrow("audit", held.room.out, "--archive-words", f"{words[:-4]}able").expect(1)
    assert f"{LIST_FILE}: the archive's words are '{words}', and not '{words[:-4]}able'" in wrong.out
    assert first in wrong.out
    assert "takes four words" in escrow("audit", held.room.out, "--archive-words", "").expect(2).err


def rewritten(archive: Archive, plan: Plan) -> None:
    """Cut the journal behind the last checkpoint, go on with a key of one's own, and sign everything anew."""
    cut = next(
        entry.n for entry in archive.entries if entry.fields.get("step") == "head-close" and entry.event == "end"
    )
    walk = Walk(plan.policy, 0, plan=plan.digest.hex())
    walk.entries = list(archive.entries[: cut + 1])
    walk.state = walk.engine.replay(walk.entries)
    key = signature.new_key()
    facts = {"open": {"key": key.public.hex()}}
    walk.session()
    while not walk.state.ended:
        step = walk.due()
        walk.chain("begin", step=step.id)
        if step.id == "close":
            facts["close"] = {"archive": seal_archive(archive.folder, walk.entries, key, {}).hex()}
        walk.chain("end", step=step.id, facts=facts.get(step.id, {}))
    (archive.folder / JOURNAL).write_bytes(b"".join(entry.encode() + b"\n" for entry in walk.entries))
    (archive.folder / JOURNAL_SIGNATURE).unlink()
    sign_journal(archive.folder, walk.entries, key)


def test_a_journal_that_was_cut_and_continued_is_not_proved_by_earlier_words(held: Held, archive: Archive) -> None:
    """Whoever cuts the journal behind a checkpoint and goes on with a key of their own signs everything anew."""
    (archive.folder / CERTIFICATES[0]).write_bytes((archive.folder / CERTIFICATES[1]).read_bytes())
    rewritten(archive, held.room.plan)
    heads = [head.split() for head in heads_of(held.shown)]
    found = audit(archive.folder, heads).findings
    assert [finding.split(":")[0] for finding in found] == [JOURNAL, CERTIFICATES[0]]
    assert "the program was started again" in found[0]
    found = audit(archive.folder, heads, archive_words(held).split()).findings
    assert [finding.split(":")[0] for finding in found] == [LIST_FILE, JOURNAL, CERTIFICATES[0]]


def test_the_words_of_the_archive_prove_a_session_after_the_last_checkpoint(held: Held, archive: Archive) -> None:
    rewritten(archive, held.room.plan)  # as an honest power loss would have it
    heads = [head.split() for head in heads_of(held.shown)]
    own = witness_words(digest_of(archive.folder))
    assert len(audit(archive.folder, heads).findings) == 1
    assert audit(archive.folder, heads, own).findings == []


# ---- what it says of a folder


def audited(folder: Path, *options: str) -> Run:
    return escrow("audit", folder, *options)


def test_it_says_first_which_ceremony_it_was(held: Held) -> None:
    shown = audited(held.room.out).expect().out.splitlines()
    assert shown[0] == "Ceremony  2030-ROOT-1, Example Ltd"
    assert shown[1] == "CA        Example CA"
    assert shown[2].startswith("Material  SPECIMEN: practice.")
    assert re.fullmatch(r"Held      \S+Z to \S+Z", shown[3])
    assert shown[4] == "Planned   2030-01-15, Room 101, Head Office"
    assert shown[5] == "State     CLOSED"
    assert re.fullmatch(r"Program   held with [\d.]+, audited with [\d.]+", shown[6])
    assert shown[7] == f"Words     {archive_words(held)}"
    assert "No witness's words were compared" in shown[-1]


def test_the_same_is_to_be_had_for_machines(held: Held) -> None:
    words = archive_words(held)
    found = json.loads(audited(held.room.out, "--json", "--archive-words", words).expect().out)
    assert (found["ceremony"], found["ca"], found["kind"]) == ("2030-ROOT-1", "Example CA", "specimen")
    assert (found["state"], found["rehearsal"], found["findings"]) == ("closed", False, [])
    assert found["archive_words"] == words.split()
    assert found["archive_words_compared"] is True


def test_a_rehearsal_of_a_production_plan_is_called_one(archive: Archive, held: Held) -> None:
    """Rules and signatures do not depend on the kind that stands in the plan; the plan's hash does."""
    report = audit(archive.folder)
    assert not report.is_rehearsal
    plan = load(archive.folder / PLAN)
    meant = replace(plan, ceremony=plan.ceremony.model_copy(update={"kind": type(plan.ceremony.kind).PRODUCTION}))
    assert replace(report, plan=meant).is_rehearsal
    assert held.room.plan.ceremony.kind == plan.ceremony.kind


def test_a_folder_that_is_no_archive_is_called_what_it_is(tmp_path: Path, held: Held) -> None:
    assert "is no folder: name the one" in audited(tmp_path / "nowhere").expect(2).err
    assert "not the archive of a ceremony: it has no journal" in audited(tmp_path).expect(2).err
    (copy,) = (held.room.base / "package-1").iterdir()
    assert "a copy of a package, or what 'escrow seal'" in audited(copy).expect(2).err


def test_a_ceremony_that_has_not_ended_says_how_far_it_came_and_what_to_do(archive: Archive) -> None:
    for name in (LIST_FILE, LIST_SIGNATURE, JOURNAL_SIGNATURE):
        (archive.folder / name).unlink()
    lines = (archive.folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (archive.folder / JOURNAL).write_bytes(b"".join(lines[:40]))
    shown = audited(archive.folder).expect(1).out
    assert "State     SEALED, SHEETS BEING MADE" in shown
    assert f"{JOURNAL}: the ceremony has not ended (sealed, sheets being made)." in shown
    assert f"'escrow run PLAN --out {archive.folder}' goes on with the ceremony" in shown
    (archive.folder / JOURNAL).write_bytes(b"")
    assert "there is no line in it: the ceremony was not begun" in audited(archive.folder).expect(1).out


def test_a_journal_whose_facts_are_missing_or_wrong_ends_no_audit(archive: Archive) -> None:
    """Whoever writes a journal of their own chains it well, and leaves out what they like."""
    for step, facts in (("seal", {"set_id": "ab"}), ("certificates", {"certificates": [1]}), ("open", {"key": "x"})):
        made: list[Entry] = []
        for entry in archive.entries:
            fields = {**entry.fields, "facts": facts} if entry.fields.get("step") == step else entry.fields
            before = made[-1].digest if made else entry.before
            made.append(replace(entry, before=before, fields=fields if entry.event == "end" else entry.fields))
        (archive.folder / JOURNAL).write_bytes(b"".join(entry.encode() + b"\n" for entry in made))
        assert archive.findings
