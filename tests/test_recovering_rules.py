"""The rules of a recovery without input or output: only what was called for is restored, and every sheet is bagged."""

from typing import Any

import pytest
from walk import Walk
from walks import GROUPED, PLAIN, POLICIES, assert_adds_up, walk_by_lot

from ceremony.rules.loss import Rule
from ceremony.rules.recovering.rules import Recovering
from ceremony.rules.recovering.steps import RETURN_SHEETS
from ceremony.rules.state import Phase
from ceremony.rules.steps import PROVED_KEYS, SHARES
from ceremony.run.journal import JournalError
from escrow.policy import Policy


def recovery(policy: Policy, seed: object) -> Walk:
    return Walk(policy, seed, listing=Recovering.of(policy))


def until(walk: Walk, name: str) -> Walk:
    while walk.due().id != name:
        walk.step()
    return walk


def assert_recovered_well(walk: Walk) -> None:
    """What the journal says by itself, apart from the engine."""
    assert walk.state.phase is Phase.CLOSED
    ended = [(entry.fields["step"], entry.fields["facts"]) for entry in walk.entries if entry.event == "end"]
    (called,) = [facts for name, facts in ended if name == "called"]
    (restored,) = [facts for name, facts in ended if name == "restore"]
    assert called["keys"] == restored["keys"]
    names = [name for name, _ in ended]
    assert names.index("called") < names.index("head-called") < names.index("gather")
    read = {tuple(each) for name, facts in ended if name == "gather" for each in facts["positions"]}
    assert read <= {(p.group, p.x) for p in walk.state.bagged}, "every sheet that was read is in a new bag"
    assert not walk.state.held


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_the_list_of_a_recovery_adds_up_and_no_mutation_survives(policy: Policy) -> None:
    assert_adds_up(Recovering.of(policy))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_after_a_crash_behind_any_entry_what_was_called_for_is_restored_once(policy: Policy) -> None:
    walk = recovery(policy, "whole")
    walk.to_the_end()
    assert_recovered_well(walk)
    rules = set()
    for length in range(1, len(walk.entries)):
        cut = walk.copy(walk.entries[:length])
        called = cut.state.done.get("called")
        cut.session()
        rules.add(cut.state.losses[-1])
        assert not cut.state.held
        assert cut.state.done.get("called") == called
        cut.to_the_end()
        assert_recovered_well(cut)
    assert rules == set(Recovering.rules)


def test_no_random_walk_restores_anything_else_or_leaves_a_sheet_out() -> None:
    seen = set()
    for walk_number in range(60):
        walk = recovery(POLICIES[walk_number % len(POLICIES)], f"walk {walk_number}")
        walk_by_lot(walk)
        seen.add(walk.state.phase)
        if walk.state.phase is Phase.CLOSED:
            assert_recovered_well(walk)
            assert not walk.state.open_incidents
        assert not walk.state.opened
    assert Phase.CLOSED in seen


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("gather", {"positions": [[1, 1]]}, "no quorum"),
    ("restore", {"keys": ["intermediate", "root"], "recipient": "", "token": ""}, "not what was called for"),
    ("restore", {"keys": ["intermediate"], "recipient": "ab" * 32, "token": ""}, "not what was called for"),
    ("restore", {"keys": ["intermediate"], "recipient": "", "token": "HSM"}, "not what was called for"),
]


@pytest.mark.parametrize(("name", "facts", "message"), WRONG)
def test_what_a_step_cannot_have_found_is_refused(name: str, facts: dict[str, Any], message: str) -> None:
    walk = until(recovery(PLAIN, "wrong"), name)
    walk.add("begin", step=name)
    with pytest.raises(JournalError, match=message):
        walk.add("end", step=name, facts=facts)


def test_secrets_are_in_memory_from_the_first_sheet_to_the_wiping_and_no_longer() -> None:
    walk, held = recovery(PLAIN, "held"), {}
    while not walk.state.ended:
        name = walk.due().id
        walk.step()
        held[name] = walk.state.held
    assert {name: secrets for name, secrets in held.items() if secrets} == {
        "gather": {SHARES},
        "unseal": {PROVED_KEYS},
        "restore": {PROVED_KEYS},
    }


def test_a_loss_before_the_target_is_written_calls_for_the_quorum_again_and_both_are_bagged() -> None:
    walk = until(recovery(PLAIN, "loss"), "restore")
    first = walk.state.opened
    walk.session()
    assert walk.state.losses == (Rule.READ_AGAIN,)
    until(walk, "gather")
    walk.add("begin", step="gather")
    second = [*sorted(set(PLAIN.positions) - first), *sorted(first)][:3]
    walk.add("end", step="gather", facts={"positions": [list(each) for each in second]})
    until(walk, "bags")
    assert walk.state.opened == first | set(second)
    after = until(recovery(PLAIN, "after"), "wipe")
    after.session()
    assert after.state.losses == (Rule.GO_ON,)


def test_an_abort_returns_the_sheets_also_while_they_are_being_read() -> None:
    for name in ("unseal", "gather"):
        walk = until(recovery(GROUPED, "abort"), name)
        walk.add("begin", step=name)
        walk.add("abort", reason="somebody may have the key")
        assert (walk.due(), walk.state.held) == (RETURN_SHEETS, frozenset())
        walk.session()
        walk.to_the_end()
        assert (walk.state.phase, walk.state.opened) == (Phase.ABORTED, frozenset())
    early = until(recovery(GROUPED, "early"), "announce-recovery")
    early.add("abort", reason="the host is found")
    assert early.due().id == "close", "no bag was opened yet"
    done = until(recovery(GROUPED, "late"), "wipe")
    with pytest.raises(JournalError, match="before the step restore"):
        done.add("abort", reason="too late")
