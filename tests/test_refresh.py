"""A refresh: the old or the new set counts after every journal entry, and what counts gives the very same keys."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from helpers import escrow
from refreshes import Sheets, ended_steps, hold, kept_at_every_entry, plan_of, recovered
from sessions import CUSTODIANS, TODAY, Sealed, inventory_in, people, sealed

from ceremony.custody.book import Book, read
from ceremony.custody.drilled import noted
from ceremony.custody.entering import entered
from ceremony.custody.register import Status
from ceremony.custody.status import undestroyed, who_could_still
from ceremony.planning.plan import Plan
from ceremony.rules.engine import Engine
from ceremony.rules.lists import listing_of
from ceremony.rules.loss import Rule
from ceremony.rules.refreshing.rules import Counts, Refreshing
from ceremony.rules.state import Phase, State
from ceremony.run import before
from ceremony.run.archive import read_journal
from ceremony.run.audit import Report, audit
from ceremony.run.questions import Asked, Desk, Fields
from ceremony.run.session import SystemClock
from escrow.errors import EscrowError, PlanError, RefusedError
from escrow.inventory import Inventory
from escrow.memory import Secret
from escrow.package import Package
from escrow.policy import Policy

OLD, NEW = CUSTODIANS[:2], ("Ada Lovelace", "Emmy Noether")


@dataclass(frozen=True)
class Refreshed:
    """A refresh that was held to its end, 2 of 2 to 2 of 2, and its folder after every line of the journal."""

    old: Sealed
    plan: Plan
    out: Path
    kept: Path

    @property
    def sheets(self) -> Sheets:
        """Everything that was ever printed."""
        return Sheets(self.old.base / "tray")

    @property
    def folders(self) -> list[Path]:
        """The folder after each line, in their order."""
        return sorted(self.kept.iterdir())

    def state(self, folder: Path) -> State:
        """What the journal in a folder says."""
        return Engine(listing_of(self.plan)).replay(read_journal(folder))

    def after(self, event: str, step: str) -> Path:
        """The folder after a line of the journal."""
        entries = read_journal(self.out)
        return self.folders[next(e.n for e in entries if e.event == event and e.fields.get("step") == step)]


@pytest.fixture(scope="module")
def refreshed() -> Iterator[Refreshed]:
    """A refresh, held once and only read."""
    Secret.unlocked_allowed = True  # a fixture of a module comes before that of each test
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        base, kept = Path(directory), Path(directory) / "kept"
        old = sealed(base, OLD)
        kept.mkdir()
        plan, out = plan_of("REFRESH", old.archive, NEW), base / "REFRESH"
        with kept_at_every_entry(out, kept):
            assert hold(old, plan, old.archive, out).phase is Phase.CLOSED
        yield Refreshed(old, plan, out, kept)


def package_in(folder: Path) -> Package:
    return Package.decode((folder / "package.escrow").read_bytes())


def test_after_every_journal_entry_the_old_or_the_new_set_recovers_the_very_same_keys(refreshed: Refreshed) -> None:
    """Each package that a crash leaves is opened with the sheets of its set; never are both sets void, or mixed."""
    old = package_in(refreshed.old.archive)
    keys = recovered(old, refreshed.sheets)
    assert {"secrets/root_ca_key", "secrets/intermediate_ca_key", "certs/root_ca.crt"} <= set(keys)
    opened: dict[bytes, Mapping[str, bytes]] = {}
    counted: list[Counts] = []
    for folder in refreshed.folders:
        state, done = refreshed.state(folder), ended_steps(read_journal(folder))
        counts = Refreshing.counts(state)
        counted.append(counts)
        if counts is Counts.OLD:  # nothing of it was touched: its package is where it was, its sheets in their bags
            assert state.begun != "destroy-old"
            assert "destroy-old" not in done
        if "quorum" in done:  # from the proof on, the new one recovers, too
            text = (folder / "package.escrow").read_bytes()
            opened[text] = opened.get(text) or recovered(Package.decode(text), refreshed.sheets)
            assert opened[text] == keys
        with pytest.raises(RefusedError) if folder != refreshed.folders[-1] else _nothing():
            entered(folder if folder != refreshed.folders[-1] else refreshed.out)
    assert counted == sorted(counted, key=[Counts.OLD, Counts.NEW].index), "there is no way back"
    assert set(counted) == {Counts.OLD, Counts.NEW}
    assert len(opened) == 1
    assert package_in(refreshed.old.archive) == old


class _nothing:  # noqa: N801 - reads as a word
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_old_sheets_with_the_new_package_and_the_other_way_round_are_refused_by_name(refreshed: Refreshed) -> None:
    old, new = package_in(refreshed.old.archive), package_in(refreshed.out)
    assert (old.manifest.epoch, new.manifest.epoch) == (1, 2)
    assert [(each.epoch, each.set_id) for each in new.manifest.supersedes] == [(1, old.manifest.set_id.hex())]
    collection = refreshed.sheets.collection(new)
    problems = [verdict.problem for verdict in collection.problems]
    collection.close()
    said = "it belongs to epoch 1, which this set of epoch 2 superseded. Look for the newer sheet, or for the older"
    assert len(problems) == len(OLD)
    assert all(problem and problem.startswith(said) for problem in problems)
    collection = refreshed.sheets.collection(old)
    assert len(collection.problems) == len(NEW)
    assert all("belongs to another share set" in str(each.problem) for each in collection.problems)
    collection.close()


def test_what_a_refresh_leaves_is_an_archive_that_goes_on_from_the_old_one(refreshed: Refreshed) -> None:
    assert audit(refreshed.out, before=refreshed.old.archive).findings == []
    one, other = inventory_in(refreshed.old.archive), inventory_in(refreshed.out)
    assert other.issued == one.issued
    assert {path.name: path.read_bytes() for path in (refreshed.out / "certs").iterdir()} == {
        path.name: path.read_bytes() for path in (refreshed.old.archive / "certs").iterdir()
    }
    told = " ".join((refreshed.out / "transcript.txt").read_text("utf-8").split())
    assert "It was superseded in step 9.3" in told
    assert "Ada Lovelace, Blaise Pascal" not in told.partition("Together these")[2], "nobody could: all are destroyed"
    assert "The sheets that are left are no quorum" in told
    assert "A refresh is no revocation." in told
    assert (refreshed.out / "destruction.pdf").read_bytes().startswith(b"%PDF")
    # The next refresh follows it, and an inventory that follows another archive is found.
    assert audit(refreshed.out, before=refreshed.out).findings == ["inventory.json: it does not follow this archive."]


def test_the_root_signs_after_a_refresh_and_goes_on_with_its_numbers(refreshed: Refreshed) -> None:
    """By a quorum of the new sheets. The root was made in a ceremony: nobody is asked for lists from before it."""
    plan = refreshed.old.plan("crl", "CRL", refreshed.out, {"crl": {"days": 30}}, **people(NEW))
    assert refreshed.old.hold(plan, refreshed.out).phase is Phase.CLOSED
    listed = inventory_in(refreshed.old.room(plan).out)
    assert listed.crl
    assert listed.crl.number == 1
    assert listed.issued == inventory_in(refreshed.old.archive).issued


@pytest.mark.parametrize(
    ("event", "step", "rule", "counts"),
    [
        ("end", "old-quorum", Rule.OLD_AGAIN, Counts.OLD),
        ("begin", "read-back 1.1", Rule.VOID, Counts.OLD),
        ("end", "bag-again", Rule.ZEROIZED, Counts.OLD),
        ("begin", "supersede", Rule.ZEROIZED, Counts.OLD),
        ("end", "supersede", Rule.ZEROIZED, Counts.NEW),
        ("begin", "destroy-old", Rule.GO_ON, Counts.NEW),
    ],
)
def test_a_refresh_that_lost_its_power_goes_on_and_ends_with_the_new_set(
    refreshed: Refreshed, event: str, step: str, rule: Rule, counts: Counts
) -> None:
    """From the folder that the crash left, with the real engine, acts and paper."""
    left = refreshed.after(event, step)
    assert Refreshing.counts(refreshed.state(left)) is counts
    out = refreshed.old.base / f"{event}-{step.replace(' ', '-')}"
    shutil.copytree(left, out)
    state = hold(refreshed.old, refreshed.plan, refreshed.old.archive, out)
    assert (state.phase, state.losses) == (Phase.CLOSED, (rule,))
    assert audit(out).findings == []
    assert recovered(package_in(out), refreshed.sheets) == recovered(
        package_in(refreshed.old.archive), refreshed.sheets
    )


class Aborting:
    """A desk that aborts whenever something is asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._given_up = desk, False
        self.page, self.say, self.secret = desk.page, desk.say, desk.secret

    def line(self, asked: Asked, fields: Fields) -> str:
        """Abort at the first step that only waits; do then what is to be done."""
        if asked is Asked.PHRASE and not self._given_up:
            self._given_up = True
            return "abort"
        return "abort" if asked in {Asked.REASON, Asked.SURE} else self._desk.line(asked, fields)


