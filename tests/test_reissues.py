"""Reissues of a set that was sealed: whole ceremonies by the real engine and acts, cut off behind every entry."""

import mmap
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import player
import pytest
from Crypto.Protocol.SecretSharing import Shamir
from helpers import escrow
from sessions import PARTS, TODAY, Sealed, sealed
from test_drills import Playing

from ceremony.custody import plain
from ceremony.custody.book import read
from ceremony.custody.register import Status
from ceremony.custody.reissued import reissued
from ceremony.planning import draft
from ceremony.planning.plan import Plan, load, parse
from ceremony.rules.lists import listing_of
from ceremony.rules.loss import Rule
from ceremony.rules.state import Phase, State
from ceremony.run import before
from ceremony.run.answering import Answering
from ceremony.run.archive import digest_of, read_journal
from ceremony.run.audit import audit
from ceremony.run.journal import Entry, Journal
from ceremony.run.questions import Asked
from ceremony.run.rehearsal import hold_in, rehearse_plan
from ceremony.run.room import Feeding, PowerLost, Room
from escrow import recovery, shamir
from escrow.errors import EscrowError, PlanError
from escrow.gather import Collection
from escrow.memory import Secret
from escrow.memory.process import HARDENED_ENVIRONMENT
from escrow.package import Package
from escrow.policy import Position
from escrow.sealing import PACKAGE_FILE

LOST = Position(1, 1)
WHY = "Not found when the office moved."


@pytest.fixture(autouse=True)
def _without_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed scripts take longer than all else: the reissue at a terminal has them."""
    monkeypatch.setattr("ceremony.run.session._keep_script", lambda *_: None)


@pytest.fixture
def root(sealed_once: Path) -> Iterator[Sealed]:
    """A root that was sealed in a ceremony; the sheet of share 1 is lost."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        base = Path(directory)
        shutil.copytree(sealed_once, base, dirs_exist_ok=True)
        made = Sealed(base)
        sheet(made, "1").rename(base / "lost-sheet.pdf")
        yield made


@pytest.fixture(scope="module")
def sealed_once() -> Iterator[Path]:
    """The folder of a ceremony, to be copied."""
    Secret.unlocked_allowed = True  # a fixture of a module comes before that of each test
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield sealed(Path(directory)).base


def plan_of(root: Sealed, name: str, follows: Path | None = None, **lost: Any) -> Plan:  # noqa: ANN401 - whatever TOML can hold
    table = {"share": "1", "reason": "lost", "why": WHY, **lost}
    return root.plan("reissue", name, follows or root.archive, {"reissue": table})


def hold(root: Sealed, plan: Plan, answers: dict[tuple[Asked, str], list[Any]] | None = None) -> State:
    room = root.room(plan)
    assert plan.follows
    desk = Playing(Feeding(Answering(room, lambda _: None), room), answers or {})
    return hold_in(room, desk, PARTS, before.examined(plan, plan.follows, root.archive, None))


def collected(root: Sealed, sheets: Sequence[Path]) -> Collection:
    found = Collection(Package.decode((root.archive / PACKAGE_FILE).read_bytes()).manifest, keep=True)
    for sheet in sheets:
        found.add_file(sheet)
    return found


def sheet(root: Sealed, share: str) -> Path:
    """The newest sheet of a share in the tray."""
    return Room(root_plan(root), root.base, root.archive).sheet(share)


def root_plan(root: Sealed) -> Plan:
    return load(root.archive / "plan.toml")


def assert_the_very_share(root: Sealed) -> None:
    """The new sheet has the lost share, and recovers with any other; the lost one does so, too."""
    new = sheet(root, "1")
    with_lost = collected(root, [root.base / "lost-sheet.pdf"])
    for other in ("2", "3"):
        both = collected(root, [new, sheet(root, other)])
        assert not both.problems
        assert both.shares[LOST].matches(with_lost.shares[LOST])
        package = Package.decode((root.archive / PACKAGE_FILE).read_bytes())
        with recovery.recombine(both) as wrapping_key:
            members = recovery.open_checked(package, wrapping_key)
        for member in members.values():
            member.close()
        both.close()
    with_lost.close()


def transcript(archive: Path) -> str:
    return " ".join((archive / "transcript.txt").read_text().split())


