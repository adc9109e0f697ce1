"""The printed script: complete, in the order of the steps, legible for every plan, the same bytes for the same plan."""

import datetime as dt
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from helpers import escrow, need, run

from ceremony import spoken
from ceremony.forms.letterhead import Letterhead
from ceremony.forms.script import MATERIALS, OFFICERS, WITNESS, documents, files
from ceremony.forms.transcript_words import transcript_words
from ceremony.forms.words import script_words
from ceremony.planning import draft
from ceremony.planning.plan import Plan, parse
from ceremony.planning.profiles import profiles_of
from ceremony.preflight.checks.tool import fingerprint
from ceremony.preflight.machine import Machine
from ceremony.rules.checker import StepsError
from ceremony.rules.lists import listing_of
from ceremony.rules.sealing.steps import CONTINGENCIES
from ceremony.rules.steps import Action, Step
from ceremony.rules.wording import Wording
from escrow.errors import TemplateError
from escrow.issuing.fields import planned
from escrow.issuing.profile import Profile
from escrow.paper import source
from escrow.paper.raster import pictures
from escrow.wordlist import WORDS

MM = 72 / 25.4
MARGIN = 17.5 * MM
CUSTODIAN = '[[custodian]]\nname = "{name}"\nunit = "{name}"\nmanager = "{name}"\nsite = "Bank"\n'
LETTERS = ["Αλέξανδρος Παπαδόπουλος", "Александра Щукина", "Zoë Müller-Łukasiewicz", "W" * 60, "X <b> & {x}"]


def plan(text: str = "") -> Plan:
    return parse((text or draft.fill({}, {})).encode(), Path("ceremony.toml"))


def with_custodians(names: list[str], threshold: int, group: str = "") -> str:
    """The example's plan with other custodians."""
    before, _, rest = draft.fill({}, {}).partition("[[custodian]]")
    after = rest[rest.index("# Officers") :]
    own = "\n".join(CUSTODIAN.format(name=name) + group for name in names)
    return f"{before}{own}\n{after}".replace("threshold = 3", f"threshold = {threshold}")


def long_names() -> str:
    return with_custodians([f"{'W' * 58}{n:02}" for n in range(15)], 8).replace('page = "A4"', 'page = "Letter"')


def in_groups() -> str:
    """Two groups, both needed, names in three alphabets, a specimen, imported keys."""
    text = with_custodians(LETTERS, 2, 'group = "Custodians"\n')
    text = text.replace(
        "[[officer]]",
        '[quorum]\ngroups_needed = 2\n\n[[group]]\nname = "B"\nthreshold = 1\n\n'
        + CUSTODIAN.format(name="Ann")
        + 'group = "B"\n\n[[officer]]',
        1,
    )
    text = text.replace('kind = "production"', 'kind = "specimen"')
    return text.replace('keys = "generate"', 'keys = "import"\ntree = "/root/.step"')


CERTIFICATES = """
[root]
key = "EC P-384"
years = 25
subject = ["C=GB", "O=Example Ltd", "CN=Example Root <&> {x}"]
permitted = ["DNS:example.com", "IP:10.0.0.0/8", "email:example.com"]

[[intermediate]]
policies = ["1.3.6.1.4.1.99999.1.1"]
crl = ["http://pki.example.com/a/very/long/path/that/goes/on/and/on/and/on/without/any/place/to/break/it/root.crl"]
ocsp = ["http://ocsp.example.com"]

[[intermediate]]
"""


def with_certificates() -> str:
    return draft.fill({}, {}).replace('page = "A4"', 'page = "Letter"') + CERTIFICATES


def with_online_ca() -> str:
    online: dict[str, draft.Value] = {
        "dns": ("ca.example.com",),
        "site": "Bank",
        "medium": "USB stick with a name that is not short at all",
    }
    return draft.fill({"online": online}, {})


PLANS = {
    "3 of 5": draft.fill({}, {}),
    "long names": long_names(),
    "groups": in_groups(),
    "certificates": with_certificates(),
    "online": with_online_ca(),
}


