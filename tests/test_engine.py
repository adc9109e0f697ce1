"""The ceremony's rules without input or output: every crash, every wrong turn, thousands of random walks."""

from dataclasses import replace
from typing import Any

import pytest
from walk import Walk
from walks import PLAIN, POLICIES, SMALL, assert_adds_up, walk_by_lot

from ceremony.rules.checker import StepsError, check
from ceremony.rules.loss import Rule
from ceremony.rules.sealing.rules import Sealing
from ceremony.rules.sealing.steps import DESTROY_SHEETS, Online
from ceremony.rules.state import Phase
from ceremony.rules.steps import HANDOVER, PRIVATE_KEYS, PROVED_KEYS, SHARES, of_share
from ceremony.run.journal import Entry, JournalError
from escrow.policy import Policy, Position

WALKS = 1000


def assert_closed_well(walk: Walk) -> None:
    """What the journal says by itself, apart from the engine: counted from the last set on."""
    assert walk.state.ended
    last = max(n for n, entry in enumerate(walk.entries) if _ended(entry) == "seal")
    since = [_ended(entry) for entry in walk.entries[last:]]
    for position in walk.engine.policy.positions:
        prints = [n for n, name in enumerate(since) if name == of_share("print", position)]
        assert any(name == of_share("read-back", position) for name in since[prints[-1] :]), "not read back"
    proved = len(since) - 1 - since[::-1].index("quorum")
    assert proved < since.index("zeroize")
    if not walk.online:
        assert since.count("quorum") == 1
    else:
        handed_over = [step.id for step in walk.engine.steps if step.id in {"online", "handover", "handover-bag"}]
        assert handed_over
        for name in handed_over:
            assert proved < since.index(name, proved) < since.index("zeroize"), "not of the latest proof"
        assert "bag-again" in since[proved:]
    if walk.online is Online.SHEET:
        sessions = [n for n, entry in enumerate(walk.entries[last:]) if entry.event == "session"]
        printed = len(since) - 1 - since[::-1].index("handover")
        assert not [n for n in sessions if proved < n < printed], "a tree or passwords that a loss had taken"
    assert not walk.state.held


def _ended(entry: Entry) -> str | None:
    return entry.fields["step"] if entry.event == "end" else None


either_way = pytest.mark.parametrize("online", [None, *Online], ids=lambda online: online.name if online else "offline")


@either_way
@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_the_list_of_steps_adds_up(policy: Policy, online: Online | None) -> None:
    check(Sealing.of(policy, 2, online))


@either_way
@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_any_step_removed_swapped_or_doubled_is_detected(policy: Policy, online: Online | None) -> None:
    """No mutation survives. Steps are numbered anew each time, so that the numbers give nothing away."""
    assert_adds_up(Sealing.of(policy, 2, online))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keys": {"provides": frozenset({"keys made"})}}, "lacks|requires private keys"),
        ({"zeroize": {"wipes": frozenset({"shares in memory"})}}, "private keys in memory are not wiped"),
        ({"quorum": {"requires": frozenset({"sealed", "shares in memory"})}}, "would lack shares|nothing requires"),
        ({"open": {"each_session": False}}, ""),
        ({"certificates": {"provides": frozenset({"certificates compared", "keys made"})}}, "once more"),
    ],
)
def test_what_a_step_needs_and_gives_is_checked(changes: dict[str, dict[str, Any]], message: str) -> None:
    plain = Sealing.of(PLAIN, 1)
    listing = replace(plain, steps=tuple(replace(step, **changes.get(step.id, {})) for step in plain.steps))
    if not message:
        check(listing)  # a looser list that still adds up: the check is not about identity
        return
    with pytest.raises(StepsError, match=message):
        check(listing)


def test_a_step_that_needs_what_a_crash_takes_away_is_refused() -> None:
    plain = Sealing.of(PLAIN, 1)
    listed = list(plain.steps)
    place = next(n for n, step in enumerate(listed) if step.id == "copies")
    listed[place] = replace(listed[place], requires=listed[place].requires | {"shares in memory"})
    with pytest.raises(StepsError, match=r"after a crash behind .* the step copies would lack shares in memory"):
        check(replace(plain, steps=tuple(listed)))


