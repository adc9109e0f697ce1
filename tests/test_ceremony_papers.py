"""What is printed in a ceremony beside the sheets: nothing that is done is lost, everything goes where it belongs."""

import datetime as dt
import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from papers import text_by_pdfium
from PIL import Image
from player import TEMPLATE

from ceremony.planning.plan import Plan, parse
from ceremony.rules.lists import listing_of
from ceremony.rules.sealing.steps import DESTROY_SHEETS
from ceremony.rules.state import State
from ceremony.rules.steps import Step, of_share
from ceremony.run.acts import papers, printer, sheets
from ceremony.run.paper import PACKAGE_SHEETS, TEST_PAGE, Scans, Tray
from ceremony.run.questions import Asked, Desk, Facts, Fields, Questions, StepError
from ceremony.run.readback import Place
from ceremony.run.work import Equipment, Workshop
from escrow import assemble, documents, sealing
from escrow.errors import PackageError, PageError, PrintError, RefusedError
from escrow.files import NewFiles
from escrow.issuing.make import generate
from escrow.label import Label
from escrow.memory import Secret
from escrow.package import Package
from escrow.paper.parts import split
from escrow.paper.raster import pictures, sizes
from escrow.paper.scan import scan
from escrow.paper.stationery import Stationery
from escrow.policy import Position
from escrow.printing import SHEET, Write
from escrow.share import Kind, Record
from escrow.words import to_words

NOW = dt.datetime(2030, 1, 15, 10, tzinfo=dt.UTC)
SEED = 20261205
FIRST, SECOND = Position(1, 1), Position(1, 2)
A_SHARE = ["label-1", "receipt-1"]
WHOLE = ["label-1", "receipt-1", "label-2", "receipt-2", "label-3", "receipt-3"]
WHOLE += ["recovery-card", "package-sheets"] * 2 + ["recovery-card"]


@pytest.fixture(scope="module")
def plan() -> Plan:
    """2 of 3; the second custodian has a deputy."""
    text = (
        TEMPLATE.read_text()
        .replace('kind = "production"', 'kind = "specimen"')
        .replace("threshold = 3", "threshold = 2")
    )
    head, *rest = text.split("[[custodian]]")
    tail = rest[-1][rest[-1].index("# Officers carry") :]
    kept = [rest[0], rest[1].rstrip() + '\ndeputy = "Marin Mersenne"\n\n', rest[2]]
    return parse("[[custodian]]".join([head, *kept]).encode() + tail.encode(), TEMPLATE)