@dataclass(frozen=True)
class Printed:
    """The documents of a plan, as files."""

    plan: Plan
    folder: Path

    @property
    def steps(self) -> tuple[Step, ...]:
        return listing_of(self.plan).steps

    def text(self, name: str) -> str:
        """The words of a document in the order in which they were drawn, without blanks: names are broken anywhere."""
        return squeezed(run("pdftotext", "-raw", self.folder / name, "-").expect().out)

    def pages(self, name: str) -> int:
        return int(re.findall(r"Pages: +(\d+)", run("pdfinfo", self.folder / name).expect().out)[0])


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.fixture(scope="module")
def printed_plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Printed]:
    need("pdftotext", "pdfinfo", "pdffonts")
    made = {}
    for name, text in PLANS.items():
        folder = tmp_path_factory.mktemp("script")
        for file, content in documents(plan(text)):
            (folder / file).write_bytes(content)
        made[name] = Printed(plan(text), folder)
    return made


@pytest.fixture(params=PLANS)
def printed(request: pytest.FixtureRequest, printed_plans: dict[str, Printed]) -> Printed:
    return printed_plans[request.param]


def appears(text: str, parts: Iterator[str], start: int = 0) -> int:
    """Fail unless the parts follow one another in the text; where the last one ends."""
    for part in parts:
        found = text.find(squeezed(part), start)
        assert found >= 0, f"{part!r} is not there, or not in its place"
        start = found + len(squeezed(part))
    return start


@pytest.mark.parametrize("name", [OFFICERS, WITNESS])
def test_every_step_stands_there_with_its_number_and_all_its_words_in_order(printed: Printed, name: str) -> None:
    wording = Wording(printed.plan)

    def parts() -> Iterator[str]:
        for step in (*printed.steps, *CONTINGENCIES):
            words = wording.of(step)
            # The number, what is done, what is expected and who does it are the cells of one row.
            yield step.number + words.do + words.expect + words.who

    text = printed.text(name)
    after_duration = text.rindex(squeezed(script_words(printed.plan)("duration.total")))
    for number, title in enumerate(wording.acts.values()):
        assert squeezed(f"Act {number}: {title}") in text[after_duration:]
    # The footer may stand between two rows, never within one.
    end = appears(text, parts(), after_duration)
    rules = (squeezed(wording.loss(rule)) for rule in wording.listing.losses)
    assert appears(text, rules) < end


def test_the_cover_has_the_plans_hash_in_words_and_in_digits(printed: Printed) -> None:
    first = squeezed(run("pdftotext", "-raw", "-l", "1", printed.folder / OFFICERS, "-").expect().out)
    rows = [f"{number}{row}" for number, row in enumerate(spoken.rows_of(printed.plan.words), 1)]
    appears(first, iter([*rows, printed.plan.digest.hex()]))
    assert squeezed(printed.plan.ceremony.organisation) in first
    assert ("Specimen:" in first) == (printed.plan.ceremony.kind.value == "specimen")


def test_the_check_words_stand_in_the_witness_copy_alone_at_their_step(printed: Printed) -> None:
    say = script_words(printed.plan)
    label = squeezed(say("acts.check_words"))
    witness, officers = printed.text(WITNESS), printed.text(OFFICERS)
    irreversible = [step for step in (*printed.steps, *CONTINGENCIES) if step.irreversible]
    said = ["".join(spoken.check_words(printed.plan.digest, step.id)) for step in irreversible]
    assert re.findall(f"{label}([a-z]{{8}})", witness) == said
    # Neighbours in the list of all words, or in the plan's hash, stand side by side there, in every copy.
    elsewhere = officers[: officers.rindex(squeezed(say("tables.words_text")))]
    for row in spoken.rows_of(printed.plan.words):
        elsewhere = elsewhere.replace(squeezed(row), "")
    assert len(elsewhere) > len(officers) / 2
    for words in said:
        assert words not in elsewhere
        assert words not in printed.text(MATERIALS)
    for text in (witness, officers):
        assert text.count(squeezed("POINT OF NO RETURN")) == len(irreversible)
    assert label not in officers