@either_way
@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_after_a_crash_behind_any_entry_the_ceremony_reaches_a_legal_close(
    policy: Policy, online: Online | None
) -> None:
    walk = Walk(policy, "whole", online=online)
    walk.to_the_end()
    assert_closed_well(walk)
    assert walk.state.phase is Phase.CLOSED
    rules = set()
    for length in range(1, len(walk.entries)):
        cut = walk.copy(walk.entries[:length])
        assert isinstance(cut.state.phase, Phase)
        cut.session()
        rules.add(cut.state.losses[-1])
        assert not cut.state.held
        cut.to_the_end()
        assert_closed_well(cut)
        assert cut.state.phase is Phase.CLOSED
    few = {Rule.FROM_PAPER} if policy is SMALL else set()  # with 2 of 2, a quorum are all sheets
    assert rules == set(walk.engine.listing.losses) - few
    assert (Rule.PROVE_AGAIN in rules) == bool(online)


@either_way
def test_a_second_crash_while_the_first_is_being_mended_changes_nothing(online: Online | None) -> None:
    walk = Walk(PLAIN, "twice", online=online)
    walk.to_the_end()
    for length in range(1, len(walk.entries)):
        cut = walk.copy(walk.entries[:length])
        cut.session()
        for _ in range(4):
            if cut.state.ended:
                break
            cut.add("begin", step=cut.due().id) if not cut.engine.shut(cut.state, cut.due()) else None
            cut.session()
            cut.step() if not cut.engine.shut(cut.state, cut.due()) else None
        cut.to_the_end()
        assert_closed_well(cut)