def test_cut_off_behind_every_entry_the_share_is_made_again_and_recovers_with_any_other(
    root: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[str, str]] = set()
    append = Journal.append

    def cut(journal: Journal, event: str, **fields: Any) -> Entry:  # noqa: ANN401 - whatever JSON can hold
        entry = append(journal, event, **fields)
        key = event, str(fields.get("step"))
        if event in {"begin", "end"} and key not in {*seen, ("end", "close")}:  # after that nothing is left to do
            seen.add(key)
            raise PowerLost
        return entry

    monkeypatch.setattr(Journal, "append", cut)
    # What is tried out before each start does not change from one to the next.
    monkeypatch.setattr("ceremony.run.session.try_out", lambda *_: None)
    monkeypatch.setattr("ceremony.forms.transcript.check_words", lambda _: None)
    plan = plan_of(root, "CUT")
    state = hold(root, plan)
    out = root.room(plan).out
    listed = {step.id for step in listing_of(plan).steps}
    assert {name for event, name in seen if event == "begin"} >= listed, "it was cut off behind every one"
    assert state.phase is Phase.CLOSED
    assert {Rule.GO_ON, Rule.READ_AGAIN} == set(state.losses)
    assert state.sessions == len(seen) + 1
    assert audit(out).findings == []
    assert (out / PACKAGE_FILE).read_bytes() == (root.archive / PACKAGE_FILE).read_bytes(), "the set is what it was"
    entries = [each for each in read_journal(out) if each.event == "end"]
    assert [each.fields["step"] for each in entries].count("destroy-sheet") == 1, "of the print that was cut off"
    assert_the_very_share(root)


def test_what_came_out_of_a_print_that_was_cut_off_is_shredded_before_another_is_made(root: Sealed) -> None:
    plan = plan_of(root, "PRINTED")
    shredded: list[str] = []

    class Shredding(Playing):
        def line(self, asked: Asked, fields: Any) -> str:  # noqa: ANN401 - as its parent
            if asked is Asked.DESTROYED:
                new = root.room(plan).sheet("1")
                shredded.append(new.name)
                new.unlink()
                return "1"
            return super().line(asked, fields)

    room = root.room(plan)
    assert plan.follows
    cut: dict[tuple[Asked, str], list[Any]] = {
        (Asked.CLEAR, ""): [PowerLost, "print", ""],  # it had come out; the next one is spoilt
        (Asked.SCAN, "1"): [PowerLost],  # whole on paper, and not read back
    }
    desk = Shredding(Feeding(Answering(room, lambda _: None), room), cut)
    state = hold_in(room, desk, PARTS, before.examined(plan, plan.follows, root.archive, None))
    assert state.phase is Phase.CLOSED
    assert state.losses == (Rule.READ_AGAIN, Rule.GO_ON)
    assert len(shredded) == 1
    ended = {each.fields["step"]: each.fields["facts"] for each in read_journal(room.out) if each.event == "end"}
    assert ended["destroy-sheet"] == {"sheets": [[1, 1]], "counted": 1}
    assert "Shredded" in transcript(room.out)
    assert_the_very_share(root)


