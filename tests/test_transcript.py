"""The transcript: the same numbers as on paper and screen, all that the journal says, and the same in PDF and text."""

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import escrow, need, run
from player import Held
from test_script import MARGIN, PLANS, plan, squeezed, words_of
from walk import Walk
from walks import something_happens

from ceremony import spoken
from ceremony.forms import plain
from ceremony.forms.history import History
from ceremony.forms.record import Blank, Code, Digest, Fields, Line, Section, Table, Value, mapped
from ceremony.forms.script import WITNESS
from ceremony.forms.script import documents as script_documents
from ceremony.forms.transcript import PDF_FILE, TEXT_FILE, check_words, content, documents, until_close
from ceremony.planning.plan import Plan
from ceremony.rules.lists import listing_of, online_of
from ceremony.rules.state import Phase
from ceremony.rules.steps import Action, Step
from ceremony.rules.wording import Wording
from ceremony.run.archive import LIST_FILE, read_journal, seal_archive
from ceremony.run.journal import Entry, JournalError
from escrow import signature
from escrow.errors import TemplateError
from escrow.paper import source
from escrow.policy import Position

GOLDEN = Path(__file__).parent / "golden/transcript.txt"
LONG = "A sentence that goes on and on, so that it needs more than one page. " * 150


def printed(name: str, times: int, digest: str) -> dict[str, Any]:
    """What the journal says of a document that was printed."""
    return {"name": f"documents/{name}.pdf", "pages": 2, "sha256": digest, "printed": times}


