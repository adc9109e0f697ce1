"""Ten years of a set, played with real packages and real shares: what becomes of papers, and what the register is told.

Two things are kept apart: where each paper really is, which nobody knows for certain, and the register, which learns
what people notice. A paper is a share's real bytes; who has a quorum of papers and a copy really opens the package.
"""

import datetime as dt
import hashlib
import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from register_entries import holder

from ceremony.custody.book import Book
from ceremony.custody.register import Status
from ceremony.custody.status import due
from ceremony.rules.steps import key_of
from escrow import cms, recovery
from escrow.authority import Authority
from escrow.errors import ShareError
from escrow.label import Label
from escrow.manifest import Superseded
from escrow.memory import Secret
from escrow.package import Package
from escrow.policy import Policy, Position
from escrow.reissue import reissue
from escrow.sealing import Order, seal_package
from escrow.share import VALUE_LENGTH, Kind

BEGIN = dt.date(2027, 1, 15)
MONTHS = 120


@dataclass
class Paper:
    """A sheet, where it is, and in which bag."""

    set_id: str
    position: Position
    value: bytes
    bag: str
    place: str = "custodian"
    """custodian, mislaid (somewhere, and it may turn up), or gone."""


@dataclass
class Clock:
    """The clock of the register's journal."""

    today: dt.date = BEGIN

    def utc(self) -> str:
        """Noon of the day."""
        return f"{self.today}T12:00:00Z"

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return (self.today - BEGIN).total_seconds()