def test_what_every_certificate_is_to_say_stands_there_with_room_for_its_fingerprint(printed: Printed) -> None:
    say = script_words(printed.plan)
    profiles = profiles_of(printed.plan)
    names = list(profiles or range(4))
    for text in (printed.text(WITNESS), printed.text(OFFICERS)):
        for number, profile in enumerate(names, 1):
            label = squeezed(say("acts.certificate", number=number))
            assert text.count(label) == 1
            if profiles and isinstance(profile, Profile):
                start = text.index(squeezed(say("certificate.title", number=number, file=profile.certificate_file)))
                rows = [(name, value) for name, value in planned(profiles, profile).items() if value]
                parts = (part for name, value in rows for part in (say(f"certificate.{name}"), value))
                assert appears(text, parts, start) <= text.index(label)


def test_the_head_of_the_journal_is_written_down_at_every_checkpoint_in_the_witness_copy(printed: Printed) -> None:
    say = script_words(printed.plan)
    checkpoints = sum(step.action is Action.WRITE_HEAD for step in printed.steps)
    assert printed.text(WITNESS).count(squeezed(say("acts.head")) + "…") == checkpoints
    assert printed.text(OFFICERS).count(squeezed(say("acts.head_elsewhere"))) == checkpoints


def test_the_words_of_the_archive_and_its_carriers_are_written_down_at_the_last_step(printed: Printed) -> None:
    say, last = script_words(printed.plan), printed.steps[-1]
    text = printed.text(WITNESS)
    start = text.index(squeezed(Wording(printed.plan).of(last).do))
    carriers = [
        say("acts.archive_carrier", copy=number, site=copy.site) for number, copy in enumerate(printed.plan.archives, 1)
    ]
    appears(text, iter([squeezed(say("acts.archive")) + "…", *carriers]), start)
    assert squeezed(say("acts.archive")) + "…" not in printed.text(OFFICERS)
    assert squeezed(say("acts.archive_elsewhere")) in printed.text(OFFICERS)


def test_everybody_and_everything_is_in_its_table(printed: Printed) -> None:
    text, plan = printed.text(WITNESS), printed.plan
    people = [(each.name, each.unit) for each in (*plan.officers, *plan.witnesses)]
    for name, unit in [*people, *((each.name, each.unit) for each in plan.custodians)]:
        assert squeezed(name + unit) in text
    for package in plan.packages:
        assert squeezed(f"for {package.site}: {package.medium}") in printed.text(MATERIALS)
    for archive in plan.archives:
        assert squeezed(f"of the archive for {archive.site}: {archive.medium}") in printed.text(MATERIALS)
    assert text.count(squeezed("Number of the new bag of share")) == len(
        plan.policy.choose(list(plan.policy.positions))
    )
    appears(text, (" ".join(WORDS[row : row + 16]) for row in range(0, 256, 16)), text.index(squeezed("The 256 words")))
    assert text.count(squeezed("What happened")) == 5


def test_the_planned_minutes_of_the_acts_add_up(printed: Printed) -> None:
    wording = Wording(printed.plan)
    total = sum(wording.of(step).minutes for step in printed.steps)
    hours, minutes = divmod(int(total), 60)
    assert squeezed(f"All acts {hours} h {minutes} min") in printed.text(OFFICERS)


@pytest.mark.parametrize("name", [OFFICERS, MATERIALS])
def test_every_page_says_what_it_is_of_how_many_and_of_which_plan(printed: Printed, name: str) -> None:
    count = printed.pages(name)
    pages = run("pdftotext", "-raw", printed.folder / name, "-").expect().out.split("\f")[:-1]
    assert len(pages) == count
    for number, page in enumerate(pages, 1):
        text = squeezed(page)
        assert f"page{number}of{count}" in text
        for part in (
            "CONFIDENTIAL - NOT SECRET",
            printed.plan.ceremony.organisation,
            printed.plan.ceremony.id,
            spoken.first_three_and_last(printed.plan.words),
            "Date",
            "Initials",
        ):
            assert squeezed(part) in text
        assert ("SPECIMEN" in text) == (printed.plan.ceremony.kind.value == "specimen")


@pytest.mark.parametrize("name", ["3 of 5", "long names"])  # a specimen's mark stands among the lines
def test_the_contents_name_the_pages_where_the_sections_begin(name: str, printed_plans: dict[str, Printed]) -> None:
    script = printed_plans[name].folder / WITNESS
    pages = run("pdftotext", "-layout", script, "-").expect().out.split("\f")[:-1]
    listed = re.findall(r"^ *(\S.*?) {3,}(\d+)$", pages[1].partition("Contents")[2], re.MULTILINE)
    assert len(listed) == 7 + 11 + 4
    for title, number in listed:
        assert re.search(rf"^ *{re.escape(title)}$", pages[int(number) - 1], re.MULTILINE), title


