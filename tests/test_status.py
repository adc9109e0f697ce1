"""How a set stands on a day: the margin, what is due, and what monitoring gets to see."""

import dataclasses
import datetime as dt
import itertools
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import escrow
from register_entries import (
    MADE,
    SET,
    attested,
    drill,
    enter,
    entry,
    holder,
    made_again,
    of_share,
    register_of,
    session,
)

from ceremony.custody import telling
from ceremony.custody.book import Book
from ceremony.custody.events import replay
from ceremony.custody.register import Register
from ceremony.custody.status import ATTESTED, Severity, Standing, standing
from ceremony.planning.odds import left_below_quorum, put_together, spares_of
from ceremony.run.journal import Entry
from ceremony.run.session import SystemClock
from escrow.policy import Group, Policy, Position

POLICY = Policy.plain(3, 5)
GROUPS = Policy(2, (Group(2, 3), Group(1, 1), Group(2, 2)))
SOON = MADE + dt.timedelta(days=100)


def at(register: Register, today: dt.date = SOON) -> Standing:
    found = standing(register, today)
    assert found is not None
    return found


def happened(position: Position, status: str, on: dt.date = SOON) -> Entry:
    return of_share("report", position, on, status=status, reason="so it is")


def matters(found: Standing) -> dict[str, Severity]:
    return {matter.id: matter.severity for matter in found.matters}


