"""`escrow init`: the example, and the questions, asked in a real terminal."""

import datetime as dt
import os
import re
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import Terminal, escrow

from ceremony.planning import draft
from ceremony.planning.interview import Interview
from ceremony.planning.lints import lint
from ceremony.planning.plan import Plan, load, parse
from escrow.files import FILE_MODE

TODAY = dt.date(2030, 1, 1)
CERTIFICATES = ["rsa 3072", "25", "C=NZ; O=Acme; CN=Acme Root", "", "12", ""]
ANSWERS = [
    *("Acme GmbH", "help@acme.example", "generate", "Acme CA", *CERTIFICATES, "2030-02-01", "Room 1", "2030-02-08"),
    *("HQ, A safe, with two keys", "Plant", "A box", "Bank, A deposit box", "-"),
    *("Ada, IT, Charles, HQ", "Bert; Ops; Dora; Plant", "Cleo", "Legal", "Eve", "bank", "Dan, Audit, Fred, HQ", "-"),
    *("", "Grace, IT", "Alan, Ops", "", "Kat, Audit", "", "Plant, USB stick, and paper", "Bank, disc", ""),
    *("Plant, stick", "HQ, disc", "-"),
    *("Keys", "no"),
]


def answered(answers: Sequence[str]) -> Interview:
    interview = Interview(TODAY)
    for line in answers:
        interview.answer(line)
    return interview


def plan(text: str) -> Plan:
    return parse(text.encode(), Path("ceremony.toml"))


@pytest.mark.parametrize("today", [dt.date(2030, 1, 1), dt.date(2028, 2, 15), dt.date(2029, 12, 31)], ids=str)
def test_the_example_passes_on_the_day_it_is_written(today: dt.date) -> None:
    made = plan(draft.example(today))
    assert dt.timedelta(weeks=4) <= made.ceremony.date - today < dt.timedelta(weeks=5)
    assert [made.ceremony.date.strftime("%A"), (made.ceremony.standby or today).strftime("%A")] == ["Tuesday"] * 2
    findings = lint(made, today, None)
    assert [(finding.lint, finding.stands) for finding in findings] == [("not-rehearsed", False)]


def test_without_a_terminal_an_example_is_written_that_lint_passes(tmp_path: Path) -> None:
    path = tmp_path / "new/ceremony.toml"
    done = escrow("init", path).expect()
    assert f"The plan: {path}" in done.err
    assert done.out == ""
    assert path.stat().st_mode & 0o777 == FILE_MODE
    assert path.read_text().count("\n#") >= 20
    escrow("lint", path).expect()


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "ceremony.toml"
    path.write_text("mine")
    assert "never overwritten" in escrow("init", path).expect(3).err
    assert path.read_text() == "mine"
    terminal = Terminal(sys.executable, "-m", "ceremony", "init", path)
    terminal.expect("never overwritten")
    assert terminal.end() == 3
    assert "Organisation" not in terminal.shown


def test_the_answers_are_in_the_plan_and_the_comments_stay() -> None:
    interview = answered(ANSWERS)
    assert interview.question() is None
    text = interview.text()
    made = plan(text)
    assert (made.ceremony.organisation, made.ceremony.contact) == ("Acme GmbH", "help@acme.example")
    assert (str(made.ceremony.date), str(made.ceremony.standby), made.ceremony.place) == (
        "2030-02-01",
        "2030-02-08",
        "Room 1",
    )
    assert (made.ca.keys, made.ca.name, str(made.policy)) == ("generate", "Acme CA", "3 of 4")
    assert made.root
    assert (made.root.key, made.root.years, made.root.subject) == (
        "RSA 3072",
        25,
        ("C=NZ", "O=Acme", "CN=Acme Root"),
    )
    assert [(each.key, each.years, each.subject) for each in made.intermediates] == [
        ("RSA 3072", 12, ("O=Acme CA", "CN=Acme CA Intermediate CA"))
    ]
    assert [(each.name, each.what) for each in made.sites] == [
        ("HQ", "A safe, with two keys"),
        ("Plant", "A box"),
        ("Bank", "A deposit box"),
    ]
    assert [(each.name, each.unit, each.manager, each.site) for each in made.custodians] == [
        ("Ada", "IT", "Charles", "HQ"),
        ("Bert", "Ops", "Dora", "Plant"),
        ("Cleo", "Legal", "Eve", "Bank"),
        ("Dan", "Audit", "Fred", "HQ"),
    ]
    assert [each.name for each in (*made.officers, *made.witnesses)] == ["Grace", "Alan", "Kat"]
    assert [(each.site, each.medium) for each in made.packages] == [("Plant", "USB stick, and paper"), ("Bank", "disc")]
    assert [(each.site, each.medium) for each in made.archives] == [("Plant", "stick"), ("HQ", "disc")]
    assert [(each.what, each.depends_on_ca) for each in made.access] == [("Keys", False)]
    comments = re.compile(r"^#.*$", re.MULTILINE)
    assert comments.findall(text) == comments.findall(draft.fill({}, {}))