@dataclass(frozen=True)
class Word:
    """A word on a page, in points from the top left."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    def covers(self, other: "Word") -> bool:
        """Whether the cores of the two overlap; lines of text touch."""
        height = (self.bottom - self.top) * 0.3
        return (
            self.left + 0.5 < other.right
            and other.left + 0.5 < self.right
            and self.top + height < other.bottom - height
            and other.top + height < self.bottom - height
        )


def words_of(pdf: Path) -> Iterator[tuple[float, float, list[Word]]]:
    """Width, height and words of each page; what is written across it for specimens left out."""
    shown = run("pdftotext", "-bbox", pdf, "-").expect().out
    for width, height, page in re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', shown, re.DOTALL):
        boxes = re.findall(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>', page)
        words = [Word(float(a), float(b), float(c), float(d), text) for a, b, c, d, text in boxes]
        yield float(width), float(height), [word for word in words if word.bottom - word.top < 60]


@pytest.mark.parametrize("name", [WITNESS, MATERIALS])
def test_no_word_leaves_the_page_or_lies_over_another(printed: Printed, name: str) -> None:
    letter = printed.plan.documents.page == "Letter"
    for width, height, words in words_of(printed.folder / name):
        assert (round(width), round(height)) == ((612, 792) if letter else (595, 842))
        for word in words:
            assert word.left >= MARGIN, word
            assert word.right <= width - MARGIN, word
            assert 6.5 * MM <= word.top < word.bottom <= height - 7 * MM, word
        for one, other in itertools.combinations(words, 2):
            assert not one.covers(other), (one, other)


def test_no_line_or_box_leaves_the_margins(printed_plans: dict[str, Printed]) -> None:
    for name in ("3 of 5", "long names"):  # specimens have something across the page
        for picture in pictures((printed_plans[name].folder / WITNESS).read_bytes(), 50):
            dots = int(MARGIN / 72 * 50)
            grey = picture.convert("L")
            for left in (0, grey.width - dots):
                shades = grey.crop((left, 0, left + dots, grey.height)).histogram()
                assert not sum(shades[:200]), "something dark is beside the text"


def test_nothing_is_smaller_than_ten_points_and_every_font_is_embedded(printed: Printed) -> None:
    for name in (OFFICERS, WITNESS, MATERIALS):
        fonts = run("pdffonts", printed.folder / name).expect().out.splitlines()[2:]
        assert len(fonts) >= 2
        for line in fonts:  # name, type, encoding, emb, sub, uni, object
            assert re.search(r" yes +yes +yes +\d+ +\d+$", line), line
        for _, _, words in words_of(printed.folder / name):
            assert all(word.bottom - word.top > 10 for word in words)  # ascent to descent, more than the size


def test_the_same_plan_gives_the_same_bytes_and_another_plan_others() -> None:
    once = dict(documents(plan()))
    assert once == dict(documents(plan()))
    assert list(once) == files(plan())
    other = dict(documents(plan(draft.fill({}, {}) + "\n# another\n")))
    assert {name for name in (OFFICERS, WITNESS, MATERIALS) if once[name] != other[name]} == {
        OFFICERS,
        WITNESS,
        MATERIALS,
    }


def test_a_list_of_steps_that_does_not_add_up_is_not_printed() -> None:
    listing = listing_of(plan())
    listed = listing.steps
    for wrong in (listed[:-1], listed[1:], tuple(step for step in listed if step.id != "read-back 1.3")):
        with pytest.raises(StepsError, match="does not add up"):
            documents(plan(), replace(listing, steps=wrong))
    with pytest.raises(StepsError):
        documents(plan(), replace(listing, steps=tuple(replace(step, wipes=frozenset()) for step in listed)))


def test_a_name_that_the_fonts_lack_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"the fonts lack '安'"):
        list(documents(plan(draft.fill({}, {}).replace("Ada Lovelace", "安"))))


def test_a_script_for_255_custodians_has_a_page_for_each_and_few_more(tmp_path: Path) -> None:
    need("pdfinfo")
    many = plan(with_custodians([f"Custodian {n}" for n in range(1, 256)], 128))
    name, content = next(documents(many))
    (tmp_path / name).write_bytes(content)
    assert 255 < Printed(many, tmp_path).pages(name) < 255 + 60


@cache
def blank_receipts() -> dict[str, bytes]:
    return {name: content for name, content in documents(plan()) if name.startswith("receipt")}


def test_receipts_name_share_and_custodian_and_leave_to_hand_what_is_not_known_yet(tmp_path: Path) -> None:
    need("pdftotext")
    assert list(blank_receipts()) == [f"receipt-{n}.pdf" for n in range(1, 6)]
    (tmp_path / "receipt.pdf").write_bytes(blank_receipts()["receipt-2.pdf"])
    text = run("pdftotext", "-raw", tmp_path / "receipt.pdf", "-").expect().out
    assert text.count("Receipt for share 2 of 5") == 3
    assert text.count("Blaise Pascal") == 3
    assert "Words of the share: ____ ____ ____ ____." in text
    assert text.count("RESERVE") == 2 * 3, "they are used only if the printer fails"
    for known in ("Finance", "Luca Pacioli", "Head Office"):
        assert text.count(f"\n{known}\n") == 3


def test_the_list_of_materials_counts_what_the_ceremony_uses() -> None:
    """3 of 5, two copies: 1 test page, 5 x (label, 3 receipts, sheet), 3 x 2 of cards, 2 x 6 of codes, 3 labels."""
    numbers = {supply["what"].split(":")[0]: supply["number"] for supply in script_words(plan()).list("supply")}
    assert numbers["Tamper-evident bags with numbers"] == str(5 + 3 + 3 + 3)
    assert numbers["Opaque envelopes that fit into the bags"] == str(5 + 3)
    assert numbers["Receipts in reserve, printed before with the script"] == "15"
    (paper,) = [what["what"] for what in script_words(plan()).list("supply") if "from an unopened pack" in what["what"]]
    assert "about 47 pages" in paper
    assert numbers["Sheets of paper for the printer, from an unopened pack"] == "100"
    many = plan(with_custodians([f"Custodian {n}" for n in range(1, 16)], 8))
    (supply,) = [each for each in script_words(many).list("supply") if "from an unopened pack" in each["what"]]
    assert "about 102 pages" in supply["what"]
    assert supply["number"] == "300"


@pytest.mark.parametrize("size", ["A4", "Letter"])
def test_the_steps_of_a_custodian_stand_on_one_page(size: str, tmp_path: Path) -> None:
    need("pdftotext")
    _, officers = next(documents(plan(draft.fill({"documents": {"page": size}}, {}))))
    (tmp_path / OFFICERS).write_bytes(officers)
    pages = run("pdftotext", "-raw", tmp_path / OFFICERS, "-").expect().out.split("\f")
    shown = [re.findall(r"^7\.(\d+)(?: |$)", page, re.MULTILINE) for page in pages]
    together = [list(map(str, range(first, first + 4))) for first in range(1, 21, 4)]
    assert [numbers for numbers in shown if numbers][:5] == together


def test_the_words_of_the_set_are_written_down_in_every_copy(printed: Printed) -> None:
    say = script_words(printed.plan)
    for name in (OFFICERS, WITNESS):
        assert printed.text(name).count(squeezed(say("acts.set_words"))) >= 1


ROOM = 'expect = "The room is as the materials list says, and the door is closed."\n'
TESTED = 'steps = ["preflight", "test-page"]'
MISTAKES = [
    ("script", 'title = "Approvals"\n', "", r"line \d+: \[approvals\] lacks 'title'"),
    ("script", 'title = "Approvals"\n', 'title = "A"\ntitel = "B"\n', r"line \d+: \[approvals\] has no 'titel'"),
    ("script", 'title = "Approvals"\n', 'title = "{unit}"\n', r"line \d+: title uses {unit}"),
    ("script", 'title = "Approvals"\n', 'title = "{ca.name}"\n', r"line \d+: title: braces stand in pairs"),
    ("script", 'title = "Approvals"\n', 'title = "{ca!r}"\n', r"line \d+: title: braces stand in pairs"),
    ("script", 'title = "Approvals"\n', 'title = "{"\n', r"line \d+: title: braces stand in pairs"),
    ("script", 'title = "Approvals"\n', "title = 3\n", r"line \d+: title is a text"),
    ("script", 'title = "Approvals"\n', 'title = " "\n', r"line \d+: title is a text, and not empty"),
    ("script", 'title = "Approvals"\n', 'title = "A\n', r"line \d+: this is not TOML"),
    ("script", "[approvals]\n", "[aprovals]\n", r"line \d+: \[aprovals\] is not known"),
    (
        "script",
        'steps = ["preflight", "test-page"]\n',
        'steps = ["preflite", "test-page"]\n',
        r"line \d+: steps is a list of some of",
    ),
    ("script", f"{TESTED}\n", "", r"line \d+: the entry of \[\[requirement\]\] lacks steps"),
    ("script", 'Z = "Zulu"\n', "", r"\[nato\] lacks 'Z'"),
    ("steps", ROOM, "", r"line \d+: \[step.room\] lacks 'expect'"),
    ("steps", ROOM, f"{ROOM}expected = 'A'\n", r"line \d+: \[step.room\] has no 'expected'"),
    ("steps", ROOM, "expect = ''\n", r"line \d+: expect is a text, and not empty"),
    ("steps", ROOM, "expect = '{share}'\n", r"line \d+: expect uses {share}"),
    ("steps", f"{ROOM}minutes = 5\n", f"{ROOM}minutes = 0\n", r"line \d+: minutes is a number above 0"),
    ("steps", f"{ROOM}minutes = 5\n", f"{ROOM}minutes = true\n", r"line \d+: minutes is a number above 0"),
    ("steps", f"{ROOM}minutes = 5\n", f"{ROOM}minutes = '5'\n", r"line \d+: minutes is a number above 0"),
    ("steps", "[step.room]\n", "[step.rooms]\n", r"line \d+: \[step.rooms\] is not known"),
    ("steps", 'close = "Closing"\n', "", r"line \d+: \[acts\] lacks 'close'"),
    ("steps", 'everybody = "Everybody"\n', 'everybody = "{custodian}"\n', r"line \d+: everybody uses {custodian}"),
    ("steps", "[loss]\n", "[losses]\n", r"line \d+: \[losses\] is not known"),
]


@pytest.mark.parametrize(("name", "before", "after", "expected"), MISTAKES)
def test_a_mistake_in_the_templates_is_named_with_file_and_line(
    name: str, before: str, after: str, expected: str, tmp_path: Path
) -> None:
    ours = (source.directory() / f"{name}.toml").read_text("utf-8")
    assert ours.count(before) == 1
    (tmp_path / f"{name}.toml").write_text(ours.replace(before, after), "utf-8")
    with pytest.raises(TemplateError, match=f"{name}.toml.*{expected}") as raised:
        {"script": script_words, "steps": Wording}[name](with_templates(tmp_path))
    if "lacks" not in expected:
        line = ours[: ours.index(before)].count("\n") + 1
        found = int(re.findall(r"line (\d+)", str(raised.value))[0])
        assert abs(line - found) <= 1  # of an entry of a list, its first line


def with_templates(folder: Path) -> Plan:
    """The example's plan with templates of its own."""
    return plan(draft.fill({}, {}).replace("[documents]\n", f'[documents]\ntemplates = "{folder}"\n'))


