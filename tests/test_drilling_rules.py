"""The rules of a drill without input or output: what is opened goes into a new bag, and the judgement is the rules'."""

from typing import Any

import pytest
from walk import Walk
from walks import GROUPED, PLAIN, POLICIES, assert_adds_up, walk_by_lot

from ceremony.rules.drilling.rules import Drilling
from ceremony.rules.drilling.steps import RETURN_SHEETS, Level
from ceremony.rules.loss import Rule
from ceremony.rules.state import Phase
from ceremony.rules.steps import PROVED_KEYS, SHARES, Action
from ceremony.run.journal import JournalError
from escrow.policy import Policy, Position

levels = pytest.mark.parametrize("level", Level, ids=lambda level: level.name)


def drill(policy: Policy, level: Level, seed: object) -> Walk:
    return Walk(policy, seed, listing=Drilling.of(policy, level))


def until(walk: Walk, name: str) -> Walk:
    while walk.due().id != name:
        walk.step()
    return walk


def assert_drilled_well(walk: Walk) -> None:
    """What the journal says by itself, apart from the engine."""
    assert walk.state.phase is Phase.CLOSED
    ended = [(entry.fields["step"], entry.fields["facts"]) for entry in walk.entries if entry.event == "end"]
    opened = {tuple(each) for _, facts in ended for each in facts.get("positions", ())}
    assert opened <= {(p.group, p.x) for p in walk.state.bagged}, "every sheet that was opened is in a new bag"
    judged = [facts for name, facts in ended if name == "judge"]
    assert len(judged) == 1
    assert judged[0]["passed"] is not bool(judged[0]["reasons"])
    assert not walk.state.held


@levels
@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_the_list_of_a_drill_adds_up_and_no_mutation_survives(policy: Policy, level: Level) -> None:
    assert_adds_up(Drilling.of(policy, level))


@levels
@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_after_a_crash_behind_any_entry_a_drill_reaches_its_judgement(policy: Policy, level: Level) -> None:
    walk = drill(policy, level, "whole")
    walk.to_the_end()
    assert_drilled_well(walk)
    rules = set()
    for length in range(1, len(walk.entries)):
        cut = walk.copy(walk.entries[:length])
        cut.session()
        rules.add(cut.state.losses[-1])
        assert not cut.state.held
        cut.to_the_end()
        assert_drilled_well(cut)
    assert rules == set(Drilling.of(policy, level).losses)


@levels
def test_no_random_walk_ends_with_a_sheet_outside_a_bag(level: Level) -> None:
    seen = set()
    for walk_number in range(40):
        walk = drill(POLICIES[walk_number % len(POLICIES)], level, f"walk {walk_number}")
        walk_by_lot(walk)
        seen.add(walk.state.phase)
        if walk.state.phase is Phase.CLOSED:
            assert_drilled_well(walk)
            assert not walk.state.open_incidents
        assert not walk.state.opened
    assert Phase.CLOSED in seen


def test_only_a_quorum_is_ever_in_memory_and_of_it_nothing_after_the_proof() -> None:
    for level in Level:
        walk = drill(PLAIN, level, "held")
        held = {}
        while not walk.state.ended:
            name = walk.due().id
            walk.step()
            held[name] = walk.state.held
        expected = {Level.T3: {"gather"}, Level.T4: {"gather", "prove"}}.get(level, set())
        assert {name for name, secrets in held.items() if secrets} == expected
        exported = {Action.SIGN, Action.OUTCOME, Action.DELIVER, Action.MAKE_ONLINE, Action.PRINT, Action.UNLOCK}
        assert not exported & {step.action for step in walk.engine.steps}


def test_single_sheets_are_never_a_quorum_out_of_their_bags() -> None:
    walk = drill(GROUPED, Level.T2, "one")
    while not walk.state.ended:
        walk.step()
        assert len(walk.state.opened) <= 1


def test_a_loss_before_the_proof_calls_for_the_quorum_again_and_both_are_bagged() -> None:
    walk = until(drill(PLAIN, Level.T3, "loss"), "prove")
    first = walk.state.opened
    assert walk.state.held == {SHARES}
    walk.session()
    assert walk.state.losses == (Rule.READ_AGAIN,)
    until(walk, "gather")
    walk.add("begin", step="gather")
    second = [*sorted(set(PLAIN.positions) - first), *sorted(first)][:3]
    walk.add("end", step="gather", facts={"positions": [list(each) for each in second]})
    until(walk, "bags")
    assert walk.state.opened == first | set(second)
    walk.add("begin", step="bags")
    with pytest.raises(JournalError, match="a bag has no number"):
        walk.add("end", step="bags", facts={"bags": {f"{p.group}.{p.x}": f"N{p.x}" for p in first}})


def test_a_loss_before_the_scratch_ca_calls_for_the_quorum_again() -> None:
    walk = until(drill(PLAIN, Level.T4, "loss"), "scratch")
    assert walk.state.held == {PROVED_KEYS}
    walk.session()
    assert (walk.state.losses, walk.state.held) == ((Rule.READ_AGAIN,), frozenset())
    assert walk.state.opened
    walk.to_the_end()
    assert_drilled_well(walk)
    done = until(drill(PLAIN, Level.T4, "done"), "wipe")
    done.session()
    assert done.state.losses == (Rule.GO_ON,)