def test_an_import_is_asked_for_its_tree() -> None:
    interview = answered(ANSWERS[:2])
    interview.answer("import")
    interview.answer("/media/step")
    for line in ("Acme CA", *ANSWERS[10:]):
        interview.answer(line)
    assert plan(interview.text()).ca.tree == Path("/media/step")


@pytest.mark.parametrize(
    ("before", "line", "message"),
    [
        (0, "", "is empty"),
        (0, "a\x1bb", "must be one line"),
        (0, "a" * 61, "is too long"),
        (2, "make", "must be generate or import"),
        (3, "C" * 49, "is too long: X.509 allows 48"),
        (4, "DSA", "must be EC P-256 or EC P-384 or"),
        (5, "0", "must be a number from 1 to 100"),
        (6, "Acme", "must be of the form TYPE=VALUE"),
        (6, "O=Acme; Acme Root", "is 'Acme Root' at one place, which must be of the form TYPE=VALUE"),
        (9, "C=nz; CN=X", "two capital letters"),
        (10, "tomorrow", "must be a date such as 2030-01-01"),
        (10, "2029-12-31", "must be 2030-01-01 or later"),
        (12, "2030-02-01", "must be 2030-02-02 or later"),
        (14, "hq", "is there already"),
        (18, "Ada, IT, Charles, Moon", "is none of the sites HQ, Plant, Bank"),
        (26, "5", "must be a number from 2 to 4"),
        (26, "1", "must be a number from 2 to 4"),
        (26, "two", "must be a number from 2 to 4"),
        (28, "grace", "is there already"),
        (28, "-", "is needed"),
        (39, "maybe", "must be yes or no"),
    ],
)
def test_a_bad_answer_is_asked_for_again_and_loses_nothing(before: int, line: str, message: str) -> None:
    interview = answered(ANSWERS[:before])
    with pytest.raises(ValueError, match=message):
        interview.answer(line)
    good = "HQ" if line.endswith("Moon") else ANSWERS[before]  # the parts before the bad one were taken
    for rest in (good, *ANSWERS[before + 1 :]):
        interview.answer(rest)
    assert interview.text() == answered(ANSWERS).text()


def test_after_a_bad_part_the_parts_behind_it_are_kept() -> None:
    interview = answered(ANSWERS[:18])
    with pytest.raises(ValueError, match="too long"):
        interview.answer(f"Ada, {'I' * 61}, Charles, HQ")
    interview.answer("IT")
    for line in ANSWERS[19:]:
        interview.answer(line)
    assert interview.text() == answered(ANSWERS).text()


def test_parts_behind_a_bad_one_do_not_reach_the_next_list() -> None:
    interview = answered(ANSWERS[:16])
    with pytest.raises(ValueError, match="there already"):
        interview.answer("HQ, A hole")
    interview.answer("-")
    question = interview.question()
    assert question is not None
    assert question.key == ("custodian", 0, "name")


def test_one_may_go_all_the_way_back_and_take_every_answer_again() -> None:
    interview = answered(ANSWERS)
    text = interview.text()
    steps = 0
    while interview.back():
        steps += 1
    assert steps > len(ANSWERS)
    assert interview.proposal() == "Acme GmbH"
    while interview.question():
        interview.answer("")
    assert interview.text() == text


def test_every_text_that_may_be_answered_survives_toml() -> None:
    strange = "\"'\\ = # [[x]] {y} \\u0041 é \N{GRINNING FACE}"
    text = answered([strange, *ANSWERS[1:11], strange, *ANSWERS[12:]]).text()
    assert plan(text).ceremony.organisation == strange
    assert plan(text).ceremony.place == strange


@pytest.mark.parametrize(
    "answers", [["x", *ANSWERS[1:2], "import", "/x", "C", *ANSWERS[10:]], ANSWERS], ids=["import", "generate"]
)
def test_every_question_says_what_is_allowed_and_gives_an_example(answers: Sequence[str]) -> None:
    interview = Interview(TODAY)
    for line in answers:
        question = interview.question()
        assert question is not None
        choice = question.key[2] in {"keys", "key", "site", "threshold", "depends_on_ca"}
        assert "such as: " in question.hint or choice, question
        if not choice and "such as: " in question.hint:
            question.check(question.hint.partition("such as: ")[2].partition(" (it need")[0])
        interview.answer(line)