@pytest.mark.parametrize("seed", range(20))
def test_no_random_walk_closes_without_every_sheet_read_back_and_a_quorum_from_paper(seed: int) -> None:
    """Exceptions, pauses, crashes, failures, wrong answers and aborts, in any order."""
    seen = set()
    for walk_number in range(WALKS // 20):
        policy = POLICIES[walk_number % len(POLICIES)]
        walk = Walk(policy, f"{seed} {walk_number}", online=[None, *Online][walk_number // 3 % 3])
        walk_by_lot(walk)
        seen.add(walk.state.phase)
        if walk.state.phase is Phase.CLOSED:
            assert_closed_well(walk)
            assert not walk.state.open_incidents
        else:
            assert not walk.state.came_out, "aborted with paper of a set that came out"
    assert seen == {Phase.CLOSED, Phase.ABORTED}


@pytest.mark.parametrize(
    ("until", "held", "rule"),
    [
        ("announce-keys", set(), Rule.GO_ON),
        ("keys", {"private keys in memory"}, Rule.KEYS_GONE),
        ("certificates", {"private keys in memory"}, Rule.KEYS_GONE),
        ("seal", {PRIVATE_KEYS, SHARES}, Rule.VOID),
        ("papers", {PRIVATE_KEYS, SHARES}, Rule.VOID),
        ("print 1.3", {PRIVATE_KEYS, SHARES}, Rule.VOID),
        ("receipt 1.2", {PRIVATE_KEYS, SHARES}, Rule.VOID),
        ("read-back 1.3", {PRIVATE_KEYS, SHARES}, Rule.FROM_PAPER),
        ("receipt 1.4", {PRIVATE_KEYS, SHARES}, Rule.FROM_PAPER),
        ("print 1.5", {PRIVATE_KEYS, SHARES}, Rule.GO_ON),
        ("quorum", {PRIVATE_KEYS, SHARES}, Rule.ZEROIZED),
        ("zeroize", set(), Rule.GO_ON),
        ("sign", set(), Rule.GO_ON),
    ],
)
def test_the_table_of_crashes(until: str, held: set[str], rule: Rule) -> None:
    walk = Walk(PLAIN, "table")
    while until not in walk.state.done:
        walk.step()
    assert walk.state.held == held
    walk.session()
    assert walk.state.losses == (rule,)
    assert (rule in {Rule.KEYS_GONE, Rule.VOID}) == bool(walk.state.never_use)
    assert (rule is Rule.VOID) == bool(walk.state.void_sets)
    assert (rule is Rule.ZEROIZED) == bool(walk.state.open_incidents)
    assert "open" not in walk.state.done, "two officers open each session"


@pytest.mark.parametrize(
    ("online", "until", "rule", "undone"),
    [
        (Online.SHEET, "quorum", Rule.PROVE_AGAIN, {"quorum"}),
        (Online.SHEET, "bag-again", Rule.PROVE_AGAIN, {"quorum", "bag-again"}),
        (Online.SHEET, "online", Rule.PROVE_AGAIN, {"quorum", "bag-again", "online"}),
        (Online.SHEET, "handover", Rule.ZEROIZED, set()),
        (Online.SHEET, "copy 1", Rule.ZEROIZED, set()),
        (Online.RECIPIENT, "bag-again", Rule.PROVE_AGAIN, {"quorum", "bag-again"}),
        (Online.RECIPIENT, "online", Rule.ZEROIZED, set()),
    ],
)
def test_the_table_of_crashes_where_there_is_an_online_ca(
    online: Online, until: str, rule: Rule, undone: set[str]
) -> None:
    walk = Walk(PLAIN, "online", online=online)
    while until not in walk.state.done:
        walk.step()
    before = set(walk.state.done)
    walk.session()
    assert walk.state.losses == (rule,)
    again = {step.id for step in walk.engine.steps if step.each_session}
    assert before - set(walk.state.done) - again == undone
    assert not walk.state.never_use
    walk.to_the_end()
    assert_closed_well(walk)


def test_what_the_online_ca_is_made_of_is_gone_as_soon_as_it_is_not_needed() -> None:
    walk = Walk(PLAIN, "held", online=Online.SHEET)
    held = {}
    while not walk.state.ended:
        name = walk.due().id
        walk.step()
        held[name] = walk.state.held - {PRIVATE_KEYS, SHARES}
    assert held["quorum"] == held["bag-again"] == {PROVED_KEYS}
    assert held["online"] == {HANDOVER}
    assert not held["handover"]


@pytest.mark.parametrize("bag", ["B0", " b 0 ", "", None, 7])
def test_the_bag_of_the_handover_sheet_is_a_new_one(bag: object) -> None:
    walk = Walk(PLAIN, "bag", online=Online.SHEET)
    while walk.due().id != "handover-bag":
        walk.step()
    walk.add("begin", step="handover-bag")
    with pytest.raises(JournalError, match="number"):
        walk.add("end", step="handover-bag", facts={"bag": bag})


@pytest.mark.parametrize("ending", ["crash", "abort"])
@pytest.mark.parametrize(
    ("until", "begun", "owed"),
    [("seal", False, False), ("head-seal", True, True), ("papers", False, True), ("print 1.1", False, True)],
)
def test_paper_of_a_set_that_came_out_is_destroyed_with_it_also_before_the_first_sheet(
    until: str, ending: str, *, begun: bool, owed: bool
) -> None:
    walk = Walk(PLAIN, "papers")
    while until not in walk.state.done:
        walk.step()
    if begun:
        walk.add("begin", step="papers")
    walk.session() if ending == "crash" else walk.add("abort", reason="fire")
    assert (walk.state.owed is DESTROY_SHEETS) == owed
    walk.session()
    assert (walk.state.owed is DESTROY_SHEETS) == owed, "a second crash changes nothing"
    walk.to_the_end()
    assert walk.state.came_out == (ending == "crash"), "the paper of the set that was made in its place"


def test_who_had_a_bag_is_known_until_the_set_is_void() -> None:
    """Their label was used up with the bag; that of another set is a new one."""
    walk = Walk(PLAIN, "bagged")
    while walk.due().id != "bag 1.2":
        walk.step()
    assert walk.state.bagged == {Position(1, 1)}
    walk.session()
    assert walk.state.losses == (Rule.VOID,)
    assert walk.state.bagged == set()
    while walk.due().id != "read-back 1.4":
        walk.step()
    walk.session()
    walk.step()
    assert walk.due().id != "bag 1.1"
    while walk.due().id != "bag 1.1":
        walk.step()
    assert walk.state.bagged == {Position(1, x) for x in (1, 2, 3)}
    walk.to_the_end()
    assert walk.state.bagged == set(PLAIN.positions)


def test_nothing_is_zeroized_before_its_gate_opens() -> None:
    walk = Walk(PLAIN, "gate")
    while walk.due().id != "zeroize":
        walk.step()
    zeroize = walk.due()
    assert walk.engine.shut(walk.state, zeroize) == ()
    walk.add("exception", expected="a", happened="b", done="c", touches=[])
    assert walk.due().id == "settle"
    assert walk.engine.shut(walk.state, zeroize) == ("exception 1 has no disposition",)
    with pytest.raises(JournalError, match="not due"):
        walk.add("begin", step="zeroize")
    for name, message in (("read-back 1.2", "was not read back"), ("bag 1.4", "no bag number"), ("quorum", "quorum")):
        without = replace(walk.state, done={n: f for n, f in walk.state.done.items() if n != name}, incidents=())
        assert message in " ".join(walk.engine.shut(without, zeroize))


@pytest.mark.parametrize("bag", ["B0", " b 0 ", "", None, 7, "B" * 13, "B\x00", "B\u200b1"])
def test_a_bag_is_used_once_and_has_a_number(bag: object) -> None:
    walk = Walk(PLAIN, "bags")
    while walk.due().id != "bag 1.2":
        walk.step()
    walk.add("begin", step="bag 1.2")
    with pytest.raises(JournalError, match=r"number|characters|lacks something"):
        walk.add("end", step="bag 1.2", facts={"bag": bag})


def test_a_sheet_that_cannot_be_read_back_is_printed_again() -> None:
    walk = Walk(PLAIN, "again")
    while walk.due().id != "read-back 1.2":
        walk.step()
    walk.add("begin", step="read-back 1.2")
    walk.add("fail", step="read-back 1.2", problem="smeared", again="print 1.2")
    assert walk.due().id == "print 1.2"
    walk.to_the_end()
    assert_closed_well(walk)


def test_an_aborted_ceremony_ends_when_what_came_out_is_destroyed() -> None:
    walk = Walk(PLAIN, "abort")
    while walk.due().id != "print 1.3":
        walk.step()
    walk.add("abort", reason="a witness fell ill")
    assert walk.state.phase is Phase.ABORTING
    assert not walk.state.held
    assert walk.due().id == "destroy-sheets"
    walk.add("begin", step="destroy-sheets")
    with pytest.raises(JournalError, match="not every sheet"):
        walk.add("end", step="destroy-sheets", facts={"sheets": [[1, 1]]})
    walk.session()
    walk.to_the_end()
    assert walk.state.phase.value == "aborted"
    assert walk.state.never_use
    assert walk.state.void_sets


@pytest.mark.parametrize("bag", ["123456789012", "1234 5678 9012"])
def test_a_bag_number_fills_the_boxes_of_the_label(bag: str) -> None:
    walk = Walk(PLAIN, "bags")
    while walk.due().id != "bag 1.2":
        walk.step()
    walk.add("begin", step="bag 1.2")
    walk.add("end", step="bag 1.2", facts={"bag": bag})


@pytest.mark.parametrize(
    ("disposition", "reason"),
    [("fine", "x"), ("", "x"), ("accepted", " "), ("abort", "x"), (None, "x"), ("mended", None)],
)
def test_a_disposition_is_one_of_the_words_with_a_reason_and_abort_only_with_an_abort(
    disposition: str | None, reason: str | None
) -> None:
    walk = Walk(PLAIN, "dispositions")
    walk.add("exception", expected="a", happened="b", done="c", touches=[])
    with pytest.raises(JournalError, match=r"exception 1|lacks something"):
        walk.add("settle", exception=1, disposition=disposition, reason=reason)
    walk.add("abort", reason="x")
    if disposition == "abort":
        walk.add("settle", exception=1, disposition=disposition, reason=reason)
        assert not walk.state.open_incidents


def test_a_quorum_that_is_none_and_a_copy_of_another_package_are_refused() -> None:
    """Whoever writes such a line: what the proof rests on is looked at."""
    for name, facts, reason in (
        ("quorum", {"positions": []}, "no quorum"),
        ("quorum", {"positions": [[1, 1], [1, 1], [1, 2]]}, "no quorum"),
        ("copy 2", {"sha256": "cd" * 32}, "copy 2 is not of the package"),
    ):
        walk = Walk(PLAIN, "proof")
        while walk.due().id != name:
            walk.step()
        walk.chain("begin", step=name)
        with pytest.raises(JournalError, match=reason):
            walk.chain("end", step=name, facts=facts)