def test_an_abort_returns_the_sheet_that_is_out() -> None:
    walk = drill(PLAIN, Level.T2, "abort")
    while not walk.state.opened:
        walk.step()
    walk.add("abort", reason="fire")
    assert walk.due() is RETURN_SHEETS
    walk.session()
    walk.to_the_end()
    assert (walk.state.phase, walk.state.opened) == (Phase.ABORTED, frozenset())


def seen(bag: str, *, same: bool, positions: object = (), read: bool = False) -> dict[str, Any]:
    return {"bag": bag, "same": same, "positions": positions, "read": read, "problems": []}


WRONG: list[tuple[Level, str, dict[str, Any], str]] = [
    (Level.T1, "brief", {"level": "T0", "bags": {}, "copies": []}, "another level"),
    (Level.T1, "which-copy", {"copy": 3}, "no such copy"),
    (Level.T1, "which-copy", {"copy": 0}, "no such copy"),
    (Level.T1, "show 1.2", seen("OLD13", same=True), "said wrongly"),
    (Level.T1, "show 1.2", seen(" old 12", same=False), "said wrongly"),
    (Level.T1, "show 1.2", seen("", same=True), "said wrongly"),
    (Level.T2, "read 1.2", seen("OLD12", same=True, positions=[[1, 3]], read=True), "another share"),
    (Level.T2, "read 1.2", seen("OLD12", same=True, read=True), "not taken out"),
    (Level.T3, "gather", {"positions": [[1, 1]]}, "no quorum"),
    (Level.T4, "scratch", {"started": True, "issued": True, "program": "cd"}, "another step-ca"),
    (Level.T4, "scratch", {"started": False, "issued": True}, "did not start"),
]


@pytest.mark.parametrize(("level", "name", "facts", "message"), WRONG, ids=lambda each: str(each)[:20])
def test_what_a_step_cannot_have_found_is_refused(level: Level, name: str, facts: dict[str, Any], message: str) -> None:
    walk = until(drill(PLAIN, level, "wrong"), name)
    walk.add("begin", step=name)
    with pytest.raises(JournalError, match=message):
        walk.add("end", step=name, facts=facts)


ALL = {Position(1, x) for x in range(1, 6)}
JUDGED: list[tuple[Level, object, set[Position], dict[str, dict[str, Any]], list[str]]] = [
    (Level.T0, 1, {Position(1, 1), Position(1, 2), Position(1, 5)}, {}, []),
    (Level.T0, 1, {Position(1, 1), Position(1, 2)}, {}, ["no-quorum"]),
    (Level.T0, None, ALL, {}, ["no-copy"]),
    (Level.T1, 2, {Position(1, 1), Position(1, 2), Position(1, 5)}, {}, []),
    (Level.T1, 2, {Position(1, 1)}, {}, ["no-quorum"]),
    (Level.T1, 2, ALL, {"show 1.2": seen("X", same=False)}, ["other-bag"]),
    (Level.T2, 2, {Position(1, 1)}, {}, []),
    (Level.T2, 2, set(), {}, ["no-sheet"]),
    (Level.T2, 2, ALL, {"read 1.2": seen("OLD12", same=True, positions=[[1, 2]])}, ["bad-sheet"]),
    (Level.T2, 2, ALL, {"read 1.2": seen("X", same=False)}, ["other-bag"]),
    (Level.T3, 2, set(), {}, []),
    (Level.T3, None, set(), {}, ["no-copy"]),
    (Level.T4, 2, set(), {"scratch": {"program": "ab", "started": True, "issued": True}}, []),
    (Level.T4, 2, set(), {"scratch": {"program": "ab", "started": True, "issued": False}}, ["not-issued"]),
    (
        Level.T4,
        None,
        set(),
        {"scratch": {"program": "ab", "started": False, "issued": False}},
        ["no-copy", "not-started"],
    ),
]


@pytest.mark.parametrize(("level", "copy", "there", "otherwise", "reasons"), JUDGED, ids=str)
def test_a_drill_passes_by_what_it_found_and_nobody_can_say_otherwise(
    level: Level, copy: object, there: set[Position], otherwise: dict[str, dict[str, Any]], reasons: list[str]
) -> None:
    walk = drill(PLAIN, level, "judged")
    while walk.due().id != "judge":
        step, position = walk.due(), walk.due().position
        facts = walk.facts(step)
        bag = f"OLD1{position.x}" if position in there and position else ""
        if step.id == "which-copy":
            facts = {"copy": copy}
        elif step.action is Action.CALL:
            facts = {"reached": bool(bag)}
        elif step.action in {Action.SHOW_BAG, Action.READ_ONE} and position:
            facts = seen(bag, same=bool(bag), positions=[list(position)] if bag else [], read=bool(bag))
        walk.add("begin", step=step.id)
        walk.add("end", step=step.id, facts=otherwise.get(step.id, facts))
    walk.add("begin", step="judge")
    others = [{"passed": bool(reasons), "reasons": reasons}, {"passed": not reasons, "reasons": [*reasons, "no-sheet"]}]
    for wrong in others:
        with pytest.raises(JournalError, match=r"judged otherwise"):
            walk.add("end", step="judge", facts=wrong)
    walk.add("end", step="judge", facts={"passed": not reasons, "reasons": reasons})
