"""The rules of a session without input or output: what was drafted stands, and nothing else is ever signed."""

import pytest
from walk import Walk
from walks import GROUPED, PLAIN, POLICIES, assert_adds_up, walk_by_lot

from ceremony.rules.loss import Rule
from ceremony.rules.signing.rules import Signing
from ceremony.rules.signing.steps import RETURN_SHEETS
from ceremony.rules.state import Phase
from ceremony.run.journal import JournalError
from escrow.policy import Policy, Position

KEY = "private keys in memory"


def session(policy: Policy, seed: object) -> Walk:
    return Walk(policy, seed, listing=Signing.of(policy, 2))


def assert_signed_well(walk: Walk) -> None:
    """What the journal says by itself, apart from the engine."""
    assert walk.state.phase is Phase.CLOSED
    ended = [(entry.fields["step"], entry.fields["facts"]) for entry in walk.entries if entry.event == "end"]
    drafts = [facts["to_be_signed"] for name, facts in ended if name == "draft"]
    signed = [facts["to_be_signed"] for name, facts in ended if name == "issue"]
    assert len(drafts) == len(signed) == 1, "one draft, signed once"
    assert drafts == signed
    names = [name for name, _ in ended]
    assert names.index("draft") < names.index("head-draft") < names.index("gather")
    read = {tuple(each) for name, facts in ended if name == "gather" for each in facts["positions"]}
    assert read <= {(p.group, p.x) for p in walk.state.bagged}, "every sheet that was read is in a new bag"
    assert not walk.state.held


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_the_list_of_a_session_adds_up_and_no_mutation_survives(policy: Policy) -> None:
    assert_adds_up(Signing.of(policy, 2))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_after_a_crash_behind_any_entry_the_very_draft_is_signed_once(policy: Policy) -> None:
    walk = session(policy, "whole")
    walk.to_the_end()
    assert_signed_well(walk)
    rules = set()
    for length in range(1, len(walk.entries)):
        cut = walk.copy(walk.entries[:length])
        before = cut.state.done.get("draft")
        cut.session()
        rules.add(cut.state.losses[-1])
        assert not cut.state.held
        assert cut.state.done.get("draft") == before, "what was drafted stands"
        cut.to_the_end()
        assert_signed_well(cut)
    assert rules == set(Signing.rules)


@pytest.mark.parametrize("seed", range(5))
def test_no_random_walk_signs_anything_else(seed: int) -> None:
    seen = set()
    for walk_number in range(40):
        walk = session(POLICIES[walk_number % len(POLICIES)], f"{seed} {walk_number}")
        walk_by_lot(walk)
        seen.add(walk.state.phase)
        if walk.state.phase is Phase.CLOSED:
            assert_signed_well(walk)
            assert not walk.state.open_incidents
        assert not walk.state.opened
    assert Phase.CLOSED in seen


def test_what_was_not_drafted_is_not_signed_and_an_abort_returns_the_sheets() -> None:
    walk = session(GROUPED, "other")
    while walk.due().id != "issue":
        walk.step()
    assert walk.state.held == {KEY}
    walk.add("begin", step="issue")
    with pytest.raises(JournalError, match="what was signed is not what was drafted"):
        walk.add("end", step="issue", facts={"to_be_signed": "another", "sha256": "ab" * 32})
    walk.add("abort", reason="fire")
    assert walk.due() is RETURN_SHEETS
    assert not walk.state.held
    walk.session()
    walk.to_the_end()
    assert walk.state.phase is Phase.ABORTED
    assert not walk.state.opened


def test_an_abort_while_sheets_are_being_read_has_them_bagged_too() -> None:
    walk = session(PLAIN, "broken off")
    while walk.due().id != "gather":
        walk.step()
    walk.add("begin", step="gather")
    walk.add("abort", reason="a sheet is bad")
    assert walk.due() is RETURN_SHEETS
    walk.add("begin", step=RETURN_SHEETS.id)
    walk.add("end", step=RETURN_SHEETS.id, facts={"bags": {"1.2": "N2"}})
    walk.to_the_end()
    assert walk.state.phase is Phase.ABORTED
    early = session(PLAIN, "early")
    while early.due().id != "announce-root":
        early.step()
    early.add("abort", reason="nobody came")
    assert early.due().id == "close", "no bag was opened yet"


def test_sheets_of_both_quorums_go_into_new_bags_after_a_loss() -> None:
    walk = session(PLAIN, "two quorums")
    while walk.due().id != "unlock":
        walk.step()
    first = walk.state.opened
    walk.session()
    assert walk.state.losses == (Rule.QUORUM_AGAIN,)
    other = set(PLAIN.positions) - first
    while walk.due().id != "gather":
        walk.step()
    walk.add("begin", step="gather")
    second = [*sorted(other), *sorted(first)][:3]
    walk.add("end", step="gather", facts={"positions": [list(each) for each in second]})
    while walk.due().id != "bags":
        walk.step()
    assert walk.state.opened == first | {Position(*each) for each in second}
    walk.add("begin", step="bags")
    with pytest.raises(JournalError, match="a bag has no number"):
        walk.add("end", step="bags", facts={"bags": {f"{p.group}.{p.x}": f"N{p.x}" for p in first}})


def test_a_quorum_that_is_none_and_what_was_not_signed_are_refused() -> None:
    for name, facts, reason in (
        ("gather", {"positions": [[1, 1]]}, "no quorum"),
        ("deliver 2", {"sha256": "cd" * 32}, "copy 2 is not of what was signed"),
    ):
        walk = session(PLAIN, "proof")
        while walk.due().id != name:
            walk.step()
        walk.add("begin", step=name)
        with pytest.raises(JournalError, match=reason):
            walk.add("end", step=name, facts=facts)


def test_after_signing_there_is_nothing_to_abort() -> None:
    walk = session(PLAIN, "late")
    while "issue" not in walk.state.done:
        walk.step()
    with pytest.raises(JournalError, match="before the step issue"):
        walk.add("abort", reason="too late")