def test_an_aborted_refresh_leaves_the_old_set_as_it_was_in_new_bags(refreshed: Refreshed, tmp_path: Path) -> None:
    out = refreshed.old.base / "ABORTED"
    shutil.copytree(refreshed.after("end", "announce-supersede"), out)
    state = hold(refreshed.old, refreshed.plan, refreshed.old.archive, out, Aborting)
    assert state.phase is Phase.ABORTED
    assert audit(out).findings == []
    old = refreshed.old.archive
    assert (out / "package.escrow").read_bytes() == (old / "package.escrow").read_bytes()
    with pytest.raises(RefusedError, match="ended without a set"):
        entered(out)
    escrow("register", tmp_path, old).expect()
    escrow("register", tmp_path, out).expect()
    current = read(tmp_path).current
    assert current
    assert {held.bag for held in current.shares.values()} == set(state.old_bags)
    # The next refresh follows the archive that it left, with the bags that the old sheets are in now.
    again = plan_of("AGAIN", out, NEW)
    assert again.refresh
    last = before.examined(again, again.refresh.before, out, None)
    assert {numbers[-1] for numbers in last.bags.values()} == set(state.old_bags)
    assert last.manifest == package_in(old).manifest
    assert last.inventory == Inventory.decode((out / "inventory.json").read_bytes())


