"""The rules of a reissue without input or output: the set stays valid, and the new sheet is the lost share or gone."""

from functools import partial

import pytest
from walk import Walk
from walks import GROUPED, PLAIN, POLICIES, assert_adds_up, walk_by_lot

from ceremony.rules.loss import Rule
from ceremony.rules.reissuing.rules import Reissuing
from ceremony.rules.reissuing.steps import DESTROY_SHEET, RETURN_SHEETS
from ceremony.rules.state import Phase, State
from ceremony.rules.steps import SHARES, VOLATILE, Action
from ceremony.run.journal import JournalError
from escrow.policy import Policy, Position

CASES = [
    (policy, position)
    for policy in POLICIES
    for position in policy.positions
    if policy.groups[position.group - 1].shares > policy.threshold_of(position.group) and position.x in {1, 2}
]
policies = pytest.mark.parametrize(("policy", "lost"), CASES, ids=str)


def reissue(policy: Policy, lost: Position, seed: object) -> Walk:
    return Walk(policy, seed, listing=Reissuing.of(policy, lost))


def until(walk: Walk, verb: str) -> Walk:
    while walk.due().verb != verb:
        walk.step()
    return walk


def fate(walk: Walk) -> str:
    """What of the new sheet is there, by the journal's entries alone, apart from the engine: none, unread, proven.

    A sheet may be there from the beginning of its print until it was destroyed or said to be spoilt; it is proven when
    it was read back after it was printed. Anything else would be a mix.
    """
    now = "none"
    for entry in walk.entries:
        name = str(entry.fields.get("step", "")).partition(" ")[0]
        match entry.event, name:
            case "begin", "print":
                assert now in {"none", "unread"}, "nothing is printed beside a sheet that is proven"
                now = "unread"
            case "end", "read-back":
                now = "proven"
            case "end", "destroy-sheet":
                now = "none"
    return now


def assert_made_again(walk: Walk) -> None:
    state = walk.state
    assert state.phase is Phase.CLOSED
    assert fate(walk) == "proven"
    listing = walk.engine.listing
    assert isinstance(listing, Reissuing)
    assert listing.lost_share in state.bags.values()
    opened = {
        Position(*pair)
        for entry in walk.entries
        if entry.event == "end"
        for pair in entry.fields["facts"].get("positions", ())
    }
    assert opened <= set(state.bags.values()), "every sheet that was read is in a new bag"
    assert not state.opened
    assert not state.held


@policies
def test_the_list_of_a_reissue_adds_up_and_no_mutation_survives(policy: Policy, lost: Position) -> None:
    assert_adds_up(Reissuing.of(policy, lost))


@policies
def test_after_a_crash_behind_any_entry_the_new_sheet_is_proven_or_destroyed_and_never_a_mix(
    policy: Policy, lost: Position
) -> None:
    walk = reissue(policy, lost, "whole")
    walk.to_the_end()
    assert_made_again(walk)
    rules = set()
    for length in range(1, len(walk.entries)):
        cut = walk.copy(walk.entries[:length])
        before = fate(cut)
        finished = any(entry.event == "end" and entry.fields["step"].startswith("print") for entry in cut.entries)
        cut.session()
        rules.add(cut.state.losses[-1])
        assert not cut.state.held
        if before == "unread":  # whole on paper, it is read back; if nobody knows, it is destroyed before anything else
            assert (cut.state.owed is DESTROY_SHEET) is not finished
        cut.to_the_end()
        assert_made_again(cut)
    assert rules == {Rule.GO_ON, Rule.READ_AGAIN}


@policies
def test_after_a_crash_and_an_abort_behind_any_entry_nothing_of_the_new_sheet_is_left(
    policy: Policy, lost: Position
) -> None:
    walk = reissue(policy, lost, "whole")
    walk.to_the_end()
    aborted = 0
    for length in range(1, len(walk.entries)):
        for crash in (False, True):
            cut = walk.copy(walk.entries[:length])
            if crash:
                cut.session()
            if "others" in cut.state.done:
                with pytest.raises(JournalError, match="before the step others"):
                    cut.chain("abort", reason="x")
                continue
            cut.chain("abort", reason="x")
            cut.to_the_end()
            aborted += 1
            assert cut.state.phase is Phase.ABORTED
            assert fate(cut) == "none"
            assert not cut.state.printed
            assert not cut.state.opened
            assert lost not in cut.state.bags.values()
    assert aborted > len(walk.entries)