def test_the_wrapping_key_is_never_formed(root: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    quorum = collected(root, [sheet(root, "2"), sheet(root, "3")])
    key = shamir.combine({p.x: bytes(share.view) for p, share in quorum.shares.items()}, 2)
    lanes = {key[:16], key[16:]}
    called = mmap.mmap(-1, 1)  # shared with the workers
    library = Shamir.combine

    def watched(shares: list[tuple[int, bytes]], ssss: bool) -> bytes:  # noqa: FBT001 - the library's own
        found: bytes = library(shares, ssss=ssss)
        called[0] = 1
        if found in lanes:
            message = "the wrapping key was formed"
            raise EscrowError(message)
        return found

    def never(*_: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(Shamir, "combine", staticmethod(watched))
        patched.setattr(shamir, "combine", never)
        patched.setattr(recovery, "recombine", never)
        with pytest.raises(EscrowError):  # the watch sees it when it is formed
            Shamir.combine([(p.x, bytes(s.view)[:16]) for p, s in quorum.shares.items()], ssss=True)
        called[0] = 0
        assert hold(root, plan_of(root, "WATCHED")).phase is Phase.CLOSED
        assert called[0] == 1, "the share was interpolated under these eyes"
    quorum.close()
    assert_the_very_share(root)


def test_a_reissue_is_entered_into_the_register_and_what_was_lost_stays_known(root: Sealed, tmp_path: Path) -> None:
    register = tmp_path / "register"
    escrow("register", register, root.archive).expect()
    people = [{**each, "name": "Nina New" if n == 0 else each["name"]} for n, each in enumerate(custodians(root))]
    table = {"share": "1", "reason": "lost", "why": WHY}
    plan = root.plan("reissue", "ENTERED", root.archive, {"reissue": table}, custodian=people)
    hold(root, plan)
    out = root.room(plan).out
    refused = escrow("register", register, out)
    assert "it is held: report it lost first" in refused.err
    escrow("report", register, 1, "lost", "--reason", "moved").expect()
    told = escrow("register", register, out).expect().out
    assert "share 1 made again" in told
    (at,) = read(register).sets.values()
    held = at.shares[LOST]
    assert (held.status, held.holder.name, held.strays) == (Status.HELD, "Nina New", 1)
    assert held.everybody == ("Nina New", "Ada Lovelace")
    made = reissued(out)
    assert held.bag == made["bag"]
    assert {each.bag for p, each in at.shares.items() if p != LOST} == set(made["bags"].values())
    assert "already" in escrow("register", register, out).err
    (content,) = tomllib.loads((register / plain.FILE).read_text())["set"]
    assert content["share"][0]["lost_sheets"] == 1
    # What follows knows who has it now, who had it, and that the lost sheet may be anywhere.
    after = before.examined(plan_of(root, "AFTER", out), digest_of(out).hex(), out, None)
    assert [*after.holders[LOST]] == ["Nina New", "Ada Lovelace"]
    assert after.strays == {LOST}
    proposed = tmp_path / "refresh.toml"
    escrow("init", "--for", "refresh", "--archive", out, proposed).expect()
    assert load(proposed).custodian_at(LOST).name == "Nina New"
    assert "is with Nina New in bag" in transcript(out)
    # What follows knows the new bag, and has the new label.
    again = before.examined(plan_of(root, "NEXT", out), digest_of(out).hex(), out, None)
    assert again.bags[LOST][-1] == held.bag
    assert (again.holders[LOST], again.strays) == (["Nina New", "Ada Lovelace"], {LOST}), "also without a register"
    assert again.files["documents/label-1.pdf"] != (root.archive / "documents/label-1.pdf").read_bytes()


def custodians(root: Sealed) -> list[dict[str, Any]]:
    return [each.model_dump(exclude_none=True, exclude={"group"}) for each in root_plan(root).custodians]


def test_a_reissue_that_was_aborted_leaves_no_sheet_and_its_bags_are_entered(root: Sealed, tmp_path: Path) -> None:
    plan = plan_of(root, "ABORTED")
    ended: dict[tuple[Asked, str], list[Any]] = {
        (Asked.CLEAR, ""): ["abort"],
        (Asked.REASON, ""): ["fire"],
        (Asked.SURE, ""): ["abort"],
    }
    state = hold(root, plan, ended)
    out = root.room(plan).out
    assert (state.phase, state.printed, state.opened) == (Phase.ABORTED, frozenset(), frozenset())
    assert audit(out).findings == []
    assert "Share 1 was NOT made again" in transcript(out)
    register = tmp_path / "register"
    escrow("register", register, root.archive).expect()
    (before_it,) = read(register).sets.values()
    escrow("register", register, out).expect()
    (at,) = read(register).sets.values()
    assert at.archives[-1].what == "share 1 not made again"
    other_bag = {position for position, held in at.shares.items() if held.bag != before_it.shares[position].bag}
    assert other_bag == set(at.policy.positions) - {LOST}


def test_a_lost_share_that_is_read_after_all_is_not_made_again(root: Sealed) -> None:
    plan = plan_of(root, "FOUND")
    room = root.room(plan)
    (root.base / "lost-sheet.pdf").rename(room.tray / "900-sheet.pdf")
    ended: dict[tuple[Asked, str], list[Any]] = {
        (Asked.RETRY, ""): ["abort"],
        (Asked.REASON, ""): ["it is here"],
        (Asked.SURE, ""): ["abort"],
    }
    state = hold(root, plan, ended)
    assert state.phase is Phase.ABORTED
    assert "gather-group" not in state.done
    (problem,) = [each.fields["problem"] for each in read_journal(room.out) if each.event == "fail"]
    assert "Share 1 is not lost: it was just read" in problem


def test_a_plan_is_proposed_from_an_archive_linted_and_rehearsed_with_groups(root: Sealed, tmp_path: Path) -> None:
    file = tmp_path / "reissue.toml"
    escrow("init", "--for", "reissue", "--archive", root.archive, file).expect()
    assert load(file).reissue
    other = Path(shutil.copytree(root.archive, tmp_path / "other"))
    (other / "ARCHIVE.sha256").write_bytes(b"x")
    assert "is not the archive that the plan follows" in escrow("lint", file, "--archive", other).expect(3).err
    site = {"unit": "Engineering", "manager": "Charles Babbage", "site": "Head Office"}
    names = iter(["Ada Lovelace", "Blaise Pascal", "Chien-Shiung Wu", "David Blackwell"])
    groups = [("Officers", 2, 3), ("Board", 1, 1)]
    people = [{"name": next(names), "group": name, **site} for name, _, size in groups for _ in range(size)]
    entries: draft.Entries = {
        "group": [{"name": name, "threshold": k} for name, k, _ in groups],
        "custodian": people,
    }
    values: draft.Values = {
        "ceremony": {"date": TODAY},
        "reissue": {"share": "1-2", "reason": "destroyed"},
        "quorum": {"groups_needed": 2},
    }
    plan = parse(draft.session("reissue", TODAY, values, entries).encode(), Path("reissue.toml"))
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
    assert (state.phase, state.sessions, state.losses) == (Phase.CLOSED, 2, (Rule.READ_AGAIN,))
    assert {Position(1, 1), Position(1, 3), Position(1, 2)} == set(state.bags.values())
    assert "stays valid. If it turns up" not in transcript(tmp_path / "out"), "it is no lost one"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('reason = "lost"', 'reason = "exposed"'), "is exposed: .* takes nothing back .*'escrow refresh'"),
        (('reason = "lost"', 'reason = "gone"'), 'must be "lost" or "destroyed"'),
        (('share = "1"', 'share = "9"'), "names no share: the set has 1, 2, 3, 4, 5"),
        (("threshold = 3", "threshold = 5"), "5 others of its group would be needed, and it has 4"),
        (("[reissue]", "[crl]\ndays = 3\n\n[reissue]"), "in a reissue nothing is signed"),
        (("[reissue]", "[[delivery]]\nsite = 'Bank'\nmedium = 'disc'\n\n[reissue]"), "delivery"),
    ],
)
def test_a_wrong_plan_of_a_reissue_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    file = tmp_path / "reissue.toml"
    file.write_text(draft.session("reissue", TODAY).replace(*change))
    with pytest.raises(PlanError, match=message):
        load(file)