def test_the_register_has_the_new_set_and_what_was_destroyed_of_the_old(refreshed: Refreshed, tmp_path: Path) -> None:
    escrow("register", tmp_path, refreshed.old.archive).expect()
    told = escrow("register", tmp_path, refreshed.out).expect().out
    assert "epoch 2" in told
    assert "taken as made, for they are made after it is closed: copy-3, copy-4." in told
    register = read(tmp_path)
    (old,) = register.older()
    assert register.current
    assert register.current.set_id == package_in(refreshed.out).manifest.set_id
    assert {held.status for held in old.shares.values()} == {Status.DESTROYED}
    assert who_could_still(old) == ()
    assert f"is superseded. To be destroyed of it: {undestroyed(old)}.\n" in told
    assert "sheet" not in undestroyed(old), "these are gone"
    plan = plan_of("LATE", refreshed.old.archive, NEW)
    assert plan.refresh
    last = before.examined(plan, plan.refresh.before, refreshed.old.archive, None)
    with pytest.raises(RefusedError, match=f"this set was superseded on {TODAY}"):
        noted(last, tmp_path)


def test_by_a_register_what_was_signed_since_the_archive_is_not_forgotten(refreshed: Refreshed, tmp_path: Path) -> None:
    plan = plan_of("BEHIND", refreshed.old.archive, NEW)
    assert plan.refresh
    last = before.examined(plan, plan.refresh.before, refreshed.old.archive, None)
    with Book(tmp_path, SystemClock(), begin=True) as book:
        book.note("enter", **entered(refreshed.old.archive))
        came = {"on": str(TODAY), "set_id": book.current.set_id.hex(), "bags": {}, "ended": f"{TODAY}T23:00:00Z"}
        tried = {"level": "T1", "passed": True, "minutes": 30, "bad": []}
        book.note("drill", **came, **tried, ceremony="TRIED", archive="11" * 32)
        assert noted(last, tmp_path).archive == last.archive
        with pytest.raises(RefusedError, match="does not have the archive that the plan follows"):
            noted(replace(last, archive="33" * 32), tmp_path)
        listed = {"what": "CRL", "expiries": [{"what": "CRL", "last": str(TODAY)}], "revoked": []}
        book.note("session", **came, **listed, ceremony="LISTED", archive="22" * 32)
        with pytest.raises(RefusedError, match=r"LISTED signed \(CRL\) after the archive that the plan follows"):
            noted(last, tmp_path)


