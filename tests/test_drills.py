"""Drills of a set that was sealed: held to their end at each level, reported, audited, and entered into a register."""

import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import escrow, need
from sessions import PARTS, TODAY, Sealed, inventory_in, sealed

from ceremony.commands import holding
from ceremony.custody import plain
from ceremony.custody.book import Book
from ceremony.custody.drilled import drilled, noted
from ceremony.planning import draft
from ceremony.planning.plan import Plan, load
from ceremony.rules.loss import Rule
from ceremony.rules.state import Phase, State
from ceremony.run import before
from ceremony.run.answering import Answering
from ceremony.run.archive import digest_of, read_journal
from ceremony.run.audit import audit
from ceremony.run.questions import Asked, Desk, Fields
from ceremony.run.rehearsal import hold_in, rehearse_plan
from ceremony.run.room import Feeding, PowerLost
from ceremony.run.session import SystemClock
from escrow import scratch
from escrow.errors import PlanError, RefusedError
from escrow.memory import Secret

SCENARIO = "Blaise Pascal is abroad, and copy 1 burnt."


@pytest.fixture(scope="module")
def root() -> Iterator[Sealed]:
    """A root that was sealed in a ceremony."""
    Secret.unlocked_allowed = True  # a fixture of a module comes before that of each test
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield sealed(Path(directory))


