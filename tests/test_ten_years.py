"""Ten years of a set, by lot: at every point register, journal and what can really be recovered agree."""

import datetime as dt
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from years import BEGIN, MONTHS, World, margin_of

from ceremony.custody import events, plain
from ceremony.custody.book import FILE, read
from ceremony.custody.register import Status
from ceremony.custody.status import ATTESTED, standing, who_could_still
from ceremony.run import journal
from escrow.authority import Authority
from escrow.errors import EscrowError
from escrow.issuing.make import generate
from escrow.policy import Group, Policy

POLICIES = {"plain": Policy.plain(3, 5), "groups": Policy(2, (Group(2, 3), Group(1, 1), Group(2, 2)))}
SEEDS = range(2)


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    """One CA for all of them: its keys stay the same in each set."""
    made = generate("Ten Years CA", dt.datetime(2027, 1, 1, tzinfo=dt.UTC), lambda *_: None)
    yield made
    made.close()


@pytest.mark.parametrize("silent", [False, True], ids=["all losses are noticed", "some are not"])
@pytest.mark.parametrize("name", POLICIES)
def test_for_ten_years_register_journal_and_what_is_recoverable_agree(
    name: str, *, silent: bool, authority: Authority, tmp_path: Path
) -> None:
    """Lost, found, burnt, seen, handed over, attested, drilled, made again, refreshed, destroyed; checked each time."""
    happened = set()
    for seed in SEEDS:
        with World(authority, POLICIES[name], tmp_path / str(seed), seed, silent) as world:
            assert_agreement(world)
            for _ in range(MONTHS):
                world.month()
                assert_agreement(world)
            assert world.clock.today - BEGIN > dt.timedelta(days=365 * 9)
            assert len(world.book.register.sets) > 1
            happened |= set(world.happened)
    reports = {f"report {status.value}" for status in Status if status is not Status.SUPERSEDED}
    assert happened == {"enter", "attest", "drill", "reissue", "hand over", "copy", *reports}


def assert_agreement(world: World) -> None:
    assert_journal_and_files_say_the_same(world)
    assert_each_paper_is_where_the_register_says(world)
    assert_margin_is_true(world)
    assert_old_sets_are_told_of(world)
    assert_recovered_or_not(world)


def assert_journal_and_files_say_the_same(world: World) -> None:
    folder = world.folder
    entries, torn = journal.decode((folder / FILE).read_bytes())
    assert not torn
    assert events.replay(entries) == read(folder) == world.book.register
    text = (folder / plain.FILE).read_text()
    current = tomllib.loads(text)["set"][0]
    assert current["set_id"] == world.set_id
    shares = world.book.current.shares
    assert [share["status"] for share in current["share"]] == [held.status.value for held in shares.values()]


def assert_each_paper_is_where_the_register_says(world: World) -> None:
    """A share that is held is in its holder's bag, unless it went since somebody looked, and nobody could know."""
    bags = {paper.position: paper.bag for paper in world.there()}
    for position, held in world.book.current.shares.items():
        if position in bags:
            assert held.status in {Status.HELD, Status.EXPOSED}
            assert held.bag == bags[position]
        elif held.status is Status.HELD:
            assert world.silent
            assert position in world.unnoticed
    for older in world.book.register.older():
        left = {paper.position for paper in world.of(older.set_id.hex(), "custodian")}
        assert not left & {position for position, held in older.shares.items() if held.status is Status.DESTROYED}


def assert_margin_is_true(world: World) -> None:
    """Never larger than what is really there allows; of what is gone and nobody noticed, than when it was last seen."""
    found = standing(world.book.register, world.clock.today)
    assert found is not None
    there = {paper.position for paper in world.there()}
    last_year = world.clock.today - ATTESTED
    hidden = {position for position in world.unnoticed if world.seen[position] >= last_year}
    assert found.margin <= margin_of(world.policy, there | hidden)
    for position in found.attested:
        assert world.seen[position] >= last_year
    none_is_overdue = not found.overdue and not world.book.current.holding(Status.EXPOSED)
    if none_is_overdue and not world.unnoticed:
        assert found.margin == margin_of(world.policy, there)  # nor is it needlessly small


def assert_old_sets_are_told_of(world: World) -> None:
    """As long as papers and a copy of an old set could open it, the register names who could."""
    for older in world.book.register.older():
        name = older.set_id.hex()
        left = {paper.position for paper in world.of(name, "custodian", "mislaid")}
        if any(world.copies[name]) and not older.policy.missing(left):
            assert who_could_still(older)


def assert_recovered_or_not(world: World) -> None:
    """Who has a quorum opens the package; whoever has less does not, nor with a sheet of an older set."""
    there = world.there()
    quorum = world.quorum_of(there)
    positions = {paper.position for paper in there}
    assert bool(quorum) == (margin_of(world.policy, positions) >= 0)
    if not quorum:
        with pytest.raises(EscrowError):
            world.opens(there)
        return
    assert any(world.copies[world.set_id])
    assert world.opens(quorum)
    with pytest.raises(EscrowError):
        world.opens(quorum[1:])
    older = [paper for paper in world.papers if paper.set_id != world.set_id]
    if mixed := next((paper for paper in older if paper.position == quorum[0].position), None):
        with pytest.raises(EscrowError):
            world.opens([mixed, *quorum[1:]])