@pytest.mark.parametrize("file", ["script.toml", "steps.toml", "common.toml", "transcript.toml"])
def test_whatever_line_is_lost_the_template_is_refused_with_its_name_and_a_line_or_it_works(
    file: str, tmp_path: Path
) -> None:
    lines = (source.directory() / file).read_text("utf-8").splitlines()
    own = with_templates(tmp_path)
    refused = 0
    for number in range(len(lines)):
        (tmp_path / file).write_text("\n".join(lines[:number] + lines[number + 1 :]), "utf-8")
        try:
            script_words(own)
            transcript_words(own, "9.4")
            Letterhead.of(own)
            Wording(own)
        except TemplateError as error:
            assert re.match(rf"{re.escape(str(tmp_path / file))}, line \d+: ", str(error)), error  # noqa: PT017
            refused += 1
    assert refused > len(lines) / 2


def test_the_header_of_a_ceremonys_documents_has_no_set(tmp_path: Path) -> None:
    ours = (source.directory() / "common.toml").read_text("utf-8")
    (tmp_path / "common.toml").write_text(ours.replace('when = ["not ceremony", "not runbook"]\n', ""), "utf-8")
    with pytest.raises(TemplateError, match=r"common.toml, line \d+: the text shows {set_id}, which a ceremony's"):
        Letterhead.of(with_templates(tmp_path))