class ReissueRoom(player.Room):
    """A room whose ceremony is a reissue."""

    def __init__(self, root: Sealed, plan: Plan, register: Path) -> None:
        (root.base / "ceremony.toml").write_bytes(plan.source)
        super().__init__(root.base)
        self._archive, self._register = root.archive, register

    @property
    def out(self) -> Path:
        """The reissue's folder."""
        return self.base / self.plan.ceremony.id

    def command(self) -> list[object]:
        """How the reissue is begun, and gone on with."""
        return [
            *("env", *(f"{name}={value}" for name, value in HARDENED_ENVIRONMENT.items())),
            *(sys.executable, "-m", "ceremony", "reissue", self.base / "ceremony.toml", "--out", self.out),
            *("--scans", self.base / "scans", "--tray", self.base / "tray"),
            *("--archive", self._archive, "--register", self._register),
        ]


def test_at_a_terminal_a_register_is_asked_first_and_every_page_is_shown_whole(root: Sealed, tmp_path: Path) -> None:
    register, plan = tmp_path / "register", plan_of(root, "PTY")
    escrow("register", register, root.archive).expect()
    held_in = ReissueRoom(root, plan, register)
    _, *command = [str(each) for each in held_in.command()]
    arguments = command[command.index("reissue") :]
    assert "is held by the register" in escrow(*arguments).expect(3).err
    escrow("report", register, 1, "lost", "--reason", "moved").expect()
    people = player.Player(held_in)
    people.play()
    assert people.end() == 0, people.terminal.shown[-2000:]
    for page in people.terminal.shown.split("\x1b[H\x1b[2J\x1b[3J")[1:]:
        lines = page.split("Enter goes on")[0].split("\r\n")
        assert len(lines) <= 24, page
        assert max(map(len, lines)) < 80, page
    numbers = [step.number for step in listing_of(plan).steps]
    assert re.findall(r"SPECIMEN  step (\S+)\r", people.terminal.shown) == numbers
    assert audit(held_in.out).findings == []
    escrow("register", register, held_in.out).expect()
    assert_the_very_share(root)
    escrow("report", register, 2, "exposed", "--reason", "seen").expect()
    seen = plan_of(root, "SEEN", share="2")
    (root.base / "seen.toml").write_bytes(seen.source)
    refused = escrow("reissue", root.base / "seen.toml", *arguments[2:-3], root.archive, "--register", register)
    assert refused.status == 3
    assert "'escrow refresh'" in refused.err