def test_everybody_who_has_or_had_a_share_by_the_register_is_known_to_the_refresh(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    base = refreshed.old.base / "three"
    base.mkdir()
    old = sealed(base)
    with Book(tmp_path, SystemClock(), begin=True) as book:
        book.note("enter", **entered(old.archive))
        held = book.current.shares[Policy.plain(2, 3).positions[2]]
        on, set_id = str(TODAY), book.current.set_id.hex()
        to = {"holder": "Emmy Noether", "manager": "A", "unit": "B", "site": "C", "deputy": "", "bag": held.bag}
        book.note("hand over", on=on, set_id=set_id, share="1.3", **to)
        register = book.register
    plan = plan_of("LEFT", old.archive, NEW)
    assert plan.refresh
    last = noted(before.examined(plan, plan.refresh.before, old.archive, None), tmp_path)
    (_, _, third) = last.holders.values()
    assert set(third) == {CUSTODIANS[2], "Emmy Noether"}
    current = register.current
    assert current
    assert set(who_could_still(current)) == {*CUSTODIANS, "Emmy Noether"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('name = "Example CA"', 'name = "Other CA"'), "The plan is of Other CA, and the package of Example CA"),
        (('kind = "specimen"', 'kind = "production"'), "is of specimen material, and the plan of production: never"),
    ],
)
def test_a_plan_of_another_ca_or_kind_is_refused(refreshed: Refreshed, change: tuple[str, str], message: str) -> None:
    from ceremony.planning.plan import parse

    text = refreshed.plan.source.decode().replace(*change)
    plan = parse(text.encode(), Path("refresh.toml"))
    assert plan.refresh
    with pytest.raises(EscrowError, match=message):
        before.examined(plan, plan.refresh.before, refreshed.old.archive, None)


def test_a_package_of_another_set_or_an_archive_that_was_changed_is_refused(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    plan = refreshed.plan
    assert plan.refresh
    with pytest.raises(RefusedError, match="is not the package of this archive"):
        before.examined(plan, plan.refresh.before, refreshed.old.archive, refreshed.out / "package.escrow")
    with pytest.raises(RefusedError, match="is not the archive that the plan follows"):
        before.examined(plan, plan.refresh.before, refreshed.out, None)
    changed = tmp_path / "changed"
    shutil.copytree(refreshed.old.archive, changed)
    (changed / "certs/root_ca.crt").write_bytes(b"x")
    with pytest.raises(RefusedError, match=r"certs/root_ca.crt"):
        before.examined(plan, plan.refresh.before, changed, None)


@pytest.mark.parametrize("name", ["package.escrow", "plan.toml", "certs/root_ca.crt", "inventory.json"])
def test_what_is_changed_while_the_archive_is_examined_is_not_taken(
    refreshed: Refreshed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """By a stick that gives something else when it is read once more, or by somebody who may write to it."""
    archive = Path(shutil.copytree(refreshed.old.archive, tmp_path / "archive"))
    plan = plan_of("MEANWHILE", archive, NEW)

    def examined(folder: Path) -> Report:
        report = audit(folder)
        (folder / name).write_bytes((refreshed.out / name).read_bytes() + b"\n")
        return report

    monkeypatch.setattr(before, "audit", examined)
    with pytest.raises(RefusedError, match=f"{name} was changed while the archive was examined"):
        before.examined(plan, plan.follows or "", archive, None)
    monkeypatch.setattr(before, "audit", lambda _: audit(refreshed.out))
    untouched = refreshed.old.archive
    with pytest.raises(RefusedError, match=r"ARCHIVE\.sha256 was changed while the archive was examined"):
        before.examined(plan, plan.follows or "", untouched, None)


def test_a_refresh_makes_no_tree_and_is_no_session(refreshed: Refreshed) -> None:
    from ceremony.planning.plan import parse

    for added, message in (
        ('[online]\ndns = ["a.b"]\nsite = "Bank"\nmedium = "stick"\n', r"online stands beside \[refresh\]"),
        ("[crl]\ndays = 3\n", r"refresh stands beside \[crl\]: in a refresh nothing is signed"),
    ):
        with pytest.raises(PlanError, match=message):
            parse(refreshed.plan.source + added.encode(), Path("refresh.toml"))


def test_init_writes_a_plan_from_the_archive_and_lint_compares_it(refreshed: Refreshed, tmp_path: Path) -> None:
    file = tmp_path / "refresh.toml"
    escrow("init", file, "--for", "refresh", "--archive", refreshed.old.archive).expect()
    told = escrow("lint", file, "--archive", refreshed.old.archive, "--json")
    found = {each["lint"] for each in json.loads(told.out)["findings"]}
    assert not {"hash-placeholder", "unprintable"} & found
    assert told.err == ""
    file.write_text(file.read_text().replace('name = "Example CA"', 'name = "Other CA"'))
    assert "The plan is of Other CA" in escrow("lint", file, "--archive", refreshed.old.archive).expect(2).err
