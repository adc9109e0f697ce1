"""The runner by itself: what people type at the wrong moment, and what goes wrong in a step, ends nothing."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from walk import Walk

from ceremony import spoken
from ceremony.planning.plan import Plan, load
from ceremony.rules.engine import Engine
from ceremony.rules.lists import listing_of
from ceremony.rules.state import Incident, Phase, State
from ceremony.rules.steps import Action, Step
from ceremony.rules.wording import Wording
from ceremony.run import times
from ceremony.run.journal import Journal
from ceremony.run.questions import Asked, Facts, Fields, Questions, StepError
from ceremony.run.runner import Runner
from escrow.errors import FileError
from escrow.memory import Secret

TEMPLATE = Path(__file__).parent.parent / "templates/ceremony.toml"


class Clock:
    """Always the same time."""

    def utc(self) -> str:
        return "2030-01-15T10:00:00Z"

    def monotonic(self) -> float:
        return 0.0


class Script:
    """A desk at which answers lie ready, by what is asked; whatever has none is answered as it should be."""

    def __init__(self, plan: Plan, answers: dict[Asked, list[str]]) -> None:
        self.plan, self.answers = plan, answers
        self.said: list[str] = []
        self.pages: list[Sequence[str]] = []
        self.step = ""

    def page(self, lines: Sequence[str]) -> None:
        self.pages.append(lines)
        self.step = lines[0].rpartition("step ")[2]

    def say(self, text: str) -> None:
        self.said.append(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        waiting = self.answers.get(asked, [])
        if asked is Asked.AT and not waiting:
            return "09:05"
        if waiting and (not waiting[0].startswith("at ") or waiting[0].startswith(f"at {self.step}:")):
            return waiting.pop(0).removeprefix(f"at {self.step}:")
        if asked is Asked.CHECK_WORDS:
            return " ".join(spoken.check_words(self.plan.digest, str(fields["step"])))
        if asked is Asked.DISPOSITION:
            return "accepted"
        if asked in {Asked.EXPECTED, Asked.HAPPENED, Asked.DONE, Asked.SENTENCE, Asked.NOTE}:
            return "a sentence"
        return str(fields.get("phrase", ""))

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        raise AssertionError(asked, fields)


class MadeUp:
    """Work that is always done: the facts of a walk. What is in `broken` raises, once."""

    def __init__(self, walk: Walk, broken: dict[Action, Exception] | None = None) -> None:
        self.walk, self.broken = walk, broken or {}
        self.wiped = self.signed = 0

    def do(self, step: Step, state: State, ask: Questions) -> Facts:  # noqa: ARG002 - the runner's interface
        if step.action in self.broken:
            raise self.broken.pop(step.action)
        self.walk.state = state
        return self.walk.facts(step)

    def forget(self) -> None:
        self.wiped += 1

    def end(self) -> None:
        self.signed += 1


@pytest.fixture
def plan() -> Plan:
    return load(TEMPLATE)


def hold(plan: Plan, folder: Path, answers: dict[Asked, list[str]], broken: dict[Action, Exception]) -> Iterator[Any]:
    engine = Engine(listing_of(plan))
    desk, work = Script(plan, answers), MadeUp(Walk(plan.policy, 0), broken)
    journal = Journal(folder / "journal.jsonl", Clock())
    runner = Runner(plan=plan, engine=engine, wording=Wording(plan), journal=journal, desk=desk, work=work)
    yield runner.run("test")
    journal.close()
    yield from (desk, work, [entry.event for entry in journal.entries])


def entries_of(folder: Path, event: str) -> list[dict[str, Any]]:
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [entry for line in lines if (entry := json.loads(line))["event"] == event]


@pytest.mark.parametrize("asked", [Asked.PHRASE, Asked.CHECK_WORDS])
def test_an_exception_at_the_phrase_of_zeroizing_is_settled_before_it_goes_on(
    asked: Asked, plan: Plan, tmp_path: Path
) -> None:
    answers = {asked: ["at 9.3:exception"], Asked.TOUCHES: ["what?", "integrity, a"]}
    state, _, work, events = hold(plan, tmp_path, answers, {})
    assert state.phase is Phase.CLOSED
    assert state.incidents[0].touches == ("integrity", "availability")
    assert events.index("exception") < events.index("settle")
    assert work.signed == 1


@pytest.mark.parametrize("command", ["abort", "note", "pause"])
def test_commands_after_zeroizing_are_carried_out_or_refused(command: str, plan: Plan, tmp_path: Path) -> None:
    answers = {Asked.READY: [f"at 10.3:{command}"], Asked.REASON: ["late"], Asked.SURE: ["abort"]}
    state, desk, _, _ = hold(plan, tmp_path, answers, {})
    assert state.phase is Phase.CLOSED
    refused = [said for said in desk.said if said.startswith("Not now: a ceremony is aborted once")]
    assert len(refused) == (command == "abort")


@pytest.mark.parametrize(
    "error",
    [ValueError("the secret is hunter2"), FileNotFoundError(2, "x"), FileError("scan\udce9.png cannot be read")],
)
def test_whatever_goes_wrong_in_a_step_the_step_is_done_again(error: Exception, plan: Plan, tmp_path: Path) -> None:
    state, desk, work, events = hold(plan, tmp_path, {}, {Action.READ_BACK: error})
    assert state.phase is Phase.CLOSED
    assert events.count("fail") == 1
    assert work.wiped == 0
    assert "hunter2" not in (tmp_path / "journal.jsonl").read_text() + " ".join(desk.said)


def test_nothing_but_enter_goes_on(plan: Plan, tmp_path: Path) -> None:
    state, desk, _, _ = hold(plan, tmp_path, {Asked.READY: ["stop", "able acid also", "foo"]}, {})
    assert state.phase is Phase.CLOSED
    assert sum(said.startswith("Nothing is done until Enter alone") for said in desk.said) == 3


def test_what_was_seen_is_only_confirmed_by_enter_or_yes(plan: Plan, tmp_path: Path) -> None:
    state, desk, _, _ = hold(plan, tmp_path, {Asked.SEEN: ["no", "nein", "yes"]}, {})
    assert state.phase is Phase.CLOSED
    assert sum("Then type exception" in said for said in desk.said) == 2


def test_a_ceremony_that_has_ended_is_left_as_it_is(plan: Plan, tmp_path: Path) -> None:
    list(hold(plan, tmp_path, {}, {}))
    before = (tmp_path / "journal.jsonl").read_bytes()
    state, _, work, _ = hold(plan, tmp_path, {}, {})
    assert state.phase is Phase.CLOSED
    assert work.signed == 0
    assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_what_was_done_before_the_program_is_confirmed_with_the_time_of_the_script(plan: Plan, tmp_path: Path) -> None:
    typed = ["", "yes", "25:00", "note", "9:07", "09:15", "11:20", "09:20", "6:31", "06:31"]
    _, desk, _, _ = hold(plan, tmp_path, {Asked.AT: typed, Asked.NOTE: ["by my watch"]}, {})
    ended = {entry["step"]: entry["facts"] for entry in entries_of(tmp_path, "end")}
    times = {name: ended[name].get("at") for name in ("room", "people", "rules", "materials", "start")}
    assert times == {"room": "09:07", "people": "09:15", "rules": "09:20", "materials": "06:31", "start": None}
    assert [page[2].startswith("DONE BEFORE") for page in desk.pages[:5]] == [True] * 4 + [False]
    assert sum(said.startswith("That is no time of day") for said in desk.said) == 3
    assert sum("that is yet to come. Is it local time?" in said for said in desk.said) == 1
    assert sum("that was 3 h 29 min ago" in said for said in desk.said) == 1, "typed once more, it is believed"


@pytest.mark.parametrize(
    ("at", "now", "doubted"),
    [
        ("09:59", "10:00", False),
        ("10:01", "10:00", False),
        ("10:02", "10:00", True),
        ("07:00", "10:00", False),
        ("06:59", "10:00", True),
        ("23:50", "00:10", False),
        ("00:10", "23:50", True),
        ("22:00", "10:01", True),
    ],
)
def test_a_time_that_is_yet_to_come_or_hours_ago_is_doubted(at: str, now: str, doubted: bool) -> None:  # noqa: FBT001 - a table
    moment = dt.datetime.fromisoformat(f"2030-01-15T{now}:20+00:00")
    assert bool(times.doubt_of_past(times.of_day(at) or dt.time(), moment)) is doubted


@pytest.mark.parametrize(
    ("minutes", "doubted"),
    [(0, False), (1, False), (5, False), (45, True), (61, True), (-120, True), (-345, True), (52, False), (840, True)],
)
def test_a_watch_that_is_off_by_what_a_time_zone_is_off_is_doubted(minutes: int, doubted: bool) -> None:  # noqa: FBT001 - a table
    assert bool(times.doubt_of_now(dt.timedelta(minutes=minutes))) is doubted


def test_an_exception_and_a_note_are_read_over_and_mended_before_they_are_written(plan: Plan, tmp_path: Path) -> None:
    answers = {
        Asked.READY: ["at 2.1:exception", "at 2.1:note"],
        Asked.EXPECTED: ["two chars", "two chairs"],
        Asked.HAPPENED: ["", "three chairs", "back", ""],
        Asked.DONE: ["one was carried out", "back", ""],
        Asked.TOUCHES: ["feelings", "i", "back", ""],
        Asked.NOTE: ["", "the clok", "the clock"],
        Asked.WRITTEN: ["back", "yes?", "", "back", ""],
    }
    _, desk, _, events = hold(plan, tmp_path, answers, {})
    (exception,) = entries_of(tmp_path, "exception")
    told = [exception[name] for name in ("expected", "happened", "done", "touches")]
    assert told == ["two chairs", "three chairs", "one was carried out", ["integrity"]]
    (note,) = entries_of(tmp_path, "note")
    assert note["text"] == "the clock"
    assert not any(answers.values()), f"not asked for: {answers}"
    assert "So far: two chars. Enter keeps it." in desk.said
    assert events.index("exception") < events.index("note")
    review = next(said for said in desk.said if said.startswith("What was expected: two chars"))
    assert review.splitlines()[3] == "What does it touch: i"


def test_a_disposition_is_one_of_three_words_and_a_sentence(plan: Plan, tmp_path: Path) -> None:
    answers = {
        Asked.READY: ["at 2.1:exception"],
        Asked.DISPOSITION: ["fine", "accept", "Mended"],
        Asked.SENTENCE: ["", "a chair was added"],
    }
    state, desk, _, _ = hold(plan, tmp_path, answers, {})
    assert (state.incidents[0].disposition, state.incidents[0].reason) == ("mended", "a chair was added")
    assert [entry["disposition"] for entry in entries_of(tmp_path, "settle")] == ["mended"]
    assert sum("one of the three words" in said for said in desk.said) == 2


@pytest.mark.parametrize("sure", ["abort", "no"])
def test_the_disposition_abort_leads_into_the_abort(sure: str, plan: Plan, tmp_path: Path) -> None:
    answers = {
        Asked.READY: ["at 2.1:exception", "at 2.1:exception"],
        Asked.DISPOSITION: ["abort"],
        Asked.SENTENCE: ["the room was open"],
        Asked.SURE: [sure],
    }
    state, _, work, events = hold(plan, tmp_path, answers, {})
    first, second = state.incidents
    if sure == "abort":
        assert state.phase is Phase.ABORTED
        assert (first.disposition, first.reason) == ("abort", "the room was open")
        assert events.index("abort") < events.index("settle")
        assert work.wiped == 1
    else:
        assert state.phase is Phase.CLOSED
        assert first.disposition == "accepted"
    assert second.disposition == "accepted"


def test_every_page_after_an_abort_says_so_and_why_and_what_comes_then(plan: Plan, tmp_path: Path) -> None:
    answers = {Asked.READY: ["at 8.1:abort"], Asked.REASON: ["fire alarm"], Asked.SURE: ["abort"]}
    _, desk, _, _ = hold(plan, tmp_path, answers, {})
    before = next(number for number, page in enumerate(desk.pages) if page[0].endswith("step 8.1"))
    assert not any("ABORTING" in line for page in desk.pages[: before + 1] for line in page)
    destroy, close = desk.pages[before + 1 :]
    for page in (destroy, close):
        assert page[2] == "ABORTING: fire alarm"
    assert any(line.startswith("Then 10.3, ") for line in destroy)
    assert "This is the last step." in close


def test_an_exception_while_another_gets_its_disposition_is_settled_too(plan: Plan, tmp_path: Path) -> None:
    answers = {Asked.READY: ["at 2.1:exception"], Asked.DISPOSITION: ["exception", "accepted", "mended"]}
    state, _, _, _ = hold(plan, tmp_path, answers, {})
    assert state.phase is Phase.CLOSED
    assert [one.disposition for one in state.incidents] == ["accepted", "mended"]


def test_a_step_that_fails_after_the_people_decided_comes_again_without_a_question(plan: Plan, tmp_path: Path) -> None:
    broken: dict[Action, Exception] = {Action.READ_BACK: StepError("It is\nnot it.", told=True)}
    state, desk, _, events = hold(plan, tmp_path, {}, broken)
    assert state.phase is Phase.CLOSED
    assert events.count("fail") == 1
    assert not any("not it" in said for said in desk.said)
    assert [page[0].endswith("step 7.2") for page in desk.pages].count(True) == 2


def test_a_step_may_fail_with_an_exception(plan: Plan, tmp_path: Path) -> None:
    found = Incident("the words", "other words", "nothing was opened", ("integrity",), None)
    state, desk, _, events = hold(plan, tmp_path, {}, {Action.OPEN: StepError("Not opened.", incident=found)})
    assert state.phase is Phase.CLOSED
    assert events.index("exception") < events.index("fail")
    assert (state.incidents[0].step, state.incidents[0].touches) == ("open", ("integrity",))
    assert any(said.startswith("This is exception 1") for said in desk.said)


def test_a_break_is_ended_by_enter_alone(plan: Plan, tmp_path: Path) -> None:
    answers = {Asked.READY: ["at 2.1:pause"], Asked.PAUSED: ["stop", ""]}
    _, desk, _, _ = hold(plan, tmp_path, answers, {})
    assert sum(said.startswith("This is a break") for said in desk.said) == 1
