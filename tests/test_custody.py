"""The custody register: what may happen to a share or a copy, and what then stands in the register."""

import datetime as dt
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import escrow
from hypothesis import given, settings
from hypothesis import strategies as st
from player import Held as Ceremony
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

from ceremony.custody import events, plain
from ceremony.custody.book import FILE, Book, read
from ceremony.custody.changes import RegisterError
from ceremony.custody.entering import entered
from ceremony.custody.register import Held, Register, Status
from ceremony.run.journal import Entry, JournalError
from ceremony.run.session import SystemClock
from escrow.errors import RefusedError, UsageError
from escrow.policy import Group, Policy, Position

POLICY = Policy.plain(3, 5)
GROUPS = Policy(2, (Group(2, 3), Group(1, 1), Group(2, 2)))
TWO = Position(1, 2)
LATER = MADE + dt.timedelta(days=100)


@pytest.fixture(autouse=True)
def _in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 2030: what these tests tell of has happened."""
    monkeypatch.setattr(SystemClock, "utc", lambda _: "2030-01-01T12:00:00Z")


def lost(on: dt.date = LATER) -> Entry:
    return of_share("report", TWO, on, status="lost", reason="not found when moving")


def exposed(on: dt.date = LATER) -> Entry:
    return of_share("report", TWO, on, status="exposed", reason="the bag was open")


def destroyed(on: dt.date = LATER) -> Entry:
    return of_share("report", TWO, on, status="destroyed", reason="certificate 1")


def found(on: dt.date = LATER) -> Entry:
    return of_share("report", TWO, on, status="held", reason="was behind the drawer", bag="1002")


def reissued(bag: str = "3001", name: str = "New") -> Entry:
    return made_again(LATER, TWO, bag, name)


def handed_over(bag: str = "1002", name: str = "New") -> Entry:
    return of_share("hand over", TWO, LATER, bag=bag, **holder(name))


def crl(days: int) -> list[dict[str, str]]:
    """The line of a CRL."""
    return [{"what": "CRL", "last": (LATER + dt.timedelta(days=days)).isoformat()}]


def share(register: Register, position: Position = TWO) -> Held:
    return register.sets[SET].shares[position]


@pytest.mark.parametrize("policy", [POLICY, GROUPS])
def test_a_set_that_was_entered_is_held_and_attested_by_its_ceremony(policy: Policy) -> None:
    at = register_of(policy).current
    assert at is not None
    assert at.policy == policy
    assert at.holding(Status.HELD) == policy.positions
    assert {held.attested for held in at.shares.values()} == {MADE}


def test_an_attestation_moves_the_day_on_which_the_share_was_seen_and_never_back() -> None:
    register = register_of(POLICY, *attested(POLICY, [TWO], LATER), *attested(POLICY, [TWO], MADE))
    assert share(register).attested == LATER
    assert share(register).how == "bag"
    assert share(register, Position(1, 1)).attested == MADE


ALLOWED: dict[str, tuple[list[Entry], Status]] = {
    "lost": ([lost()], Status.LOST),
    "lost and found": ([lost(), found()], Status.HELD),
    "exposed": ([exposed()], Status.EXPOSED),
    "lost, and found open": ([lost(), exposed()], Status.EXPOSED),
    "destroyed": ([destroyed()], Status.DESTROYED),
    "exposed and destroyed": ([exposed(), destroyed()], Status.DESTROYED),
    "lost and made again": ([lost(), reissued()], Status.HELD),
    "destroyed and made again": ([destroyed(), reissued()], Status.HELD),
    "handed over": ([handed_over()], Status.HELD),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_became_of_a_share_stands_in_the_register(name: str) -> None:
    happened, status = ALLOWED[name]
    assert share(register_of(POLICY, *happened)).status is status


REFUSED: dict[str, tuple[list[Entry], Entry, str]] = {
    "an attestation of a lost share": ([lost()], attested(POLICY, [TWO], LATER)[0], "what is not held is not attested"),
    "an attestation with another bag": ([], of_share("attest", TWO, bag="1003", how="bag"), "may have been taken out"),
    "what was seen is not unseen": ([exposed()], found(), "cannot become held"),
    "what was seen is seen also when its sheet is gone": ([exposed(), destroyed()], reissued(), "refresh the set"),
    "a bag that was found, with another number": (
        [lost()],
        of_share("report", TWO, LATER, status="held", reason="x", bag="9999"),
        "may have been taken out",
    ),
    "what was destroyed stays so": ([destroyed()], lost(), "cannot become lost"),
    "an exposed share made again": ([exposed()], reissued(), "refresh the set"),
    "a share made again that is there": ([], reissued(), "report it lost first"),
    "a bag used twice": ([lost()], reissued(bag="1004"), "each bag is used once"),
    "a bag used twice, written otherwise": ([lost(), reissued("AB 1")], handed_over("1002"), "each bag is used once"),
    "a lost share handed over": ([lost()], handed_over(), "only a share that is held"),
    "no reason": ([], of_share("report", TWO, status="lost", reason=" "), "Say in a line"),
    "a share that is not there": ([], of_share("report", Position(1, 6), status="lost", reason="x"), "no share 6"),
    "another set": ([], entry("attest", set_id="cd" * 16, share="1.2", bag="1", how="bag"), "no set cdcd"),
    "a day to come": ([], entry("report", LATER, MADE, set_id=SET, share="1.2", status="lost", reason="x"), "to come"),
    "a day before the set": ([], lost(MADE - dt.timedelta(days=1)), "before the set was made"),
    "an event that nobody knows": ([], entry("sell", set_id=SET), "not known"),
    "an entry that lacks something": ([], entry("attest", set_id=SET, share="1.2"), "lacks something"),
    "a share that is no share": ([], entry("attest", set_id=SET, share="x", bag="", how=""), "lacks something"),
    "the same set again": ([], enter(POLICY), "already"),
    "an older set": ([], enter(POLICY, epoch=1, set_id="cd" * 16), "older set"),
    "no custodian": ([], handed_over(name=" "), "has a name"),
    "a copy that is not there": ([], entry("copy", set_id=SET, copy=9, status="lost", reason="x"), "no copy 9"),
    "a level that is none": ([], drill(level="T9"), "level"),
    "a drill with a lost share": (
        [lost()],
        drill(LATER, bags={"1.2": "1002"}),
        "its sheet was seen in DRILL",
    ),
    "a session twice": ([session(LATER, "CRL-1")], session(LATER, "CRL-1"), "already"),
    "a session of another set": ([], session(LATER, "CRL-1", set_id="cd" * 16), "register of its CA"),
    "an older session whose bags are not the last": (
        [session(LATER, "CRL-2", bags={"1.2": "B2"})],
        session(MADE, "CRL-1", bags={"1.2": "B1"}),
        "ended before CRL-2",
    ),
    "an older session whose CRL is not the last": (
        [session(LATER, "CRL-2", expiries=crl(90))],
        session(MADE, "CRL-1", expiries=crl(30)),
        "ended before CRL-2",
    ),
    "a session before somebody saw another bag": (
        attested(POLICY, [TWO], LATER),
        session(MADE, "CRL-1", bags={"1.2": "B1"}),
        "one of the two is wrong",
    ),
    "a session with a lost sheet": ([lost()], session(LATER, "CRL-1", bags={"1.2": "B1"}), "If it was found"),
    "a session with a bag that was used": ([], session(LATER, "CRL-1", bags={"1.2": "1003"}), "each bag is used once"),
    "a session with an old set": (
        [enter(GROUPS, LATER, 2, "cd" * 16)],
        session(LATER, "CRL-1"),
        "nothing that was done with it is entered any more",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_the_reason(name: str) -> None:
    before, wrong, reason = REFUSED[name]
    with pytest.raises(RegisterError, match=reason):
        events.after(register_of(POLICY, *before), wrong)


def test_whoever_had_a_share_stays_in_the_register() -> None:
    at = share(register_of(POLICY, handed_over(name="Anna"), handed_over(name="Anna"), handed_over(name="Berta")))
    assert at.everybody == ("Berta", "Anna", "C2")


def test_a_share_made_again_remembers_that_a_lost_sheet_may_turn_up() -> None:
    assert share(register_of(POLICY, lost(), reissued())).strays == 1
    assert share(register_of(POLICY, destroyed(), reissued())).strays == 0


def test_a_drill_attests_what_was_shown_and_its_new_bags() -> None:
    bags = {"1.1": "1001", "1.2": "4002", "1.3": "1003"}
    register = register_of(POLICY, drill(LATER, level="T2", bags=bags))
    at = register.sets[SET]
    assert [held.attested == LATER for held in at.shares.values()] == [True, True, True, False, False]
    assert share(register).bag == "4002"
    assert at.drills[0].shares == (Position(1, 1), Position(1, 2), Position(1, 3))
    gone = events.after(register, of_share("report", Position(1, 1), LATER, status="lost", reason="x"))
    with pytest.raises(RegisterError, match="each bag is used once"):
        events.after(gone, made_again(LATER, Position(1, 1), "4002", "X"))


def test_a_session_leaves_new_bags_and_the_dates_that_count_now() -> None:
    bags, soon = {"1.1": "B1", "1.2": "B2", "1.3": "B3"}, LATER + dt.timedelta(days=1)
    signed = {"what": "certificate CN=New", "last": "2031-05-01"}
    at = register_of(
        POLICY,
        session(LATER, "CRL-1", bags=bags, expiries=crl(30)),
        session(soon, "SIGN-1", "certificate", expiries=[signed]),
        session(soon + dt.timedelta(days=1), "CRL-2", expiries=crl(90), revoked=[signed]),
    ).sets[SET]
    assert [held.bag for held in at.shares.values()] == ["B1", "B2", "B3", "1004", "1005"]
    assert [held.attested for held in at.shares.values()] == [LATER] * 3 + [MADE] * 2
    assert [each.what for each in at.expiries] == ["certificate CN=Root", "CRL"]
    assert at.expiries[1].last == LATER + dt.timedelta(days=90)
    assert [each.ceremony for each in at.archives] == ["CRL-1", "SIGN-1", "CRL-2"]


def test_a_drill_in_which_no_bag_was_changed_is_entered_later_too() -> None:
    register = register_of(POLICY, session(LATER, "CRL-1", bags={"1.2": "B2"}), drill(MADE, bags={"1.1": "1001"}))
    assert [each.what for each in register.sets[SET].archives] == ["CRL", "drill T1"]


def test_a_sheet_that_somebody_saw_can_be_used_and_stays_seen() -> None:
    held = share(register_of(POLICY, exposed(), session(LATER, "CRL-1", bags={"1.2": "B2"})))
    assert (held.bag, held.status, held.seen) == ("B2", Status.EXPOSED, True)


def test_a_newer_set_supersedes_the_one_before_whose_sheets_can_then_only_be_destroyed() -> None:
    register = events.after(register_of(POLICY, lost()), enter(GROUPS, LATER, 2, "cd" * 16))
    current, old = register.current, register.sets[SET]
    assert current is not None
    assert current.epoch == 2
    assert old.superseded == LATER
    assert old.holding(Status.SUPERSEDED) == tuple(p for p in POLICY.positions if p != TWO)
    with pytest.raises(RegisterError, match="can only be destroyed"):
        events.after(register, attested(POLICY, [Position(1, 1)], LATER)[0])
    gone = events.after(register, of_share("report", Position(1, 1), LATER, status="destroyed", reason="certificate"))
    assert share(gone, Position(1, 1)).status is Status.DESTROYED


def test_a_set_that_supersedes_another_than_the_one_in_force_is_refused() -> None:
    """Two refreshes of one old set: the sheets of the one that does not count would be forgotten."""

    def refreshed(epoch: int, set_id: str, of: str) -> Entry:
        made = enter(POLICY, LATER, epoch, set_id)
        return replace(made, fields={**made.fields, "destroyed": {"set_id": of, "shares": [], "copies": []}})

    register = events.after(register_of(POLICY), refreshed(2, "cd" * 16, SET))
    for other in (refreshed(2, "ef" * 16, SET), refreshed(3, "ef" * 16, "12" * 16)):
        with pytest.raises(RegisterError, match="and the set in force here is CDCDCDCDCDCDCDCD"):
            events.after(register, other)
    third = events.after(register, refreshed(3, "ef" * 16, "cd" * 16)).current
    assert third
    assert third.epoch == 3


def test_a_copy_is_read_lost_found_destroyed_or_made() -> None:
    def copy(number: int, status: str) -> Entry:
        return entry(
            *("copy", LATER),
            set_id=SET,
            copy=number,
            status=status,
            reason="so it is",
            of="package",
            site="S",
            medium="M",
        )

    made = copy(3, "held")
    register = register_of(POLICY, copy(1, "held"), copy(2, "lost"), made)
    at = register.sets[SET]
    assert [(each.status, each.read) for each in at.copies] == [
        (Status.HELD, LATER),
        (Status.LOST, MADE),
        (Status.HELD, LATER),
    ]
    assert len(at.packages) == 2


# ---- the file


@given(name=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1).filter(str.strip))
@settings(max_examples=50)
def test_the_plain_file_is_toml_and_says_what_the_register_knows(name: str) -> None:
    if not name.isprintable():
        return
    passed = of_share("hand over", TWO, LATER, bag="5", **holder(name))
    register = register_of(GROUPS, *attested(GROUPS, [Position(1, 1)], LATER), passed)
    (read_back,) = tomllib.loads(plain.to_toml(register))["set"]
    assert read_back["set_id"] == SET
    assert [each["share"] for each in read_back["share"]] == ["1-1", "1-2", "1-3", "2-1", "3-1", "3-2"]
    assert read_back["share"][0]["attested"] == LATER
    assert read_back["share"][1]["holder"] == name
    assert read_back["share"][1]["previous_holders"] == ["C2"]


def begun(folder: Path, *entries: Entry) -> None:
    with Book(folder, SystemClock(), begin=True) as book:
        for each in (enter(POLICY), *entries):
            book.note(each.event, **each.fields)


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    begun(tmp_path / "register", lost(dt.date(2027, 1, 15)))
    assert read(tmp_path / "register") == register_of(POLICY, lost(dt.date(2027, 1, 15)))


def test_a_plain_file_that_was_changed_by_hand_is_refused_and_a_missing_one_made_again(tmp_path: Path) -> None:
    begun(tmp_path)
    file = tmp_path / plain.FILE
    whole = file.read_text()
    file.write_text(whole.replace("C2", "Somebody"))
    for opened in (lambda: Book(tmp_path, SystemClock()), lambda: read(tmp_path)):
        with pytest.raises(RefusedError, match="changed by hand"):
            opened()
    file.unlink()
    with Book(tmp_path, SystemClock()):
        assert file.read_text() == whole


def test_a_plain_file_that_a_crash_left_behind_is_brought_up_to_date(tmp_path: Path) -> None:
    begun(tmp_path)
    file = tmp_path / plain.FILE
    before = file.read_text()
    with Book(tmp_path, SystemClock()) as book:
        book.note("report", set_id=SET, share="1.2", status="lost", reason="x", on="2027-02-01")
    after = file.read_text()
    file.write_text(before)
    reported = of_share("report", TWO, dt.date(2027, 2, 1), status="lost", reason="x")
    assert read(tmp_path) == register_of(POLICY, reported)
    with Book(tmp_path, SystemClock()):
        assert file.read_text() == after


def test_what_is_refused_leaves_journal_and_file_as_they_were(tmp_path: Path) -> None:
    begun(tmp_path)
    kept = [(tmp_path / name).read_bytes() for name in (FILE, plain.FILE)]
    with Book(tmp_path, SystemClock()) as book, pytest.raises(RegisterError):
        book.note("attest", set_id=SET, share="1.2", bag="9", how="bag", on="2027-02-01")
    assert [(tmp_path / name).read_bytes() for name in (FILE, plain.FILE)] == kept


def test_a_line_of_the_journal_that_was_changed_is_found(tmp_path: Path) -> None:
    begun(tmp_path, lost())
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes().replace(b"C3", b"C4", 1))
    with pytest.raises(JournalError, match="Line 2"):
        read(tmp_path)


def test_a_folder_without_a_register_is_named(tmp_path: Path) -> None:
    for opened in (lambda: Book(tmp_path, SystemClock()), lambda: read(tmp_path)):
        with pytest.raises(UsageError, match="no custody register"):
            opened()
    assert not list(tmp_path.iterdir())


# ---- from a ceremony


def test_the_register_of_a_ceremony_has_its_custodians_bags_and_labels(held: Ceremony, tmp_path: Path) -> None:
    escrow("register", tmp_path, held.room.out).expect()
    (entered_set,) = tomllib.loads((tmp_path / plain.FILE).read_text())["set"]
    assert entered_set["policy"] == "3 of 5"
    assert len({each["bag"] for each in entered_set["share"]}) == 5
    assert all(each["label"].startswith("LABEL1:") for each in entered_set["share"])
    assert escrow("status", tmp_path).expect().out.endswith("There is nothing to do.\n")


def test_an_archive_that_was_changed_makes_no_register(held: Ceremony, tmp_path: Path) -> None:
    archive = Path(shutil.copytree(held.room.out, tmp_path / "archive"))
    (archive / "transcript.txt").write_text("another")
    with pytest.raises(RefusedError, match=r"transcript\.txt: the file was changed"):
        entered(archive)
    assert escrow("register", tmp_path / "register", archive).status == 3
    assert not (tmp_path / "register").exists()
