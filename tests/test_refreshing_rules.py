"""The rules of a refresh without input or output: after every prefix of a journal one of the two sets counts, whole."""

from dataclasses import replace
from functools import partial

import pytest
from walk import OLD, Walk
from walks import GROUPED, PLAIN, POLICIES, SMALL, assert_adds_up, walk_by_lot

from ceremony.rules.loss import Rule
from ceremony.rules.refreshing.rules import Counts, Refreshing, left, old_policy, who_could_still
from ceremony.rules.refreshing.steps import RETURN_OLD
from ceremony.rules.sealing.steps import DESTROY_SHEETS
from ceremony.rules.state import Phase, State
from ceremony.rules.steps import Action, of_share
from ceremony.run.journal import JournalError
from escrow.policy import Policy, Position


def refresh(policy: Policy, seed: object) -> Walk:
    return Walk(policy, seed, listing=Refreshing.of(policy, 2))


def assert_one_set_counts(walk: Walk, state: State) -> None:
    """Never neither, never a mix: said from the journal's entries alone, and held against the rules."""
    ended = [entry.fields["step"] for entry in walk.entries if entry.event == "end"]
    if "supersede" not in ended:
        assert Refreshing.counts(state) is Counts.OLD
        assert "destroy-old" not in ended, "a sheet of the set that counts was destroyed"
        return
    assert Refreshing.counts(state) is Counts.NEW
    since = ended[: ended.index("supersede")]
    since = since[len(since) - since[::-1].index("seal") :]
    for position in walk.engine.policy.positions:
        last = max(n for n, name in enumerate(since) if name == of_share("print", position))
        assert of_share("read-back", position) in since[last:]
        assert of_share("bag", position) in since[last:]
    assert {"quorum", "bag-again", "copy 1", "copy 2", "settle"} <= set(since)
    assert state.done["seal"]["set_id"] not in state.void_sets
    assert not state.owed, "nothing of the set that counts is to be destroyed"


def assert_ended_well(walk: Walk) -> None:
    assert walk.state.ended
    assert not walk.state.held
    assert not walk.state.opened
    assert_one_set_counts(walk, walk.state)
    if walk.state.phase is Phase.CLOSED:
        gone = {Position(*pair) for pair in walk.state.done["destroy-old"]["sheets"]}
        assert set(walk.state.old_bags.values()) <= gone
    else:
        assert Refreshing.counts(walk.state) is Counts.OLD
        assert not walk.state.came_out, "aborted with paper of the new set"


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_the_list_of_a_refresh_adds_up_and_no_mutation_survives(policy: Policy) -> None:
    assert_adds_up(Refreshing.of(policy, 2))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_after_a_crash_or_an_abort_behind_any_entry_one_set_counts_and_the_end_is_reached(policy: Policy) -> None:
    walk = refresh(policy, "whole")
    walk.to_the_end()
    assert_ended_well(walk)
    assert walk.state.phase is Phase.CLOSED
    rules, changes = set(), 0
    for length in range(1, len(walk.entries)):
        cut = walk.copy(walk.entries[:length])
        before = Refreshing.counts(cut.state)
        assert_one_set_counts(cut, cut.state)
        cut.session()
        rules.add(cut.state.losses[-1])
        assert Refreshing.counts(cut.state) is before, "a loss of power makes no set count"
        cut.to_the_end()
        assert_ended_well(cut)
        assert cut.state.phase is Phase.CLOSED
        aborted = walk.copy(walk.entries[:length])
        if before is Counts.NEW:
            with pytest.raises(JournalError, match="before the step supersede"):
                aborted.add("abort", reason="too late")
            changes += 1
            continue
        aborted.add("abort", reason="fire")
        aborted.session()  # and the power is lost while what is owed is done
        given_up = walk.copy(walk.entries[:length])
        given_up.session()  # or it is given up because the power was lost
        given_up.add("abort", reason="dark")
        for ending in (aborted, given_up):
            ending.to_the_end()
            assert_ended_well(ending)
            assert ending.state.phase is Phase.ABORTED
    few = {Rule.FROM_PAPER} if policy is SMALL else set()  # with 2 of 2, a quorum are all sheets
    assert rules == set(Refreshing.rules) - few
    assert changes > 1


def _assert_one(walk: Walk) -> None:
    assert_one_set_counts(walk, walk.state)


@pytest.mark.parametrize("seed", range(5))
def test_no_random_walk_leaves_neither_set_or_a_mix(seed: int) -> None:
    seen = set()
    for walk_number in range(30):
        walk = refresh(POLICIES[walk_number % len(POLICIES)], f"{seed} {walk_number}")
        walk_by_lot(walk, partial(_assert_one, walk))
        assert_ended_well(walk)
        seen.add(walk.state.phase)
    assert seen == {Phase.CLOSED, Phase.ABORTED}