def start(path: Path) -> Terminal:
    terminal = Terminal(sys.executable, "-m", "ceremony", "init", path)
    terminal.expect("Organisation: ")
    return terminal


def test_the_questions_are_asked_in_a_terminal_with_a_way_back(tmp_path: Path) -> None:
    path = tmp_path / "ceremony.toml"
    terminal = start(path)
    terminal.type("<\n")
    terminal.expect("This is the first question.")
    for line, then in (
        ("Acme\n", "Whom custodians call"),
        ("<\n", "Organisation [Acme]: "),
        ("Acme GmbH\n", "Whom custodians call"),
        ("me\n", "generate or import [generate]: "),
        ("\n", "Name of the CA: "),
        ("Acme CA\n", "Kind of the root's key [EC P-256]: "),
        ("ed25519\n", "Years that the root is valid [10]: "),
        ("20\n", "Subject of the root [O=Acme CA; CN=Acme CA Root CA]: "),
        ("\n", "Kind of the intermediate's key [Ed25519]: "),
        ("\n", "Years that the intermediate is valid [20]: "),
        ("10\n", "Subject of the intermediate ["),
        ("\n", "Date of the ceremony ["),
        ("soon\n", "Date of the ceremony must be a date such as"),
        ("<\n", "Subject of the intermediate [O=Acme CA; CN="),
        ("\n", "Year-month-day, "),
        ("soon\n", "or later, such as: "),
        ("\n", "Place: "),
        ("Room 1\n", "Standby day ["),
        ("\n", "Site 1, name: "),
        ("HQ, A safe\n", "Site 2, name (-: that is all): "),
        ("Plant, A box\n", "Site 3"),
        ("-\n", "Custodian 1, name: "),
        ("Ada, IT, Charles, Moon\n", "Custodian 1, site of the share is none of the sites HQ, Plant."),
        ("Mars\n", "One of: HQ, Plant"),
        ("HQ\n", "Custodian 2, name: "),
        ("ada, Ops\n", "Custodian 2, name is there already: name another."),
        ("ada\n", "Up to 60 characters, such as: Ada Lovelace"),
        ("Bert, Ops, Dora, Plant\n", "Custodian 3"),
        ("-\n", "How many of the 2 custodians are needed [2]: "),
        ("\n", "Officer 1, name: "),
        ("Grace, IT\n", "Officer 2"),
        ("Alan, Ops\n", "Officer 3"),
        ("\n", "Witness 1"),
        ("Kat, Audit\n", "Witness 2"),
        ("\n", "Copy of the package 1, site: "),
        ("Plant, disc\n", "Copy of the package 2"),
        ("-\n", "Copy of the archive 1, site: "),
        ("Plant, stick\n", "Copy of the archive 2"),
        ("-\n", "What it takes"),
        ("Keys\n", "yes or no: "),
        ("yes\n", f"The plan: {path}"),
    ):
        terminal.type(line)
        terminal.expect(then)
    terminal.expect("error no-spare")
    terminal.expect("error access-needs-ca")
    assert terminal.end() == 0
    made = load(path)
    assert (made.ceremony.organisation, made.custodians[0].site, str(made.policy)) == ("Acme GmbH", "HQ", "2 of 2")


@pytest.mark.parametrize("end", ["ctrl-c", "ctrl-d", "SIGTERM", "SIGHUP"])
def test_an_end_before_the_last_answer_leaves_nothing(end: str, tmp_path: Path) -> None:
    terminal = start(tmp_path / "new/ceremony.toml")
    terminal.type("Acme\n")
    terminal.expect("Whom custodians call")
    if end.startswith("SIG"):
        os.kill(terminal.process.pid, signal.Signals[end])
    else:
        terminal.type("\x03" if end == "ctrl-c" else "\x04")
    terminal.expect("Nothing unfinished was left behind")
    assert terminal.end() == 130
    assert list(tmp_path.iterdir()) == []


def test_with_a_terminal_too_an_example_is_to_be_had(tmp_path: Path) -> None:
    terminal = Terminal(sys.executable, "-m", "ceremony", "init", tmp_path / "x.toml", "--example")
    terminal.expect("The plan: ")
    assert terminal.end() == 0
    assert tomllib.loads((tmp_path / "x.toml").read_text())["ca"]["name"] == "Example CA"


def test_the_screen_is_80_wide() -> None:
    interview = Interview(TODAY)
    for line in ANSWERS:
        question = interview.question()
        assert question is not None
        assert len(f"{question.text} [2030-02-01]: ") <= 80
        assert len(question.note) <= 80
        interview.answer(line)