def test_a_header_that_does_not_fit_is_refused_with_its_file_and_line(tmp_path: Path) -> None:
    ours = (source.directory() / "common.toml").read_text("utf-8")
    (tmp_path / "common.toml").write_text(ours.replace("Initials:", "Initials of who was there:"), "utf-8")
    with pytest.raises(TemplateError) as raised:
        next(documents(with_templates(tmp_path)))
    assert re.match(rf"{re.escape(str(tmp_path))}/common.toml, line \d+: the text 'Initials of", str(raised.value))


def test_an_organisation_changes_words_and_language(tmp_path: Path) -> None:
    need("pdftotext")
    foreign = {
        "script.toml": ("POINT OF NO RETURN", "ΣΗΜΕΙΟ ΧΩΡΙΣ ΕΠΙΣΤΡΟΦΗ"),
        "steps.toml": ("the share set is void", "το σύνολο είναι άκυρο"),  # what a loss means
        "common.toml": ("Initials:", "Αρχικά:"),  # the footer
    }
    for file, (before, after) in foreign.items():
        ours = (source.directory() / file).read_text("utf-8")
        (tmp_path / file).write_text(ours.replace(before, after), "utf-8")
    own = with_templates(tmp_path)
    name, content = next(documents(own))
    (tmp_path / name).write_bytes(content)
    text = Printed(own, tmp_path).text(name)
    for before, after in foreign.values():
        assert squeezed(after) in text
        assert squeezed(before) not in text


