"""A chain of real archives, from the ceremony that seals a CA to a refresh of its set, each entered into one register.

After every one of them the register, the journals, and what the sheets in the tray really recover say the same.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import refreshes
from helpers import escrow
from refreshes import Sheets, recovered
from sessions import CUSTODIANS, PARTS, Sealed, people, sealed
from years import margin_of

from ceremony.custody.book import read
from ceremony.custody.register import Status
from ceremony.custody.status import standing, who_could_still
from ceremony.planning.plan import Plan
from ceremony.rules.state import Phase, State
from ceremony.run import before
from ceremony.run.answering import Answering
from ceremony.run.archive import digest_of
from ceremony.run.audit import audit
from ceremony.run.rehearsal import hold_in
from ceremony.run.room import Feeding
from escrow.package import Package
from escrow.policy import Position
from escrow.sealing import PACKAGE_FILE

LOST = Position(1, 1)
NEW = ("Emmy Noether", "Ida Noddack", "Lise Meitner", "Marie Curie")


@dataclass
class Chain:
    """The archives so far, the register that has them, and the keys that every set has to give."""

    root: Sealed
    register: Path
    keys: dict[str, bytes]
    archives: list[Path]
    custodians: Sequence[str] = CUSTODIANS
    epoch: int = 1

    @property
    def last(self) -> Path:
        """The archive that the next ceremony follows."""
        return self.archives[-1]

    @property
    def package(self) -> Package:
        """The package of the set that counts."""
        return Package.decode((self.last / PACKAGE_FILE).read_bytes())

    def held(self, plan: Plan, last: before.Last) -> None:
        """Hold what follows the last archive, and enter it."""
        room = self.root.room(plan)
        self.enter(hold_in(room, Feeding(Answering(room, lambda _: None), room), PARTS, last), room.out)

    def enter(self, state: State, out: Path) -> None:
        """Enter an archive: it is the next link."""
        assert (state.phase, state.held, state.opened) == (Phase.CLOSED, frozenset(), frozenset())
        assert audit(out, before=self.last).findings == []
        escrow("register", self.register, out).expect()
        self.archives.append(out)

    def agree(self, present: set[Position]) -> None:
        """Register, archive and paper say the same of the set that counts: these shares are there, and no others."""
        known, manifest = read(self.register), self.package.manifest
        current = known.current
        assert current
        assert (current.set_id, current.epoch, current.policy) == (manifest.set_id, self.epoch, manifest.policy)
        assert [each.archive for each in current.archives] == self._digests_of(current.archive)
        # Bags and holders, as the next ceremony would find them in the archive.
        probe = self.root.plan(
            "drill",
            "PROBE",
            self.last,
            {"drill": {"level": "T0", "scenario": "-", "minutes": 5}},
            **people(tuple(self.custodians)),
        )
        assert probe.follows
        last = before.examined(probe, probe.follows, self.last, None)
        for position, held in current.shares.items():
            assert last.bags[position][-1] == held.bag
            assert last.holders[position][-1] == held.holder.name == self.custodians[position.x - 1]
        # What is on paper.
        tray = Sheets(self.root.base / "tray")
        found = tray.collection(self.package)
        assert found.present == present == set(current.holding(Status.HELD))
        found.close()
        assert recovered(self.package, tray) == self.keys
        stood = standing(known, dt.datetime.now(dt.UTC).date())
        assert stood
        assert stood.margin == margin_of(manifest.policy, present)

    def _digests_of(self, made: str) -> list[str]:
        digests = [digest_of(archive).hex() for archive in self.archives]
        return digests[digests.index(made) + 1 :]


def test_after_each_ceremony_of_a_chain_register_journals_and_paper_agree(
    shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ceremony.run.session._keep_script", lambda *_: None)  # takes longer than all else
    root = sealed(shm)
    register, tray = shm / "register", Sheets(shm / "tray")
    escrow("register", register, root.archive).expect()
    keys = recovered(Package.decode((root.archive / PACKAGE_FILE).read_bytes()), tray)
    chain = Chain(root, register, keys, [root.archive])
    everything = set(chain.package.manifest.policy.positions)
    chain.agree(everything)

    crl = root.plan("crl", "CRL", chain.last, {"crl": {"days": 30}})
    assert crl.session
    chain.held(crl, before.read(crl, crl.session, chain.last, None))
    chain.agree(everything)

    plan = root.plan("drill", "DRILL", chain.last, {"drill": {"level": "T2", "scenario": "Fire.", "minutes": 60}})
    assert plan.follows
    chain.held(plan, before.examined(plan, plan.follows, chain.last, None))
    chain.agree(everything)

    root.room(plan).sheet("1").rename(shm / "lost.pdf")
    escrow("report", register, "1", "lost", "--reason", "Not found when the office moved.").expect()
    chain.agree(everything - {LOST})

    lost = {"share": "1", "reason": "lost", "why": "Not found when the office moved."}
    plan = root.plan("reissue", "REISSUE", chain.last, {"reissue": lost})
    assert plan.follows
    chain.held(plan, before.examined(plan, plan.follows, chain.last, None))
    chain.agree(everything)

    old, third = chain.package, root.room(plan).sheet("3")
    plan = refreshes.plan_of("REFRESH", chain.last, NEW)
    out = shm / "REFRESH"
    chain.enter(refreshes.hold(root, plan, chain.last, out), out)
    chain.custodians, chain.epoch = NEW, 2
    chain.agree({Position(1, x) for x in range(1, 5)})
    # Shares 1 and 2 were read, and shredded; the lost sheet and the one nobody brought open the old set, as is said.
    (older,) = read(register).older()
    assert older.set_id == old.manifest.set_id
    assert who_could_still(older) == (CUSTODIANS[0], CUSTODIANS[2])
    (shm / "left").mkdir()
    for number, sheet in enumerate((shm / "lost.pdf", third)):
        sheet.rename(shm / f"left/{number}-sheet.pdf")
    assert recovered(old, Sheets(shm / "left")) == keys