class Playing:
    """A desk at which some questions are answered in another way, each answer in turn; PowerLost is raised."""

    def __init__(self, desk: Desk, answers: dict[tuple[Asked, str], list[Any]]) -> None:
        self._desk, self._answers = desk, answers
        self.page, self.secret = desk.page, desk.secret
        self.said: list[str] = []

    def say(self, text: str) -> None:
        """Keep, and hand on."""
        self.said.append(text)
        self._desk.say(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        """Another answer, or hand on."""
        waiting = self._answers.get((asked, str(fields.get("share", ""))), [])
        if not waiting:
            return self._desk.line(asked, fields)
        answer = waiting.pop(0)
        if answer is PowerLost:
            raise PowerLost
        return str(answer)


Answers = dict[tuple[Asked, str], list[Any]]


def plan_of(root: Sealed, level: str, name: str, follows: Path) -> Plan:
    return root.plan("drill", name, follows, {"drill": {"level": level, "scenario": SCENARIO, "minutes": 90}})


def hold(root: Sealed, plan: Plan, follows: Path, answers: Answers | None = None) -> State:
    room = root.room(plan)
    assert plan.follows
    desk = Playing(Feeding(Answering(room, lambda _: None), room), answers or {})
    return hold_in(room, desk, PARTS, before.examined(plan, plan.follows, follows, None))


def registered(root: Sealed, folder: Path) -> Path:
    escrow("register", folder, root.archive).expect()
    return folder


def current(register: Path) -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((register / plain.FILE).read_text())["set"][0]
    return content


def transcript(archive: Path) -> str:
    return " ".join((archive / "transcript.txt").read_text().split())


@pytest.mark.parametrize(
    ("level", "report", "seen"),
    [
        ("T0", ["T0, table-top", "Reached."], set()),
        ("T1", ["T1, visual", "as it was noted"], {"1", "2", "3"}),
        ("T2", ["T2, single shares", "it is a share of the set"], {"1", "2", "3"}),
        ("T3", ["T3, quorum", "root (EC P-256)", "Keys that were proved"], {"1", "2"}),
        (
            "T4",
            ["T4, scratch CA", "The scratch CA started and issued a certificate", "SHA-256 of the step-ca"],
            {"1", "2"},
        ),
    ],
)
def test_a_drill_is_held_reported_audited_and_entered(
    root: Sealed, tmp_path: Path, level: str, report: list[str], seen: set[str]
) -> None:
    if level == "T4":
        need("step-ca")
    plan = plan_of(root, level, f"DRILL-{level}", root.archive)
    state = hold(root, plan, root.archive)
    assert (state.phase, state.held, state.opened) == (Phase.CLOSED, frozenset(), frozenset())
    out = root.room(plan).out
    assert audit(out).findings == []
    told = transcript(out)
    for words in [
        "The drill",
        SCENARIO,
        "PASSED.",
        "The target of 90 minutes was kept.",
        "Copy 1 of the package",
        *report,
    ]:
        assert words in told, words
    assert not [path for path in out.rglob("*") if path.suffix in {".key", ".pem", ".png"} or "secrets" in path.parts]

    register = registered(root, tmp_path / "register")
    bags = {each["share"]: each["bag"] for each in current(register)["share"]}
    shown = escrow("register", register, out).expect().out
    assert f"Drill {level} of {TODAY}: passed" in shown
    (entered,) = current(register)["drill"]
    assert (entered["level"], entered["passed"], set(entered.get("shares", ()))) == (level, True, seen)
    for each in current(register)["share"]:
        new = level in {"T2", "T3", "T4"} and each["share"] in seen
        assert (each["bag"] != bags[each["share"]]) is new
        assert (each["how"] == f"drill {level}") is (each["share"] in seen)
    again = escrow("register", register, out)
    assert again.status
    assert "already" in again.err


def test_what_is_missing_by_the_scenario_is_reported_and_a_drill_without_a_quorum_has_not_passed(root: Sealed) -> None:
    plan = plan_of(root, "T1", "MISSING", root.archive)
    missing: Answers = {(Asked.SHOWN, "2"): [""], (Asked.SHOWN, "3"): ["WRONG", "WRONG"], (Asked.COPY, ""): ["9", "1"]}
    state = hold(root, plan, root.archive, missing)
    assert state.done["judge"]["reasons"] == ["other-bag", "no-quorum"]
    out = root.room(plan).out
    told = transcript(out)
    assert "NOT PASSED: a bag is not the one that was noted; those who were there are no quorum." in told
    assert "BAG WRONG IS NOT THE ONE THAT WAS NOTED" in told
    fields = drilled(out)
    assert fields["passed"] is False
    assert set(fields["bags"]) == {"1.1"}


def test_a_sheet_that_cannot_be_used_is_found_and_bagged(root: Sealed) -> None:
    plan = plan_of(root, "T2", "BAD", root.archive)
    # Nothing is laid into the scanner for share 2, and then a sheet of share 1.
    state = hold(root, plan, root.archive, {(Asked.SHEET, "2"): [""], (Asked.NOT_GOOD, ""): ["bad"]})
    assert state.done["read 1.2"]["read"] is False
    assert state.done["judge"]["reasons"] == ["bad-sheet"]
    assert set(state.done["rebag 1.2"]["bags"]) == {"1.2"}
    fields = drilled(root.room(plan).out)
    assert (set(fields["bags"]), fields["bad"]) == ({"1.1", "1.2", "1.3"}, ["1.2"])


def test_after_a_loss_of_power_a_drill_goes_on_and_what_follows_knows_the_new_bags(
    root: Sealed,
) -> None:
    plan = plan_of(root, "T3", "LOSS", root.archive)
    state = hold(root, plan, root.archive, {(Asked.SEEN, ""): [*[""] * 6, PowerLost]})
    assert Rule.READ_AGAIN in state.losses, state.losses
    out = root.room(plan).out
    assert len([each for each in read_journal(out) if each.event == "session"]) == 2
    # The next one follows this archive, and knows its bags: the old ones count no more.
    second = plan_of(root, "T1", "SECOND", out)
    assert hold(root, second, out).done["judge"]["passed"]
    assert inventory_in(root.room(second).out).before == digest_of(out).hex()
    first_bags, second_bags = (drilled(root.room(each).out)["bags"] for each in (plan, second))
    assert first_bags.items() <= second_bags.items()
    with pytest.raises(RefusedError, match="is not the archive that the plan follows"):
        before.examined(second, second.follows or "", root.archive, None)
    # A session follows a drill as well.
    crl = root.plan("crl", "CRL-AFTER", out, {"crl": {"days": 30}})
    assert root.hold(crl, out).phase is Phase.CLOSED


def test_a_scratch_ca_that_does_not_start_is_judged_and_reported(
    root: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "step-ca"
    broken.write_text("#!/bin/sh\necho the lights are out >&2\nexit 2\n")
    broken.chmod(0o700)
    monkeypatch.setattr(scratch, "found", lambda: broken)
    plan = plan_of(root, "T4", "DARK", root.archive)
    state = hold(root, plan, root.archive)
    assert (state.phase, state.done["judge"]["reasons"]) == (Phase.CLOSED, ["not-started"])
    out = root.room(plan).out
    assert audit(out).findings == []
    told = transcript(out)
    assert "NOT PASSED: step-ca did not start from what was restored." in told
    assert "did not start: step-ca ended at once: the lights are out." in told
    assert drilled(out)["passed"] is False
    file = tmp_path / "drill.toml"
    file.write_bytes(plan.source)
    nothing = ("--out", tmp_path / "out", "--scans", tmp_path, "--step-ca", tmp_path / "nothing")
    absent = escrow("drill", file, "--archive", root.archive, *nothing).expect(2)
    assert "name the program with --step-ca FILE" in absent.err


def test_a_drill_that_has_not_passed_has_an_exit_status_of_its_own(
    root: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "keep_archive", lambda *_: True)
    plan = plan_of(root, "T0", "STATUS", root.archive)
    passed = hold(root, plan, root.archive)
    assert holding._keep(plan, root.room(plan).out, passed) == 0
    judged = {"judge": {**passed.done["judge"], "passed": False}}
    assert holding._keep(plan, root.room(plan).out, replace(passed, done={**passed.done, **judged})) == 1
    assert holding._keep(plan, root.room(plan).out, replace(passed, aborting=True)) == 1


def test_a_drill_that_was_aborted_has_not_passed_and_its_sheets_are_bagged(root: Sealed, tmp_path: Path) -> None:
    plan = plan_of(root, "T2", "ABORT", root.archive)
    ended: Answers = {(Asked.NOT_GOOD, ""): [], (Asked.SHOWN, "2"): ["abort"], (Asked.REASON, ""): ["fire"]}
    ended[Asked.SURE, ""] = ["abort"]
    state = hold(root, plan, root.archive, ended)
    assert (state.phase, state.opened) == (Phase.ABORTED, frozenset())
    out = root.room(plan).out
    assert audit(out).findings == []
    assert "NOT PASSED: it was not brought to its end." in transcript(out)
    register = registered(root, tmp_path / "register")
    escrow("register", register, out).expect()
    assert current(register)["drill"][0]["passed"] is False


def test_a_register_knows_bags_that_were_changed_since(root: Sealed, tmp_path: Path) -> None:
    register = registered(root, tmp_path / "register")
    to = {"holder": "New", "deputy": "", "manager": "M", "unit": "U", "site": "S"}
    with Book(register, SystemClock()) as book:
        set_id = book.current.set_id.hex()
        book.note("hand over", set_id=set_id, share="1.2", bag="CHANGED-1", on=TODAY.isoformat(), **to)
    plan = plan_of(root, "T1", "REGISTER", root.archive)
    last = before.examined(plan, plan.follows or "", root.archive, None)
    room = root.room(plan)
    state = hold_in(room, Feeding(Answering(room, lambda _: None), room), PARTS, noted(last, register))
    assert state.done["show 1.2"] == {"bag": "CHANGED-1", "same": True}
    escrow("register", register, room.out).expect()
    empty = tmp_path / "empty"
    with Book(empty, SystemClock(), begin=True):
        pass
    with pytest.raises(RefusedError, match="does not have this set"):
        noted(last, empty)


def test_an_archive_of_a_drill_that_was_changed_is_not_entered(root: Sealed, tmp_path: Path) -> None:
    plan = plan_of(root, "T0", "CHANGED", root.archive)
    hold(root, plan, root.archive)
    archive = Path(shutil.copytree(root.room(plan).out, tmp_path / "archive"))
    (archive / "transcript.txt").write_text("PASSED")
    register = registered(root, tmp_path / "register")
    kept = (register / plain.FILE).read_bytes()
    refused = escrow("register", register, archive)
    assert (refused.status, (register / plain.FILE).read_bytes()) == (3, kept)
    assert "transcript.txt: the file was changed" in refused.err


@pytest.mark.parametrize("level", ["T2", "T3"])
def test_a_plan_of_a_drill_is_proposed_from_an_archive_and_rehearsed(root: Sealed, tmp_path: Path, level: str) -> None:
    file = tmp_path / "drill.toml"
    escrow("init", "--for", "drill", "--archive", root.archive, file).expect()
    file.write_text(file.read_text().replace('level = "T1"', f'level = "{level}"'))
    plan = load(file)
    assert plan.drill
    assert "package" in plan.drill.scenario or "Nobody" in plan.drill.scenario or len(plan.drill.scenario) > 10
    state = rehearse_plan(
        plan,
        out=tmp_path / "out",
        paper=Path(tempfile.mkdtemp(dir=tmp_path)),
        desk=None,
        preflight=PARTS.preflight,
        passwords=PARTS.passwords,
        progress=PARTS.progress,
        show=PARTS.show,
    )
    assert (state.phase, state.done["judge"]["passed"], state.sessions) == (Phase.CLOSED, True, 2)
    assert audit(tmp_path / "out").findings == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('level = "T1"', 'level = "T9"'), "drill, level must be one of"),
        (("minutes = 120", "minutes = 0"), "drill, minutes must be 1 or more"),
        (("[drill]", "[crl]\ndays = 3\n\n[drill]"), "in a drill nothing is signed"),
        (("[drill]", "[[delivery]]\nsite = 'Bank'\nmedium = 'disc'\n\n[drill]"), "delivery"),
    ],
)
def test_a_wrong_plan_of_a_drill_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    file = tmp_path / "drill.toml"
    file.write_text(draft.session("drill", TODAY).replace(*change))
    with pytest.raises(PlanError, match=message):
        load(file)