@pytest.fixture(scope="module")
def sealed(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a ceremony whose set was just sealed."""
    folder = tmp_path_factory.mktemp("sealed")
    made = generate(plan.ca.name, NOW, lambda *_: None)
    names = tuple(each.name for each in plan.custodians)
    order = sealing.Order(Kind.SPECIMEN, plan.policy, names, NOW, plan.stationery, keeping=plan.keeping)
    with NewFiles(folder) as out:
        sealing.seal(made, order, out, lambda *_: None)
        out.publish()
    made.close()
    return folder


class Printer(Tray):
    """A tray that fails at the given attempts, counted from 1, and notes each document that came out."""

    def __init__(self, folder: Path, failing: Mapping[int, Exception]) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.failing, self.attempts = failing, 0
        self.came_out: list[tuple[str, str | None]] = []

    def print(self, write: Write, title: str = SHEET, media: str | None = None) -> None:
        self.attempts += 1
        if self.attempts in self.failing:
            raise self.failing[self.attempts]
        super().print(write, title, media)
        self.came_out.append((title, media))

    @property
    def titles(self) -> list[str]:
        return [title for title, _ in self.came_out]


class People(Desk):
    """Answer what lies ready, in turn, and else press Enter; scan the newest document, or what lies ready for that."""

    def __init__(
        self, base: Path, answers: Mapping[Asked, Sequence[str]], scanned: Sequence[Sequence[Path]] = ()
    ) -> None:
        self.base = base
        self.answers = {asked: list(given) for asked, given in answers.items()}
        self.scanned = list(scanned)
        self.said: list[str] = []
        self.asked: list[Asked] = []
        self.wrong: list[str] = []

    def page(self, lines: Sequence[str]) -> None:
        raise AssertionError(lines)

    def say(self, text: str) -> None:
        self.said.append(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        self.asked.append(asked)
        if asked is Asked.SCAN:
            newest = max((self.base / "tray").glob(f"*-{fields['share']}.pdf"))
            for file in self.scanned.pop(0) if self.scanned else [newest]:
                (self.base / "scans" / file.name).write_bytes(file.read_bytes())
        return self.answers[asked].pop(0) if self.answers.get(asked) else ""

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        assert asked is Asked.WORDS
        place = fields["place"]
        assert isinstance(place, Place)
        if self.wrong:
            return Secret.of(self.wrong.pop(0).encode())
        (page,) = scan(max((self.base / "tray").glob(f"*-{TEST_PAGE}.pdf")).read_bytes())
        row = to_words(Record.from_text(page.texts[0]).encode())[place.row - 1]
        return Secret.of(" ".join(row[column - 1] for column in place.columns).encode())


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    return tmp_path


def shop(plan: Plan, out: Path, base: Path, failing: Mapping[int, Exception] | None = None) -> tuple[Workshop, Printer]:
    made = Printer(base / "tray", failing or {})
    equipment = Equipment(
        out=out,
        printer=made,
        paper=Scans(base / "scans", allow_disk=True),
        passwords=lambda *_: Secret.of(b""),
        forget_passwords=lambda: None,
        preflight=lambda _: [],
        entries=list,
        now=lambda: NOW,
        progress=lambda *_: None,
        lots=random.Random(SEED),  # noqa: S311 - not for keys
    )
    return Workshop(plan, equipment), made


def state(sealed: Path, **more: object) -> State:
    text = (sealed / "package.escrow").read_bytes()
    seal = {"set_id": Package.decode(text).manifest.set_id.hex(), "package": hashlib.sha256(text).hexdigest()}
    done: dict[str, Facts] = {"seal": seal, "quorum": {}}
    opened = frozenset({Position(1, 1), Position(1, 3)})
    return State(done=done, opened=opened, **more)  # type: ignore[arg-type]


def step(plan: Plan, name: str) -> Step:
    return next(one for one in listing_of(plan).steps if one.id == name)


def told(facts: Facts) -> dict[str, int]:
    return {Path(paper["name"]).stem: paper["printed"] for paper in facts["papers"]}


def test_everything_that_goes_with_the_sheets_is_printed_in_order_and_on_its_paper(
    plan: Plan, sealed: Path, base: Path
) -> None:
    workshop, tray = shop(plan, sealed, base)
    people = People(base, {})
    facts = papers.print_papers(workshop, step(plan, "papers"), state(sealed), Questions(people, {}))
    assert tray.titles == WHOLE
    assert {media for _, media in tray.came_out} == {"A4"}
    assert told(facts) == {**dict.fromkeys(WHOLE[:6], 1), "recovery-card": 3, "package-sheets": 2}
    for paper in facts["papers"]:
        document = (sealed / paper["name"]).read_bytes()
        assert paper["sha256"] == hashlib.sha256(document).hexdigest()
        assert paper["pages"] == len(sizes(document))
        printed = next((base / "tray").glob(f"*-{Path(paper['name']).stem}.pdf"))
        assert printed.read_bytes() == document
    codes = {one["codes"] for one in facts["read_back"]}
    assert [one["copy"] for one in facts["read_back"]] == [1, 2]
    assert all(f"all {number} codes were read" in "\n".join(people.said) for number in codes)
    for custodian in plan.custodians:
        assert any(said.endswith(f"(4 pages): for {custodian.name}.") for said in people.said)
    for place in ("copy 1 of the package, which goes to Data Centre", "copy 2 of the package, which goes to Bank"):
        assert any(f"package sheets (8 pages): for {place}." in said for said in people.said)
    assert people.said[-1] == "Recovery card (2 pages): for the ceremony's file."
    assert len(people.asked) == 3 + 2 * 2 + 1, "one question a place, one a scan"


def test_receipts_have_what_the_plan_knows_of_the_custodian(plan: Plan, sealed: Path) -> None:
    text = text_by_pdfium((sealed / "documents/receipt-2.pdf").read_bytes())
    second = plan.custodians[1]
    assert second.deputy == "Marin Mersenne"
    for known in (second.name, second.unit, second.manager, second.deputy, second.site):
        assert text.count(known) >= 3, known


def test_a_print_that_fails_is_repeated_from_that_document_on(plan: Plan, sealed: Path, base: Path) -> None:
    jam, off = PrintError("paper jam."), RefusedError("the printer is stopped.")
    workshop, tray = shop(plan, sealed, base, {2: jam, 3: off, 10: jam})
    people = People(base, {Asked.PRINTED: ["", "what?", "print"]})
    facts = papers.print_papers(workshop, step(plan, "papers"), state(sealed), Questions(people, {}))
    assert tray.titles == [*WHOLE[:4], *WHOLE[2:]], "the second custodian's came out badly"
    assert told(facts)["label-2"] == 2
    assert [problem.partition(":")[0] for problem in facts["problems"]] == [
        *["documents/receipt-1.pdf"] * 2,
        "documents/receipt-3.pdf",
    ]
    assert people.asked.count(Asked.PRINT_AGAIN) == 3
    assert any("paper jam. Shred what came out of it." in said for said in people.said)


def test_a_failure_nobody_foresaw_forgets_no_paper_and_repeats_what_was_not_finished(
    plan: Plan, sealed: Path, base: Path
) -> None:
    workshop, tray = shop(plan, sealed, base, {len(WHOLE): RuntimeError("in the last paper"), 4: ZeroDivisionError()})
    people = People(base, {})
    for error in (ZeroDivisionError, RuntimeError):
        with pytest.raises(error):
            papers.print_papers(workshop, step(plan, "papers"), state(sealed), Questions(people, {}))
    facts = papers.print_papers(workshop, step(plan, "papers"), state(sealed), Questions(people, {}))
    assert tray.titles == [*WHOLE[:3], *WHOLE[2:]], "only what was broken off comes again"
    assert told(facts) == {**dict.fromkeys(WHOLE[:6], 1), "label-2": 2, "recovery-card": 3, "package-sheets": 2}
    assert [one["copy"] for one in facts["read_back"]] == [1, 2]
    broken = [said for said in people.said if "this was broken off. Shred what came out of it" in said]
    assert [said.partition(" of share")[0] for said in broken[:1]] == ["Label and three receipts"]
    assert len(broken) == 2
    assert not workshop.pile.facts, "the next step begins with none"


def test_papers_of_a_step_that_was_not_finished_are_named_when_they_are_destroyed(
    plan: Plan, sealed: Path, base: Path
) -> None:
    workshop, _ = shop(plan, sealed, base, {6: ZeroDivisionError()})
    at = state(sealed)
    with pytest.raises(ZeroDivisionError):
        papers.print_papers(workshop, step(plan, "papers"), at, Questions(People(base, {}), {}))
    workshop.forget()  # the people abort
    people = People(base, {Asked.DESTROYED: ["0"]})
    workshop.equipment = replace(workshop.equipment, out=base / "nothing")
    facts = sheets.destroy(workshop, DESTROY_SHEETS, at, Questions(people, {}))
    assert told(facts) == {"label-1": 1, "receipt-1": 1, "label-2": 1, "receipt-2": 1, "label-3": 1}
    assert "  label-3: 1" in people.said


def test_the_paper_of_another_size_in_a_template_is_asked_for(plan: Plan, sealed: Path, base: Path) -> None:
    (base / "out/documents").mkdir(parents=True)
    manifest = Package.decode((sealed / "package.escrow").read_bytes()).manifest
    own = base / "templates"
    own.mkdir()
    text = (Path(documents.__file__).parent.parent / "templates/label.toml").read_text("utf-8")
    (own / "label.toml").write_text(f'page = "Letter"\n{text}', "utf-8")
    made = documents.make(manifest, (), Stationery(own), lambda *_: None)
    (base / "out/documents/label-1.pdf").write_bytes(dict(made)["label-1.pdf"])
    workshop, tray = shop(plan, base / "out", base)
    papers.new_labels(workshop, [FIRST], Questions(People(base, {}), {}))
    assert tray.came_out == [("label-1", "Letter")]


def test_package_sheets_are_read_back_from_paper_code_by_code(plan: Plan, sealed: Path, base: Path) -> None:
    """Nothing in the scanner, a label, all pages but one, that one; then a spoilt copy, and a new one in two goes."""
    whole = (sealed / "package-sheets.pdf").read_bytes()
    pages = [base / f"{number}.png" for number in range(1, len(sizes(whole)) + 1)]
    for file, picture in zip(pages, pictures(whole, 200), strict=True):
        picture.save(file)
    workshop, tray = shop(plan, sealed, base)
    label = sealed / "documents/label-1.pdf"
    scanned = [[], [label], [*pages[:2], *pages[3:]], [pages[2]], [pages[1]], [*pages[2:]], [pages[1]]]
    people = People(base, {Asked.TRY_AGAIN: ["again", "?", "again", "again", "print", "again"]}, scanned)
    facts = papers.print_papers(workshop, step(plan, "papers"), state(sealed), Questions(people, {}))
    problems = [said for said in people.said if said.startswith(("There is no scan", "No code", "Not read", "6 codes"))]
    assert [problem[:8] for problem in problems] == ["There is", "No code ", "Not read", "6 codes ", "Not read"]
    assert re.fullmatch(r"Not read: (PKG \w{4} \d\d/\d\d, ){5}PKG \w{4} \d\d/\d\d\.", problems[2])
    assert told(facts) == {**dict.fromkeys(WHOLE[:6], 1), "recovery-card": 3, "package-sheets": 3}, "the card was good"
    assert tray.titles == [*WHOLE[:-1], "package-sheets", "recovery-card"]
    codes = len(assemble.read_codes(sealed / "package-sheets.pdf"))
    assert facts["read_back"] == [{"copy": 1, "codes": codes}, {"copy": 2, "codes": codes}]


def test_the_sheets_of_another_package_are_no_proof(sealed: Path) -> None:
    codes = assemble.read_codes(sealed / "package-sheets.pdf")
    package = (sealed / "package.escrow").read_bytes()
    assert assemble.compare(codes, package) == (len(codes), [])
    with pytest.raises(PackageError, match="another package"):
        assemble.compare(codes, package + b"\n")
    with pytest.raises(PackageError, match="another package"):
        assemble.compare([*codes, split(b"something else")[0].to_text()], package)
    with pytest.raises(PackageError, match="No code of a package was read"):
        assemble.compare([], package)


def test_a_package_without_sheets_has_cards_alone(plan: Plan, sealed: Path, base: Path) -> None:
    out = base / "out"
    (out / "documents").mkdir(parents=True)
    for name in ("package.escrow", *(f"documents/{name}" for name in documents.files(plan.policy))):
        (out / name).write_bytes((sealed / name).read_bytes())
    workshop, tray = shop(plan, out, base)
    people = People(base, {})
    facts = papers.print_papers(workshop, step(plan, "papers"), state(sealed), Questions(people, {}))
    assert PACKAGE_SHEETS not in tray.titles
    assert facts["read_back"] == []
    assert "too large for paper" in people.said[-1]


@pytest.mark.parametrize(("bagged", "labels"), [(frozenset(), []), ({FIRST}, []), ({SECOND}, ["label-2", "receipt-2"])])
def test_whoever_had_a_bag_gets_a_new_label_before_the_number_is_asked(
    bagged: frozenset[Position], labels: list[str], plan: Plan, sealed: Path, base: Path
) -> None:
    workshop, tray = shop(plan, sealed, base)
    people = People(base, {Asked.BAG: ["B 7"], Asked.BAG_AGAIN: ["b7"]})
    bag = step(plan, of_share("bag", SECOND))
    facts = sheets.bag(workshop, bag, state(sealed, bagged=frozenset(bagged)), Questions(people, {}))
    assert facts["bag"] == "B 7"
    assert tray.titles == labels
    assert people.asked == [*[Asked.PRINTED] * bool(labels), Asked.BAG, Asked.BAG_AGAIN]
    assert ("papers" in facts) == bool(labels)


def test_all_new_labels_come_before_the_numbers_so_that_nothing_typed_is_lost(
    plan: Plan, sealed: Path, base: Path
) -> None:
    workshop, tray = shop(plan, sealed, base, {2: PrintError("paper jam.")})
    people = People(base, {Asked.OPENED: ["2"], Asked.BAG: ["X1", "X2", "X3"], Asked.BAG_AGAIN: ["X1", "X2", "X3"]})
    facts = sheets.bag_again(workshop, step(plan, "bag-again"), state(sealed), Questions(people, {}))
    assert facts["bags"] == {"1.1": "X1", "1.3": "X2", "1.2": "X3"}
    assert tray.titles == ["label-1", "label-3", "label-2"]
    assert people.asked == [Asked.OPENED, Asked.PRINT_AGAIN, Asked.PRINTED, *[Asked.BAG, Asked.BAG_AGAIN] * 3]
    for title, position in (("label-1", FIRST), ("label-2", SECOND)):
        (page,) = scan(next((base / "tray").glob(f"*-{title}.pdf")).read_bytes())
        label = Label.from_text(page.texts[0])
        assert (label.group, label.x) == position


def test_the_test_page_is_a_specimen_that_is_read_back_and_typed_before_there_is_anything(
    plan: Plan, base: Path
) -> None:
    workshop, tray = shop(plan, base / "nothing", base)
    people = People(base, {})
    facts = printer.prove(workshop, step(plan, "test-page"), State(), Questions(people, {}))
    assert tray.came_out == [(TEST_PAGE, None)], "on the paper of the sheets"
    assert len(facts["words"]) == 2
    (page,) = scan((base / "tray/001-test-page.pdf").read_bytes())
    record = Record.from_text(page.texts[0])
    assert record.kind is Kind.SPECIMEN
    assert record.value == documents.MADE_UP
    assert people.said == ["The test page is proven from paper. Shred it."]


def test_a_link_in_the_folder_of_scans_is_not_followed_and_not_removed(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    elsewhere, link = tmp_path / "scan.png", tmp_path / "scans/scan.png"
    elsewhere.write_bytes(b"a scan on a disk")
    link.symlink_to(elsewhere)
    (tmp_path / "tray").mkdir()
    (tmp_path / f"tray/1-{PACKAGE_SHEETS}.pdf").write_bytes(b"")
    ask = Questions(People(tmp_path, {}, [[]]), {})
    with pytest.raises(PageError, match=r"scan.png in .*/scans is a link: a scan would stay where it leads"):
        Scans(tmp_path / "scans", allow_disk=True).codes("the package sheets", PACKAGE_SHEETS, ask)
    assert link.is_symlink()
    assert elsewhere.exists()


def test_a_test_page_that_is_not_read_is_read_or_printed_again(plan: Plan, sealed: Path, base: Path) -> None:
    """Nothing in the scanner, white pages, a sheet of a real set; then a new page."""
    white = Image.new("L", (800, 1100), 255)
    white.save(base / "white.pdf", save_all=True, append_images=[white])
    workshop, tray = shop(plan, base / "nothing", base)
    scanned = [[], [base / "white.pdf"], [sealed / "shares/share-1.pdf"]]
    people = People(base, {Asked.TRY_AGAIN: ["again", "again", "print"]}, scanned)
    printer.prove(workshop, step(plan, "test-page"), State(), Questions(people, {}))
    assert tray.titles == [TEST_PAGE] * 2
    said = [each for each in people.said if not each.startswith(("again: ", "print: "))]
    assert "There is no scan" in said[0]
    assert said[1].startswith("This is not the test page alone:")
    assert "another share set" in said[2]


def test_a_printer_or_words_that_fail_the_test_page_fail_the_step(plan: Plan, base: Path) -> None:
    workshop, tray = shop(plan, base / "nothing", base, {1: PrintError("paper jam.")})
    with pytest.raises(StepError, match=r"paper jam\. Shred what came out"):
        printer.prove(workshop, step(plan, "test-page"), State(), Questions(People(base, {}), {}))
    people = People(base, {})
    people.wrong = ["able acid also"] * 3
    with pytest.raises(Exception, match="are not those of the sheet"):
        printer.prove(workshop, step(plan, "test-page"), State(), Questions(people, {}))
    assert tray.titles == [TEST_PAGE]


def test_a_package_that_was_replaced_after_sealing_is_not_gone_on_with(plan: Plan, sealed: Path, base: Path) -> None:
    """The set id is of the manifest alone; the hash that was noted at sealing is of the whole file."""
    workshop, _ = shop(plan, sealed, base)
    at = state(sealed)
    workshop.package(at)
    other = replace(at, done={**at.done, "seal": {**at.done["seal"], "package": "00" * 32}})
    with pytest.raises(PackageError, match="is not the package that this ceremony sealed"):
        workshop.package(other)