CASES: dict[str, tuple[Sequence[Entry], int, dict[str, Severity]]] = {
    "nothing happened": ([], 2, {}),
    "one is lost": ([happened(Position(1, 1), "lost")], 1, {"share-lost": Severity.WARNING}),
    "two are lost": (
        [happened(Position(1, x), "lost") for x in (1, 2)],
        0,
        {"no-margin": Severity.WARNING, "share-lost": Severity.WARNING, "nearly-a-quorum": Severity.WARNING},
    ),
    "three are lost": (
        [happened(Position(1, x), "lost") for x in (1, 2, 3)],
        -1,
        {
            "no-quorum": Severity.CRITICAL,
            "share-lost": Severity.WARNING,
            "quorum-in-unknown-hands": Severity.CRITICAL,
        },
    ),
    "one was seen": ([happened(Position(1, 1), "exposed")], 1, {"share-exposed": Severity.WARNING}),
    "a quorum was seen": (
        [happened(Position(1, x), "exposed") for x in (1, 2, 3)],
        -1,
        {
            "share-exposed": Severity.WARNING,
            "quorum-in-unknown-hands": Severity.CRITICAL,
            "no-quorum": Severity.CRITICAL,
        },
    ),
    "one was seen, one is lost, one was lost and made again": (
        [
            happened(Position(1, 1), "exposed"),
            happened(Position(1, 2), "lost"),
            happened(Position(1, 3), "lost"),
            made_again(SOON, Position(1, 3), "9003", "New"),
        ],
        0,
        {
            "no-margin": Severity.WARNING,
            "share-exposed": Severity.WARNING,
            "share-lost": Severity.WARNING,
            "quorum-in-unknown-hands": Severity.CRITICAL,
        },
    ),
    "a lost one was made again": (
        [happened(Position(1, 1), "lost"), made_again(SOON, Position(1, 1), "9001", "New")],
        2,
        {},
    ),
    "two lost ones were made again": (
        [
            each
            for x in (1, 2)
            for each in (
                happened(Position(1, x), "lost"),
                made_again(SOON, Position(1, x), f"900{x}", f"New {x}"),
            )
        ],
        2,
        {"nearly-a-quorum": Severity.WARNING},
    ),
    "a sheet was read in a drill and cannot be used": (
        [drill(SOON, level="T2", bags={"1.1": "9001"}, bad=["1.1"])],
        1,
        {"sheet-unusable": Severity.WARNING},
    ),
    "such a sheet's bag is shown, and looks as it should": (
        [
            drill(SOON, level="T2", bags={"1.1": "9001"}, bad=["1.1"]),
            drill(SOON, "LATER", bags={"1.1": "9001"}),
            of_share("attest", Position(1, 1), SOON, bag="9001", how="bag"),
        ],
        1,
        {"sheet-unusable": Severity.WARNING},
    ),
    "such a sheet is read again, and is good": (
        [
            drill(SOON, level="T2", bags={"1.1": "9001"}, bad=["1.1"]),
            drill(SOON, "LATER", level="T2", bags={"1.1": "9002"}),
        ],
        2,
        {},
    ),
    "such a sheet was destroyed, and its share made again": (
        [
            drill(SOON, level="T2", bags={"1.1": "9001"}, bad=["1.1"]),
            happened(Position(1, 1), "destroyed"),
            made_again(SOON, Position(1, 1), "9002", "New"),
        ],
        2,
        {},
    ),
    "one person has two": (
        [of_share("hand over", Position(1, 2), SOON, bag="1002", **holder("c1"))],
        2,
        {"several-shares": Severity.WARNING},
    ),
    "one person has a quorum": (
        [of_share("hand over", Position(1, x), SOON, bag=f"100{x}", **holder("C1")) for x in (2, 3)],
        2,
        {"several-shares": Severity.CRITICAL},
    ),
    "no copy is left": (
        [entry("copy", SOON, set_id=SET, copy=n, status="lost", reason="x") for n in (1, 2)],
        2,
        {"no-package": Severity.CRITICAL, "copy-lost": Severity.WARNING},
    ),
    "one copy is left": (
        [entry("copy", SOON, set_id=SET, copy=1, status="destroyed", reason="x")],
        2,
        {"one-package": Severity.WARNING},
    ),
    "a certificate ended": (
        [session(SOON, "CRL-1", expiries=[{"what": "CRL", "last": MADE.isoformat()}])],
        2,
        {"expired": Severity.CRITICAL},
    ),
    "a certificate ends today": (
        [session(SOON, "CRL-1", expiries=[{"what": "CRL", "last": SOON.isoformat()}])],
        2,
        {"expires-soon": Severity.WARNING},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_margin_and_matters_follow_from_what_happened(name: str) -> None:
    entries, margin, expected = CASES[name]
    found = at(register_of(POLICY, *entries))
    assert (found.margin, matters(found)) == (margin, expected)
    assert found.severity == max(expected.values(), default=Severity.OK)
    for matter in found.matters:  # each names how the plan is written, before what holds it
        for command in re.findall(r"'escrow (refresh|reissue)'", matter.remedy):
            assert f"'escrow init --for {command}'" in matter.remedy


@pytest.mark.parametrize(("late", "overdue"), [(0, 0), (1, 4)])
def test_an_attestation_counts_for_a_year_to_the_day(late: int, overdue: int) -> None:
    register = register_of(POLICY, *attested(POLICY, [Position(1, 3)], SOON))
    found = at(register, MADE + ATTESTED + dt.timedelta(days=late))
    assert len(found.overdue) == overdue
    assert ("attestation-overdue" in matters(found)) == bool(overdue)
    assert found.margin == (2 if not overdue else -2)


@pytest.mark.parametrize(("days", "due"), [(182, False), (183, True)])
def test_a_first_drill_is_due_after_half_a_year_and_then_every_year(days: int, due: bool) -> None:  # noqa: FBT001
    fresh = register_of(POLICY)
    assert ("drill-due" in matters(at(fresh, MADE + dt.timedelta(days=days)))) is due
    failed = drill(SOON, passed=False)
    assert at(register_of(POLICY, drill(SOON))).drill_due == SOON + dt.timedelta(days=365)
    assert at(register_of(POLICY, failed)).drill_due == MADE + dt.timedelta(days=182)


def test_an_old_set_that_could_still_be_opened_names_everybody_who_could() -> None:
    new = enter(POLICY, SOON, 2, "cd" * 16)
    old = [happened(Position(1, x), "destroyed") for x in (1, 2)]
    passed = of_share("hand over", Position(1, 3), SOON, bag="1003", **holder("Nina"))
    left = at(register_of(POLICY, passed, *old, new))
    (matter,) = [matter for matter in left.matters if matter.id == "old-set-left"]
    assert "Nina, C3, C4, C5 could still open its package" in matter.text
    assert "not destroyed yet: the sheet of share 3, 4 and 5; copy-1 (Site 1); copy-2 (Site 2)" in matter.text
    packages = [entry("copy", SOON, set_id=SET, copy=n, status="destroyed", reason="x") for n in (1, 2)]
    destroyed = at(register_of(POLICY, *old, happened(Position(1, 3), "destroyed"), *packages, new))
    (matter,) = [matter for matter in destroyed.matters if matter.id == "old-set-left"]
    assert "share 4 and 5." in matter.text, "also what is no quorum any more is destroyed"
    assert "could still open" not in matter.text
    everything = [happened(Position(1, x), "destroyed") for x in (3, 4, 5)]
    assert "old-set-left" not in matters(at(register_of(POLICY, *old, *everything, *packages, new)))
    lost = [happened(Position(1, x), "lost") for x in (3, 4, 5)]
    assert "old-set-left" not in matters(at(register_of(POLICY, *old, *lost, *packages, new))), "no copy is left"
    tried = at(register_of(POLICY, drill(SOON), *old, *lost, *packages, new))
    assert "old-set-left" in matters(tried), "the archive of a drill has the package in it, wherever its copies are"
    seen = [happened(position, "exposed") for position in POLICY.positions[:3]]
    gone = [happened(position, "destroyed") for position in POLICY.positions]
    assert "old-set-left" in matters(at(register_of(POLICY, *seen, *gone, new))), "what was seen is known for ever"
    archive = enter(POLICY, MADE)
    kept = {"of": "archive", "site": "Vault", "medium": "disc"}
    fields = {**archive.fields, "copies": [*archive.fields["copies"], kept]}
    found = at(replay([dataclasses.replace(archive, fields=fields), *lost, *packages, new]))
    (matter,) = [each for each in found.matters if each.id == "old-set-left"]
    assert "C1, C2, C3, C4, C5 could still open" in matter.text, "an archive has the package in it"


@pytest.mark.parametrize("policy", [POLICY, GROUPS, Policy(2, (Group(2, 2), Group(2, 3))), Policy.plain(2, 2)])
def test_so_many_shares_may_go_whichever_they_are_and_no_more(policy: Policy) -> None:
    for size in range(len(policy.positions) + 1):
        for present in itertools.combinations(policy.positions, size):
            margin = spares_of(policy, present)
            if margin < 0:
                assert policy.missing(present) == -margin
                continue
            assert not any(policy.missing(set(present) - {*gone}) for gone in itertools.combinations(present, margin))
            assert any(policy.missing(set(present) - {*gone}) for gone in itertools.combinations(present, margin + 1))


@pytest.mark.parametrize("policy", [POLICY, GROUPS])
def test_the_probability_of_loss_is_that_of_all_that_can_happen(policy: Policy) -> None:
    present = policy.positions[:-1]
    expected = 0.0
    for lost in itertools.product((False, True), repeat=len(present)):
        left = [p for p, gone in zip(present, lost, strict=True) if not gone]
        if policy.missing(left):
            expected += 0.05 ** sum(lost) * 0.95 ** (len(lost) - sum(lost))
    assert left_below_quorum(policy, present, 0.05) == pytest.approx(expected)


@pytest.mark.parametrize("policy", [POLICY, GROUPS])
def test_the_probability_of_collusion_is_that_of_all_that_can_happen(policy: Policy) -> None:
    lots = random.Random(7)  # noqa: S311 - lots, no secret
    names = [f"P{number}" for number in range(5)]
    people = [(position, lots.sample(names, 2)) for position in policy.positions]
    expected = 0.0
    for bad in itertools.product((False, True), repeat=len(names)):
        who = {name for name, is_bad in zip(names, bad, strict=True) if is_bad}
        if not policy.missing([position for position, had in people if who & {*had}]):
            expected += 0.1 ** sum(bad) * 0.9 ** (len(bad) - sum(bad))
    assert put_together(policy, people, 0.1) == pytest.approx(expected)


def test_the_probability_of_collusion_is_found_for_the_largest_set_and_given_up_where_it_takes_too_long() -> None:
    large = Policy.plain(3, 255)
    alone = [(position, (f"P{position.x}",)) for position in large.positions]
    probability = put_together(large, alone, 0.01)
    assert probability is not None
    assert 0.4 < probability < 0.5  # binomial: 1 - P(at most 2 of 255 by 1 %)
    mixed = [(position, (f"P{position.x}", f"P{position.x * 7 % 256}")) for position in large.positions]
    assert put_together(large, mixed, 0.01) is None


# ---- what people and programs get to see


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(SystemClock, "utc", lambda _: "2030-01-01T12:00:00Z")
    with Book(tmp_path / "register", SystemClock(), begin=True) as book:
        for each in (enter(POLICY), *attested(POLICY, [Position(1, 1)], SOON), happened(Position(1, 2), "lost")):
            book.note(each.event, **each.fields)
    return tmp_path / "register"


def test_the_status_says_the_margin_in_a_line(folder: Path) -> None:
    day = MADE + ATTESTED + dt.timedelta(days=1)
    done = escrow("status", folder, "--on", day).expect(1)
    shown = " ".join(done.out.split())
    assert "3 of 5 needed, 1 attested within 12 months, 3 overdue, 1 lost, 2 MISSING" in shown
    assert "CRITICAL no-quorum: 2 more attested shares are needed for a quorum." in shown
    assert max(map(len, done.out.splitlines())) <= 80
    assert escrow("status", folder, "--on", SOON).expect(1).out.count("WARNING") == 1


@pytest.mark.parametrize(("on", "word", "status"), [(SOON, "WARNING", 1), (dt.date(2029, 1, 1), "CRITICAL", 2)])
def test_a_monitoring_plugin_gets_a_line_and_its_exit_status(folder: Path, on: dt.date, word: str, status: int) -> None:
    done = escrow("status", folder, "--nagios", "--on", on).expect(status)
    assert done.out.startswith(f"ESCROW {word} - Test CA: 3 of 5 needed")
    assert " | attested=" in done.out.splitlines()[0]


def test_a_register_that_cannot_be_read_is_unknown_to_monitoring(folder: Path) -> None:
    (folder / "register.toml").write_text("by hand")
    assert escrow("status", folder, "--nagios").expect(3).out.startswith("ESCROW UNKNOWN - ")
    assert escrow("status", folder / "none", "--nagios").expect(3).out.startswith("ESCROW UNKNOWN - ")
    assert escrow("status", folder).status == 3


def test_metrics_and_json_say_the_same(folder: Path) -> None:
    lines = escrow("status", folder, "--metrics", "--on", SOON).expect(1).out.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    shown = json.loads(escrow("status", folder, "--json", "--on", SOON).expect(1).out)
    of = f'{{ca="Test CA",set="{SET[:16]}"'
    assert values[f"escrow_quorum_margin{of}}}"] == str(shown["margin"]) == "1"
    assert values[f'escrow_shares{of},status="lost"}}'] == "1"
    due = dt.date.fromisoformat(shown["drill_due"])
    assert int(values[f"escrow_drill_due_seconds{of}}}"]) == dt.datetime.combine(due, dt.time(), dt.UTC).timestamp()
    helped = {line.split()[2] for line in lines if line.startswith("# HELP")}
    assert helped == {line.split("{")[0] for line in values}


def test_a_name_with_quotes_does_not_spoil_the_metrics() -> None:
    odd = enter(POLICY)
    odd = Entry(0, odd.before, odd.utc, 0.0, odd.event, {**odd.fields, "ca": 'Q"\\'})

    assert 'ca="Q\\"\\\\"' in "\n".join(telling.metrics(at(replay([odd]))))