def future_plan(folder: Path) -> Path:
    """The example's plan on a day to come."""
    text = draft.example(dt.datetime.now(dt.UTC).date())
    path = folder / "ceremony.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_command_shows_the_hashes_that_are_filled_in_and_overwrites_nothing(tmp_path: Path) -> None:
    path = future_plan(tmp_path)
    out = tmp_path / "out"
    shown = escrow("script", path, "--out", out).expect().err
    assert sorted(file.name for file in out.iterdir()) == sorted(files(plan(path.read_text("utf-8"))))
    for name in (OFFICERS, WITNESS):
        digest = hashlib.sha256((out / name).read_bytes()).digest()
        assert digest.hex() in shown
        assert spoken.first_three_and_last(spoken.words_of(digest)) in shown
    assert spoken.first_three_and_last(spoken.words_of(fingerprint(Machine().tool))) in shown
    before = {file: file.read_bytes() for file in out.iterdir()}
    assert "never overwritten" in escrow("script", path, "--out", out).expect(3).err
    assert {file: file.read_bytes() for file in out.iterdir()} == before


def test_the_command_prints_nothing_while_an_error_stands_against_the_plan(tmp_path: Path) -> None:
    path = future_plan(tmp_path)
    path.write_text(path.read_text("utf-8").replace("threshold = 3", "threshold = 5"), "utf-8")
    shown = escrow("script", path, "--out", tmp_path / "out").expect(1).err
    assert "no-spare: " in shown
    assert "Nothing was printed" in shown
    assert not (tmp_path / "out").exists()


def test_the_script_of_a_session_names_no_printer_and_whom_it_needs(tmp_path: Path) -> None:
    need("pdftotext")
    _, content = next(documents(plan(draft.session("crl", dt.date(2030, 1, 1)))))
    (tmp_path / OFFICERS).write_bytes(content)
    told = " ".join(run("pdftotext", "-raw", tmp_path / OFFICERS, "-").expect().out.split())
    said = told.rpartition("What the steps are modelled on")[0]
    assert "printer" not in said
    assert "Of the custodians a quorum is needed: 3 of 5." in said
    assert "puts it into its opaque envelope" in said
    assert "Opaque envelopes that fit into the bags, in reserve" in said