def _assert_fate(walk: Walk) -> None:
    assert fate(walk) in {"none", "unread", "proven"}


def test_no_random_walk_ends_with_a_mix() -> None:
    seen = set()
    for number_of_walk in range(80):
        policy, lost = CASES[number_of_walk % len(CASES)]
        walk = reissue(policy, lost, f"walk {number_of_walk}")
        walk_by_lot(walk, partial(_assert_fate, walk))
        seen.add(walk.state.phase)
        assert not walk.state.opened
        if walk.state.phase is Phase.CLOSED:
            assert_made_again(walk)
        else:
            assert fate(walk) == "none"
    assert seen == {Phase.CLOSED, Phase.ABORTED}


def test_shares_are_in_memory_only_until_the_sheet_is_proven_and_nothing_else_ever_is() -> None:
    for policy, lost in CASES:
        walk = reissue(policy, lost, "held")
        held = {}
        while not walk.state.ended:
            name = walk.due().verb
            walk.step()
            held[name] = walk.state.held
        assert {name for name, secrets in held.items() if secrets} == {"gather-group", "print", "read-back"}
        assert {secret for secrets in held.values() for secret in secrets} == {SHARES} < VOLATILE
        using = {Action.UNLOCK, Action.PROVE_KEYS, Action.PROVE_QUORUM, Action.SIGN, Action.GATHER, Action.READ_QUORUM}
        assert not using & {step.action for step in walk.engine.steps}, "the package is never opened"


def test_a_spoilt_sheet_is_printed_again_and_after_a_loss_the_shares_are_read_first() -> None:
    walk = until(reissue(PLAIN, Position(1, 2), "spoilt"), "read-back")
    walk.chain("begin", step="read-back 1.2")
    walk.chain("fail", step="read-back 1.2", problem="x", again="print 1.2")
    assert walk.due().id == "print 1.2"
    until(walk, "read-back")
    walk.session()
    assert (walk.state.losses, walk.due().id) == ((Rule.GO_ON,), "start")
    until(walk, "read-back")
    walk.chain("begin", step="read-back 1.2")
    walk.chain("fail", step="read-back 1.2", problem="x", again="print 1.2")
    assert walk.due().id == "gather-group", "without the shares there is nothing to print"
    walk.to_the_end()
    assert_made_again(walk)


def test_what_is_read_has_to_be_enough_of_the_group_and_not_the_lost_share() -> None:
    lost = Position(1, 1)
    for policy, wrong, problem in (
        (PLAIN, [[1, 2]], "not enough"),
        (PLAIN, [[1, 1], [1, 2], [1, 3]], "it is there"),
        (GROUPED, [[2, 1], [1, 2]], "not enough"),
        (GROUPED, [[1, 2], [1, 9]], "not enough"),
    ):
        walk = until(reissue(policy, lost, "wrong"), "gather-group")
        walk.chain("begin", step="gather-group")
        with pytest.raises(JournalError, match=problem):
            walk.chain("end", step="gather-group", facts={"positions": wrong})
    walk = until(reissue(PLAIN, lost, "wrong"), "lost")
    walk.chain("begin", step="lost")
    with pytest.raises(JournalError, match="another share"):
        walk.chain("end", step="lost", facts={"share": "1.2"})


def test_an_abort_owes_the_sheet_first_and_the_bags_after_it() -> None:
    walk = until(reissue(PLAIN, Position(1, 1), "abort"), "wipe")
    walk.chain("abort", reason="x")
    assert walk.due() is DESTROY_SHEET
    walk.chain("begin", step="destroy-sheet")
    with pytest.raises(JournalError, match="was not destroyed"):
        walk.chain("end", step="destroy-sheet", facts={"sheets": [], "counted": 0})
    walk.chain("end", step="destroy-sheet", facts={"sheets": [[1, 1]], "counted": 1})
    assert walk.due() is RETURN_SHEETS
    state: State = walk.state
    assert state.opened
    walk.to_the_end()
    assert not walk.state.opened