class Told(Walk):
    """A walk whose facts are as full as the program's, by a plan."""

    def __init__(self, by: Plan, seed: object = 0) -> None:
        self.by = by
        super().__init__(by.policy, seed, plan=by.digest.hex(), online=online_of(by))

    def add(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        number = len(self.entries)
        utc = f"2030-01-15T{10 + number // 60:02}:{number % 60:02}:00Z"
        if event == "session":
            fields |= {"kind": self.by.ceremony.kind.value, "version": "0.1.0", "torn": 17 if number else 0}
        if event == "pause" and not fields:
            fields = {"paused": self.chance.random() < 0.5}
        before = self.entries[-1].digest if self.entries else bytes(32)
        drafted = Entry(number, before, utc, number * 60.0, event, fields)
        entry = Entry.decode(drafted.encode())
        self.state = self.engine.after(self.state, entry)
        self.entries.append(entry)

    def chain(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        self.add(event, **fields)

    def facts(self, step: Step) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one for each action
        if step.beforehand:
            return {"at": "09:15"}
        own = super().facts(step)
        digest = hashlib.sha256(f"{step.id} {self.state.attempt}".encode()).hexdigest()
        match step.action:
            case Action.COMPARE_PLAN:
                return {"plan": self.by.digest.hex()}
            case Action.PREFLIGHT:
                waived = {
                    "id": "no-swap",
                    "requirement": "No swap.",
                    "value": "zram0",
                    "status": "WAIVED",
                    "waiver": "Small.",
                }
                return {"checks": [waived, {**waived, "id": "power", "status": "PASS", "waiver": ""}]}
            case Action.OPEN:
                return {"officers": [officer.name for officer in self.by.officers[:2]], "key": digest}
            case Action.WRITE_HEAD:
                return {"head": self.entries[-1].digest.hex()}
            case Action.MAKE_KEYS:
                key = {"name": "root", "algorithm": "EC P-256", "public_key": digest}
                return {"generated": True, "keys": [key], "fingerprints": [digest], "notes": ["WEAK: a note."]}
            case Action.ISSUE:
                fields = {
                    "subject": "CN=安全 CA",
                    "key": "EC P-256",
                    "first": "2030-01-15 00:00:00 UTC",
                    "last": "2040-01-14 23:59:59 UTC",
                }
                waived = {"lint": "pkix.x", "certificate": "root", "text": "Odd.", "reason": "As agreed."}
                return {
                    "certificates": [{"file": "root", "fields": fields, "sha256": digest}],
                    "waived": [waived],
                }
            case Action.SEAL:
                return {"set_id": digest[:32], "epoch": 1, "policy": str(self.by.policy), "package": "ab" * 32}
            case Action.READ_BACK | Action.TEST_PAGE:
                return {"words": ["1/2,3,4"]}
            case Action.PRINT_PAPERS:
                papers = [printed("label-1", 1, digest), printed("recovery-card", 3, digest)]
                problems = ["documents/label-1.pdf: paper jam"]
                return {"papers": papers, "problems": problems, "read_back": [{"copy": 1, "codes": 22}]}
            case Action.BAG if step.position in self.state.bagged:
                return {**own, "papers": [printed("label-7", 1, digest)], "problems": []}
            case Action.MAKE_ONLINE if self.by.online:
                files = {f"step-ca/config/{name}": digest for name in ("ca.json", "defaults.json")}
                where = {"site": self.by.online.site, "medium": self.by.online.medium, "folder": "online-4F2C99AB"}
                to = {"recipient": digest} if self.by.online.recipient else {}
                return {**where, **to, "files": files, "proof": "unplugged", "identity": None}
            case Action.HAND_OVER:
                return {"words": ["intermediate 1/2,3,4", "provisioner 2/1,2,3"]}
            case Action.COPY_PACKAGE:
                copy = self.by.packages[(step.copy or 1) - 1]
                identity = {"model": "Fit", "serial": f"SN{step.copy}", "size": 1, "partition": "1", "uuid": "A-B"}
                more = {"sha256": "ab" * 32, "proof": "unplugged", "identity": identity}
                return {"site": copy.site, "medium": copy.medium, **more}
        return own

    def until(self, name: str) -> None:
        while self.due().id != name:
            self.step()

    def to_close(self) -> Sequence[Entry]:
        """All entries up to the transcript."""
        self.until("close")
        for incident in self.state.open_incidents:
            self.add("settle", exception=incident, disposition="accepted", reason="by all")
        self.add("begin", step="close")
        return self.entries


def eventful(by: Plan) -> Told:
    """Two losses, the first of which made a set void; exceptions, notes, breaks, a failure."""
    walk = Told(by)
    walk.until("preflight")
    walk.add("note", text="The clock on the wall is late: 安 \u202e <b>", step=None)
    walk.add("pause", paused=True)
    walk.add("pause", paused=False)
    walk.until("read-back 1.1")
    walk.add("begin", step="read-back 1.1")
    walk.add("fail", step="read-back 1.1", problem="the sheet was torn", again="print 1.1")
    walk.step()
    walk.session()
    walk.until("read-back 1.1")
    walk.add("begin", step="read-back 1.1")
    walk.add("exception", expected="a clear sheet", happened=LONG, done="looked again", touches=["integrity"])
    walk.add("end", step="read-back 1.1", facts={"words": ["1/2,3,4"]})
    walk.until("copy 1")
    walk.session()
    return walk


@pytest.fixture(scope="module")
def made(held: Held) -> tuple[Plan, Sequence[Entry]]:
    return held.room.plan, until_close(read_journal(held.room.out))


def pdf_text(content: bytes, folder: Path) -> str:
    need("pdftotext")
    (folder / PDF_FILE).write_bytes(content)
    return squeezed(run("pdftotext", "-raw", folder / PDF_FILE, "-").expect().out)


def values(sections: Sequence[Section]) -> Iterator[str]:
    """Every text of a record, in its order."""

    def shown(value: Value) -> str:
        return "" if isinstance(value, Blank) else value.words if isinstance(value, Code) else value

    for section in sections:
        yield section.title
        for part in section.parts:
            match part:
                case Line():
                    yield part.words
                case Fields():
                    yield from (shown(value) for row in part.rows for value in row)
                case Table():
                    yield from part.head
                    yield from (shown(value) for row in part.rows for value in row)
                case Digest():
                    yield from (part.label, *part.words, *part.digits)


def without_furniture(text: str, by: Plan, title: str = "Transcript") -> str:
    """What stands between headers and footers, from `pdftotext -raw` without blanks."""
    parts = ["CONFIDENTIAL - NOT SECRET", by.ceremony.organisation, f"Ceremony {by.ceremony.id}"]
    header = "".join(map(re.escape, map(squeezed, parts[:1]))) + rf"{title},page\d+of\d+"
    header += re.escape(squeezed(parts[1])) + re.escape(squeezed(parts[2]))
    footer = re.escape(squeezed(f"Plan {spoken.first_three_and_last(by.words)}")) + "Date:_+Initials:_+"
    return re.sub(f"(SPECIMEN)?{header}{footer}", "", text)


def assert_the_same(by: Plan, entries: Sequence[Entry], folder: Path) -> tuple[str, str]:
    """PDF and text both have everything of the record; give both."""
    both = documents(by, entries)
    text = both[TEXT_FILE].decode()
    whole = pdf_text(both[PDF_FILE], folder)
    on_paper = without_furniture(whole, by)
    in_text = squeezed(text)
    for value in values(content(by, entries)):
        for word in value.split():
            assert word in in_text or all(piece in in_text for piece in re.findall(r".{1,7}", word)), word
        assert squeezed(value) in on_paper, value
    for word in text.split():
        assert set(word) <= set("_-=…") or word in whole, word
    assert max(map(len, text.splitlines())) <= 100
    return text, on_paper


def test_steps_have_the_same_numbers_in_script_journal_and_transcript(
    held: Held, made: tuple[Plan, Sequence[Entry]]
) -> None:
    by, entries = made
    need("pdftotext")
    script = dict(script_documents(by))[WITNESS]
    assert (held.room.out / WITNESS).read_bytes() == script
    printed = run("pdftotext", "-raw", held.room.out / WITNESS, "-").expect().out
    printed = printed[printed.rindex("All acts") :].partition("If the machine fails")[0]
    listed = {step.id: step.number for step in listing_of(by).steps}
    in_script = re.findall(r"^(\d+\.\d+)(?: |$)", printed, re.MULTILINE)
    in_journal = [listed[entry.fields["step"]] for entry in entries if entry.event == "begin"]
    shown = (held.room.out / TEXT_FILE).read_text()
    log = shown.partition("Steps as planned and as done")[2].partition("Notes and breaks")[0]
    in_transcript = re.findall(r"^(\d+\.\d+) ", log, re.MULTILINE)
    assert in_script == in_journal == in_transcript == list(listed.values())


def test_the_transcript_is_made_again_from_journal_and_plan_byte_for_byte(held: Held, tmp_path: Path) -> None:
    escrow("transcript", held.room.out, "--out", tmp_path / "again.pdf").expect()
    assert (tmp_path / "again.pdf").read_bytes() == (held.room.out / PDF_FILE).read_bytes()
    shown = escrow("transcript", held.room.out).expect().out
    assert shown == (held.room.out / TEXT_FILE).read_text()
    assert "never overwritten" in escrow("transcript", held.room.out, "--out", tmp_path / "again.pdf").expect(3).err


PLACEHOLDERS = [
    (r"[a-z]{4} [a-z]{4} [a-z]{4} \.\.\. [a-z]{4}", "<words>"),
    (r"[0-9a-f]{8}( [0-9a-f]{8})+(\n[0-9a-f]{8}( [0-9a-f]{8})+)*", "<hex>"),
    (r"[0-9A-F]{4}( [0-9A-F]{4}){7}", "<set id>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>"),
    (r"row \d: \d, \d, \d", "row <row>: <columns>"),
    (r"B\d+", "<bag>"),
    (r"all \d+ codes", "all <codes> codes"),
    (r"\d+\.\d+\.\d+", "<version>"),
]


def with_placeholders(entry: Entry) -> Entry:
    """An entry without time, and without what the machine and the lots decide: a quorum is the first three shares."""
    fields = dict(entry.fields)
    facts = dict(fields.get("facts", {}))
    if "positions" in facts:
        facts["positions"] = [[1, 1], [1, 2], [1, 3]]
    if "bags" in facts:
        facts["bags"] = {f"1.{number}": f"B{number}" for number in (1, 2, 3)}
        facts["papers"] = [printed(f"label-{number}", 1, "") for number in (1, 2, 3)]
    if "checks" in facts:
        facts["checks"] = [{**check, "value": "<value>", "status": "<status>"} for check in facts["checks"]]
    if "at" in facts:
        facts["at"] = "<at>"
    if "facts" in fields:
        fields["facts"] = facts
    return replace(entry, utc="<time>", clock=0.0, fields=fields)


def generic(words: str) -> str:
    for pattern, name in PLACEHOLDERS:
        words = re.sub(pattern, name, words)
    return words


def test_the_transcript_is_the_golden_one(held: Held, made: tuple[Plan, Sequence[Entry]], tmp_path: Path) -> None:
    """Word for word; what differs from ceremony to ceremony is replaced before lines are broken."""
    by, entries = made
    head = (held.room.out / TEXT_FILE).read_text().partition("\n\n\n")[0].splitlines()
    steady = []
    for section in content(by, [with_placeholders(entry) for entry in entries]):
        parts = [mapped(part, generic) for part in section.parts]
        hashed = [replace(p, words=["<words>"], digits=["<hex>"]) if isinstance(p, Digest) else p for p in parts]
        steady.append(replace(section, parts=hashed))
    (tmp_path / GOLDEN.name).write_text(plain.text(head, steady))
    found = (tmp_path / GOLDEN.name).read_text()
    assert found == GOLDEN.read_text(), f"compare {tmp_path / GOLDEN.name} with {GOLDEN}, and keep it if it is right"


def test_pdf_and_text_have_everything_of_a_whole_ceremony(made: tuple[Plan, Sequence[Entry]], tmp_path: Path) -> None:
    by, entries = made
    text, _ = assert_the_same(by, entries, tmp_path)
    assert "The ceremony was CLOSED" in text
    people = [person.name for person in (*by.officers, *by.witnesses)]
    for name in [*people, *(custodian.name for custodian in by.custodians)]:
        assert name in text
    given = [e.fields["facts"] for e in entries if e.event == "end"]
    bags = [facts["bag"] for facts in given if "bag" in facts]
    bags += [bag for facts in given for bag in facts.get("bags", {}).values()]
    assert len(bags) == 8
    for bag in bags:
        assert text.count(bag) == 2  # in its step and in the table of custody
    for facts in given:
        if "head" in facts:
            assert text.count(spoken.first_three_and_last(spoken.words_of(bytes.fromhex(facts["head"])))) >= 1


@pytest.mark.parametrize("name", PLANS)
def test_an_eventful_ceremony_is_told_word_for_word_in_pdf_and_text(name: str, tmp_path: Path) -> None:
    by = plan(PLANS[name])
    walk = eventful(by)
    entries = walk.to_close()
    text, on_paper = assert_the_same(by, entries, tmp_path)
    for said in (
        "The clock on the wall is late: <U+5B89> <U+202E> <b>",
        "Break, 1.0 minutes.",
        "DID NOT SUCCEED: the sheet was torn",
        "Time 2 of this step.",
        *(Wording(by).loss(rule) for rule in walk.state.losses),
        "No loss of power before zeroizing.",
        "A last line of the journal that was being written then was cut off: 17 bytes.",
        "WEAK: a note.",
        "Waived by the plan: lint pkix.x found of root: Odd. Because: As agreed.",
        LONG,
        "accepted as it is - by all",
        "Done before the program was started, at 09:15 by the script.",
        "Waived: Small.",
        "Waived by the plan: lint pkix.x found of root: Odd. Because: As agreed.",
        "Printed: label-1, recovery-card (3 times). Pages in all: 8. Their hashes stand in the journal.",
        "Printed again: documents/label-1.pdf: paper jam",
        "Package sheets of copy 1: all 22 codes were read from paper.",
        "Fit SN1 A-B",
        "2 checks had the same result as before.",
    ):
        assert squeezed(said) in on_paper, said
    assert {rule.name for rule in walk.state.losses} == {"VOID", "ZEROIZED"}
    assert len(walk.state.void_sets) == 1
    for digits in walk.state.never_use:
        assert digits in on_paper
    assert f"{len(walk.state.incidents)} exceptions, 2 losses of power or program, 1 notes" in text


def test_texts_that_are_longer_than_a_page_go_on_over_pages(tmp_path: Path) -> None:
    by = plan()
    walk = Told(by)
    walk.until("seal")
    walk.add("note", text=LONG, step=None)
    walk.add("begin", step="seal")
    walk.add("fail", step="seal", problem=LONG, again=None)
    walk.add("abort", reason=LONG)
    both = documents(by, walk.to_close())
    sentences = pdf_text(both[PDF_FILE], tmp_path).count("Asentence")
    assert sentences > 2.5 * 150  # some are broken where a page ends
    assert (
        squeezed(both[TEXT_FILE].decode()).count("Asentence") >= 150
    )  # in columns, lines of other texts stand between


@pytest.mark.parametrize("name", PLANS)
def test_no_word_of_the_transcript_leaves_the_page_or_lies_over_another(name: str, tmp_path: Path) -> None:
    need("pdftotext")
    by = plan(PLANS[name])
    (tmp_path / PDF_FILE).write_bytes(documents(by, eventful(by).to_close())[PDF_FILE])
    size = (612, 792) if by.documents.page == "Letter" else (595, 842)
    for width, height, words in words_of(tmp_path / PDF_FILE):
        assert (round(width), round(height)) == size
        for word in words:
            assert word.left >= MARGIN, word
            assert word.right <= width - MARGIN, word
        for one, other in itertools.combinations(words, 2):
            assert not one.covers(other), (one, other)


@pytest.mark.parametrize("after", ["plan", "keys", "papers", "print 1.2", "announce-zeroize"])
def test_an_aborted_ceremony_has_a_transcript_that_says_so_and_why(after: str, tmp_path: Path) -> None:
    by = plan()
    walk = Told(by)
    walk.until(after)
    walk.step()
    walk.add("begin", step=walk.due().id)
    walk.add("abort", reason="fire alarm in the building")
    text, _ = assert_the_same(by, walk.to_close(), tmp_path)
    assert walk.state.phase is Phase.ABORTING
    assert "The ceremony was ABORTED" in text
    assert text.count("fire alarm in the building") == 1
    assert "There is no valid share set: nobody has a share." in text
    assert "ENDED BY THE ABORT" in squeezed_blanks(text)
    assert ("Paper destroyed" in text) == (after not in {"plan", "keys"})


def squeezed_blanks(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_in_a_ceremony_a_transcript_can_be_made_at_any_time(seed: int) -> None:
    by = plan(list(PLANS.values())[seed % len(PLANS)])
    walk = Told(by, seed)
    for _ in range(300):
        if walk.state.ended:
            break
        something_happens(walk)
        if walk.chance.random() < 0.1:
            titles = [section.title for section in content(by, walk.entries)]
            assert len(titles) == len(set(titles)) == 16
    assert content(by, until_close(walk.entries))


def test_a_bag_that_was_opened_for_the_proof_stands_beside_the_one_that_replaced_it() -> None:
    by = plan()
    walk = Told(by)
    walk.until("print 1.2")
    walk.session()  # the set is void, and the bag of its first sheet with it
    entries = walk.to_close()
    table = next(section for section in content(by, entries) if section.title == "Custody").parts[1]
    assert isinstance(table, Table)
    quorum = [Position(*position).x for position in walk.state.done["quorum"]["positions"]]
    for row in table.rows:
        replaced = int(str(row[0])) in quorum
        assert (row[4] == "-") != replaced
        assert str(row[5]).startswith("B")
        assert row[5] != row[4]
        assert "B0" not in [*str(row[4]).split(), row[5]]


def test_what_a_loss_of_power_left_of_a_close_is_replaced(tmp_path: Path) -> None:
    walk = Told(plan())
    key = signature.new_key()
    for name in ("first", "second"):
        seal_archive(tmp_path, walk.to_close()[:-1], key, {TEXT_FILE: name.encode()})
        walk.add("fail", step="close", problem="", again=None)
    assert (tmp_path / TEXT_FILE).read_text() == "second"
    assert hashlib.sha256(b"second").hexdigest() in (tmp_path / LIST_FILE).read_text()
    key.pem.close()


def test_minutes_count_from_what_came_before_without_breaks() -> None:
    walk = Told(plan())
    walk.add("pause", paused=True)  # a minute an entry
    walk.add("note", text="", step=None)
    walk.add("pause", paused=False)
    walk.step()
    walk.step()
    assert [run.minutes for run in History(walk.engine, walk.entries).runs] == [3.0, 2.0]


@pytest.mark.parametrize("change", ["another plan", "a fact is missing", "a fact is wrong"])
def test_a_journal_that_does_not_fit_has_no_transcript(change: str) -> None:
    walk = Told(plan())
    walk.until("seal")
    entries = list(walk.entries)
    place = next(n for n, entry in enumerate(entries) if entry.event == "end" and entry.fields["step"] == "keys")
    match change:
        case "another plan":
            with pytest.raises(JournalError, match="another plan"):
                documents(plan(PLANS["groups"]), entries[:1])
            return
        case "a fact is missing":
            facts = {"generated": True, "fingerprints": []}
        case _:
            facts = {"generated": True, "fingerprints": [], "keys": [1]}
    entries[place] = replace(entries[place], fields={"step": "keys", "facts": facts})
    with pytest.raises(JournalError, match="lacks what its step found"):
        documents(plan(), entries)


def test_a_ceremony_that_would_not_be_able_to_close_is_not_begun(tmp_path: Path) -> None:
    ours = (source.directory() / "transcript.toml").read_text("utf-8")
    (tmp_path / "transcript.toml").write_text(ours.replace('closed = "', 'clozed = "'), "utf-8")
    own = plan(PLANS["3 of 5"].replace("[documents]\n", f'[documents]\ntemplates = "{tmp_path}"\n'))
    with pytest.raises(TemplateError, match=r"transcript.toml, line \d+: \[result\] has no 'clozed'"):
        check_words(own)
    with pytest.raises(TemplateError, match="the fonts lack '安'"):
        check_words(plan(PLANS["3 of 5"].replace("Example Ltd", "安")))
    check_words(plan(PLANS["3 of 5"].replace("Grace Hopper", "安")))  # shown by its number


def test_a_rehearsal_of_a_production_plan_has_a_specimen_transcript(tmp_path: Path) -> None:
    by = plan()
    walk = Told(by)
    first, *others = walk.to_close()
    entries = [replace(first, fields={**first.fields, "kind": "specimen"}), *others]
    both = documents(by, entries)
    assert both[TEXT_FILE].decode().startswith("SPECIMEN")
    pages = pdf_text(both[PDF_FILE], tmp_path)
    assert pages.count("SPECIMEN") == pages.count("CONFIDENTIAL-NOTSECRET") > 1
    assert "SPECIMEN" not in documents(by, walk.entries)[TEXT_FILE].decode()


def test_names_that_the_fonts_lack_do_not_keep_a_ceremony_from_being_closed(tmp_path: Path) -> None:
    by = plan(PLANS["3 of 5"].replace("Grace Hopper", "安").replace("Example CA", "安 CA"))
    text, _ = assert_the_same(by, Told(by).to_close(), tmp_path)
    assert "Transcript of the key ceremony of <U+5B89> CA" in text