@dataclass
class World:
    """A CA, its sets and papers, and the register of them."""

    authority: Authority
    policy: Policy
    folder: Path
    seed: int
    silent: bool
    """Whether papers may go without anybody's noticing until the next look."""
    clock: Clock = field(default_factory=Clock)
    papers: list[Paper] = field(default_factory=list)
    copies: dict[str, list[bool]] = field(default_factory=dict)
    packages: dict[str, bytes] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    unnoticed: set[Position] = field(default_factory=set)
    """The shares whose paper is gone, and nobody knows."""
    seen: dict[Position, dt.date] = field(default_factory=dict)
    """When somebody really saw each paper of the set that counts in its bag."""

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed} {self.policy}")  # noqa: S311 - not for keys
        self.bags = (str(number) for number in itertools.count(1000))
        self.names = (f"Person {number}" for number in itertools.count(1))
        self.book = Book(self.folder, self.clock, begin=True)
        self.enter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.book.__exit__(None, None, None)

    @property
    def set_id(self) -> str:
        """The set that counts."""
        return self.book.current.set_id.hex()

    def of(self, set_id: str, *places: str) -> list[Paper]:
        """The papers of a set that are in these places."""
        return [paper for paper in self.papers if paper.set_id == set_id and paper.place in places]

    def there(self) -> list[Paper]:
        """The papers of the set that counts, where they should be."""
        return self.of(self.set_id, "custodian")

    def note(self, event: str, **fields: object) -> None:
        """Tell the register."""
        self.happened.append(event if event != "report" else f"report {fields['status']}")
        which = {} if "set_id" in fields else {"set_id": self.set_id}
        self.book.note(event, **which, on=self.clock.today.isoformat(), **fields)

    def enter(self) -> None:
        """Seal the CA: the first set, or the next one."""
        older = [Superseded(each.epoch, each.set_id.hex()) for each in self.book.register.sets.values()]
        now = dt.datetime.combine(self.clock.today, dt.time(), dt.UTC)
        people = tuple(next(self.names) for _ in self.policy.positions)
        order = Order(Kind.SPECIMEN, self.policy, people, now, epoch=len(older) + 1, supersedes=tuple(older))
        sealed = seal_package(self.authority, order, lambda *_: None)
        set_id = sealed.manifest.set_id.hex()
        made = [
            Paper(set_id, position, bytes(value.view), next(self.bags)) for position, value in sealed.shares.items()
        ]
        sealed.close()
        shares = [
            {
                "share": key_of(paper.position),
                "label": Label.of(sealed.manifest, paper.position).to_text(),
                "bag": paper.bag,
                **holder(name),
            }
            for paper, name in zip(made, people, strict=True)
        ]
        self.note(
            "enter",
            set_id=set_id,
            ca=sealed.manifest.ca,
            kind="specimen",
            epoch=order.epoch,
            ceremony=f"SET-{order.epoch}",
            threshold=self.policy.threshold,
            groups=[
                {"name": f"G{number}", "threshold": group.threshold, "shares": group.shares}
                for number, group in enumerate(self.policy.groups, 1)
            ],
            package=hashlib.sha256(sealed.text).hexdigest(),
            archive=hashlib.sha256(set_id.encode()).hexdigest(),
            shares=shares,
            copies=[{"of": "package", "site": f"Site {number}", "medium": "disc"} for number in (1, 2)],
            expiries=[],
        )
        self.papers += made
        self.unnoticed.clear()
        self.seen = dict.fromkeys(self.policy.positions, self.clock.today)
        self.packages[set_id], self.copies[set_id] = sealed.text, [True, True]

    def month(self) -> None:
        """A month goes by, and something happens, or nothing."""
        self.clock.today += dt.timedelta(days=self.chance.randrange(25, 36))
        things = [self.lose, self.find, self.leave, self.look, self.drill, self.copy, self.see, self.mend, self.destroy]
        if self.silent:
            things.append(self.burn)
        self.chance.choices(things, [3, 2, 3, 4, 2, 1, 0.5, 6, 2, 2][: len(things)])[0]()

    def lose(self) -> None:
        """A custodian cannot find the sheet, and says so; it is burnt, or it may turn up."""
        if held := self._held():
            paper = self.chance.choice(held)
            paper.place = self.chance.choice(["gone", "mislaid"])
            self._report(paper, "lost")

    def burn(self) -> None:
        """A sheet is gone, and nobody knows."""
        if held := self._held():
            paper = self.chance.choice(held)
            paper.place = "gone"
            self.unnoticed.add(paper.position)

    def find(self) -> None:
        """A sheet that was mislaid turns up; one that was made again since is not put back."""
        shares = self.book.current.shares
        for paper in self.of(self.set_id, "mislaid"):
            if shares[paper.position].status is Status.LOST and shares[paper.position].bag == paper.bag:
                paper.place = "custodian"
                self._report(paper, "held", bag=paper.bag)
                self._saw(paper)
                return

    def leave(self) -> None:
        """A custodian leaves and hands over, in the same bag or a new one."""
        if held := self._held():
            paper = self.chance.choice(held)
            paper.bag = self.chance.choice([paper.bag, next(self.bags)])
            self.note("hand over", share=key_of(paper.position), bag=paper.bag, **holder(next(self.names)))
            self._saw(paper)

    def look(self) -> None:
        """Whoever is due within two months is asked to show the bag; what is not there is lost."""
        for position, held in self.book.current.shares.items():
            if held.status is Status.HELD and due(held) < self.clock.today + dt.timedelta(days=60):
                paper = next((each for each in self.there() if each.position == position), None)
                if paper:
                    self.note("attest", share=key_of(position), bag=paper.bag, how="bag")
                    self._saw(paper)
                else:
                    self.unnoticed.discard(position)
                    self.note("report", share=key_of(position), status="lost", reason="nobody finds it", bag="")

    def see(self) -> None:
        """Somebody looks into a bag who should not have."""
        if held := self._held():
            self._report(self.chance.choice(held), "exposed")

    def drill(self) -> None:
        """A quorum is fetched and opens the package; what was opened is in new bags."""
        held = [paper for paper in self._held() if self.book.current.shares[paper.position].status is Status.HELD]
        quorum = self.quorum_of(held)
        if quorum:
            assert self.opens(quorum)
            for paper in quorum:
                paper.bag = next(self.bags)
                self._saw(paper)
        self.note(
            "drill",
            level="T3",
            passed=bool(quorum),
            minutes=90.0,
            ceremony=(name := f"DRILL-{self.clock.today}"),
            ended=f"{self.clock.today}T11:00:00Z",
            archive=hashlib.sha256(name.encode()).hexdigest(),
            bags={key_of(paper.position): paper.bag for paper in quorum},
            bad=[],
        )

    def copy(self) -> None:
        """A copy of the package is lost, and another one made of what is left."""
        copies = self.book.current.copies
        number = self.chance.randrange(len(copies))
        if copies[number].status is Status.HELD and sum(self.copies[self.set_id]) > 1:
            self.copies[self.set_id][number] = False
            self.note("copy", copy=number + 1, status="lost", reason="the stick cannot be read")
            self.copies[self.set_id].append(True)
            self.note("copy", copy=len(copies) + 1, status="held", of="package", site="Site", medium="disc")

    def mend(self) -> None:
        """As the register advises: a lost sheet is made again; what may be in unknown hands calls for a new set."""
        at = self.book.current
        lost = [p for p in at.holding(Status.LOST, Status.DESTROYED) if not at.shares[p].seen]
        unknown = [position for position, held in at.shares.items() if held.in_unknown_hands]
        if at.holding(Status.EXPOSED) or self.policy.missing(unknown) <= 1:
            if quorum := self.quorum_of(self.there()):  # else it is the running CA that is sealed again
                assert self.opens(quorum)
            self.enter()
        elif lost:
            self._make_again(self.chance.choice(lost))

    def destroy(self) -> None:
        """Sheets of older sets that can be found are destroyed, some of them, and so are copies."""
        for older in self.book.register.older():
            for paper in self.of(older.set_id.hex(), "custodian"):
                if self.chance.random() < 1 / 2 and older.shares[paper.position].status is not Status.DESTROYED:
                    paper.place = "gone"
                    self._report(paper, "destroyed")
            for number, copy in enumerate(older.copies, 1):
                if copy.status is Status.HELD and self.chance.random() < 1 / 2:
                    self.copies[older.set_id.hex()][number - 1] = False
                    self.note(
                        "copy", set_id=older.set_id.hex(), copy=number, status="destroyed", reason="before witnesses"
                    )

    def quorum_of(self, papers: Iterable[Paper]) -> list[Paper]:
        """A quorum by lot of these papers, no more than is needed; nothing if they are none."""
        chosen: dict[Position, Paper] = {}
        shuffled = list(papers)
        self.chance.shuffle(shuffled)
        for paper in shuffled:
            chosen[paper.position] = paper
        if self.policy.missing(chosen):
            return []
        for position in list(chosen):
            if not self.policy.missing(set(chosen) - {position}):
                del chosen[position]
        return list(chosen.values())

    def opens(self, papers: Iterable[Paper]) -> bool:
        """Whether these papers really open the package of the set that counts. Raises as recovery does."""
        package = Package.decode(self.packages[self.set_id])
        values = {}
        for paper in papers:
            record = package.manifest.record(paper.position, paper.value)
            if problem := package.manifest.problem_with(record):
                raise ShareError(problem)
            values[paper.position] = paper.value
        key = recovery.combine(self.policy, values)
        return bool(cms.decrypt(key, package.manifest.set_id, package.cms))

    def _make_again(self, position: Position) -> None:
        """From as many others of its group as its threshold, and without the package."""
        manifest = Package.decode(self.packages[self.set_id]).manifest
        group = [paper for paper in self.there() if paper.position.group == position.group]
        threshold = self.policy.groups[position.group - 1].threshold
        if len(group) < threshold:
            return
        chosen = {paper.position: Secret.of(paper.value) for paper in self.chance.sample(group, threshold)}
        made = reissue(manifest, chosen, position)
        paper = Paper(self.set_id, position, bytes(made.view), next(self.bags))
        for secret in (made, *chosen.values()):
            secret.close()
        assert len(paper.value) == VALUE_LENGTH
        self.papers.append(paper)
        self._saw(paper)
        for opened in (each for each in group if each.position in chosen):
            opened.bag = next(self.bags)
            self._saw(opened)
        self.note(
            "reissue",
            share=key_of(position),
            made=True,
            bag=paper.bag,
            bags={key_of(each.position): each.bag for each in group if each.position in chosen},
            ceremony=(name := f"REISSUE-{paper.bag}"),
            ended=f"{self.clock.today}T11:00:00Z",
            archive=hashlib.sha256(name.encode()).hexdigest(),
            **holder(next(self.names)),
        )

    def _held(self) -> list[Paper]:
        """The papers that are there, and that the register calls held."""
        shares = self.book.current.shares
        return [paper for paper in self.there() if shares[paper.position].status is Status.HELD]

    def _saw(self, paper: Paper) -> None:
        self.seen[paper.position] = self.clock.today

    def _report(self, paper: Paper, status: str, bag: str = "") -> None:
        self.note(
            "report",
            set_id=paper.set_id,
            share=key_of(paper.position),
            status=status,
            reason="so it was",
            bag=bag,
        )


def margin_of(policy: Policy, positions: Iterable[Position]) -> int:
    """How many may go, whichever they are, by trying all; below 0, how many more are needed."""
    have = set(positions)
    if policy.missing(have):
        absent = set(policy.positions) - have
        return -next(
            n
            for n in itertools.count(1)
            if any(not policy.missing(have | set(c)) for c in itertools.combinations(absent, n))
        )
    return next(
        n - 1
        for n in itertools.count(1)
        if any(policy.missing(have - set(gone)) for gone in itertools.combinations(have, n))
    )