def test_before_the_new_set_is_sealed_a_loss_has_the_old_quorum_read_again_and_all_of_it_bagged() -> None:
    walk = refresh(PLAIN, "again")
    while walk.due().id != "take-keys":
        walk.step()
    first = walk.state.opened
    assert len(first) == 2
    walk.session()
    assert walk.state.losses == (Rule.OLD_AGAIN,)
    assert walk.due().each_session
    while walk.due().id != "old-quorum":
        walk.step()
    (other,) = set(OLD.positions) - first
    walk.add("begin", step="old-quorum")
    walk.add("end", step="old-quorum", facts={"positions": [list(other), list(min(first))]})
    while walk.due().id != "hold":
        walk.step()
    assert walk.state.opened == set(OLD.positions)
    walk.add("begin", step="hold")
    with pytest.raises(JournalError, match="a bag has no number"):
        walk.add("end", step="hold", facts={"bags": {"1.1": "H1", "1.2": "H2"}})
    walk.add("end", step="hold", facts={"bags": {"1.1": "H1", "1.2": "H2", "1.3": "H3"}})
    assert not walk.state.bags, "they are no bags of the new set"
    while walk.due().id != "bag 1.1":
        walk.step()
    walk.add("begin", step="bag 1.1")
    with pytest.raises(JournalError, match="was used before"):
        walk.add("end", step="bag 1.1", facts={"bag": "h 2"})


def test_old_sheets_that_are_out_of_their_bags_go_into_new_ones_before_an_abort_ends() -> None:
    for name, owed in (("announce-old", None), ("old-quorum", RETURN_OLD), ("hold", RETURN_OLD), ("seal", None)):
        walk = refresh(GROUPED, name)
        while walk.due().id != name:
            walk.step()
        walk.add("abort", reason="fire")
        assert walk.state.owed is owed, name
    walk = refresh(GROUPED, "paper")
    while walk.due().id != "quorum":
        walk.step()
    walk.add("abort", reason="fire")
    assert walk.due() is DESTROY_SHEETS
    walk.to_the_end()
    assert walk.state.phase is Phase.ABORTED
    assert len(walk.state.old_bags) == 2, "the bags of the set that counts are in the journal"


@pytest.mark.parametrize(
    ("name", "facts", "reason"),
    [
        ("old-quorum", {"positions": [[1, 1]]}, "no quorum"),
        ("old-quorum", {"positions": [[1, 4], [1, 1]]}, "no quorum of the old set"),
        ("seal", {"set_id": "new", "package": "ab" * 32, "epoch": 3}, "the epoch of the new set is not above"),
        ("copy 2", {"sha256": "cd" * 32}, "copy 2 is not of the package"),
        ("supersede", {"old": "another", "new": "set of attempt 1"}, "another set would be superseded"),
        ("destroy-old", {"sheets": [], "copies": [], "could_still": []}, "was read is not destroyed"),
        ("destroy-old", {"sheets": [[1, 1], [1, 2], [1, 3]], "copies": [3], "could_still": []}, "no such copy"),
        ("destroy-old", {"sheets": [[1, 1], [1, 2], [1, 3]], "copies": [], "could_still": ["A"]}, "said otherwise"),
    ],
)
def test_what_a_refresh_rests_on_is_held_against_the_journal(name: str, facts: dict[str, object], reason: str) -> None:
    walk = refresh(PLAIN, "proof")
    while walk.due().id != name:
        walk.step()
    walk.add("begin", step=name)
    with pytest.raises(JournalError, match=reason):
        walk.add("end", step=name, facts=facts)


def test_a_sheet_in_unknown_hands_counts_although_the_one_in_the_bag_was_destroyed() -> None:
    walk = refresh(PLAIN, "strays")
    while walk.due().id != "destroy-old":
        walk.step()
    gone: dict[str, object] = {"sheets": [[1, 1], [1, 2], [1, 3]], "copies": []}
    assert who_could_still(gone, walk.state) == []
    noted = {**walk.state.done["old-set"], "strays": ["1.1", "1.3"]}
    state = replace(walk.state, done={**walk.state.done, "old-set": noted})
    assert who_could_still(gone, state) == ["holder 1", "whoever was before", "holder 3"]


def test_superseding_waits_until_every_exception_is_settled() -> None:
    walk = refresh(PLAIN, "open")
    while walk.due().id != "supersede":
        walk.step()
    walk.add("exception", expected="a", happened="b", done="c", touches=[])
    assert walk.due().action is Action.SETTLE
    supersede = next(step for step in walk.engine.steps if step.action is Action.SUPERSEDE)
    assert walk.engine.shut(walk.state, supersede) == ("exception 1 has no disposition",)


def test_a_share_of_which_a_sheet_was_lost_is_left_whatever_is_destroyed() -> None:
    walk = refresh(PLAIN, "stray")
    while walk.due().id != "destroy-old":
        walk.step()
    every = {"sheets": [[position.group, position.x] for position in old_policy(walk.state).positions], "copies": []}
    assert [*left(every, walk.state)] == []
    noted = {**walk.state.done["old-set"], "strays": ["1.1", "1.2"]}
    state = replace(walk.state, done={**walk.state.done, "old-set": noted})
    assert [*left(every, state)] == [Position(1, 1), Position(1, 2)]
    assert who_could_still(every, state), "two are a quorum of the old set"
