"""A whole refresh at a pseudo-terminal, from 2 of 2 to 2 of 3 and other people, killed at its point of no return."""

import re
import sys
from pathlib import Path

import player
import pytest
from helpers import escrow, need, run
from refreshes import Sheets, plan_of, recovered
from sessions import CUSTODIANS, Sealed, sealed

from ceremony.planning.plan import Plan
from ceremony.rules.lists import listing_of
from ceremony.run.archive import read_journal
from ceremony.run.audit import audit
from escrow.memory.process import HARDENED_ENVIRONMENT
from escrow.package import Package

NEW = ("Emmy Noether", "Ida Noddack", "Lise Meitner")


class RefreshRoom(player.Room):
    """A room whose ceremony is a refresh: in its tray lie the sheets of two sets."""

    def __init__(self, old: Sealed, plan: Plan) -> None:
        (old.base / "ceremony.toml").write_bytes(plan.source)
        super().__init__(old.base)
        self._archive = old.archive

    @property
    def out(self) -> Path:
        """The refresh's folder."""
        return self.base / self.plan.ceremony.id

    def command(self) -> list[object]:
        """How it is begun, and gone on with."""
        return [
            *("env", *(f"{name}={value}" for name, value in HARDENED_ENVIRONMENT.items())),
            *(sys.executable, "-m", "ceremony", "refresh", self.base / "ceremony.toml", "--out", self.out),
            *("--scans", self.base / "scans", "--tray", self.base / "tray", "--archive", self._archive),
        ]

    def sheets(self) -> dict[str, Path]:
        """The newest sheet of each share of the new set; before there is one, of the old."""
        sealed_yet = (self.out / "package.escrow").exists()
        folder = self.out if sealed_yet else self._archive
        manifest = Package.decode((folder / "package.escrow").read_bytes()).manifest
        found = {}
        for path in sorted((self.base / "tray").glob("*-sheet.pdf")):
            record = player.record_on(path)
            if record.set_id == manifest.short_set_id:
                found[manifest.policy.name_of(record.position)] = path
        return found


class People(player.Player):
    """The people of a refresh."""

    def answer(self, question: str) -> str:
        """Lay sheets of the old set into the scanner; count what is shredded of it."""
        if question.startswith("a sheet of the old set"):
            return self._scan_another()
        if question.startswith("How many sheets"):
            return "2"
        return super().answer(question)


def test_a_refresh_to_another_policy_killed_where_the_old_set_is_superseded(
    shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("step")
    questions = player._QUESTIONS.pattern[1:-1]
    own = r"a sheet of the old set|Which old copies|Which other old"
    monkeypatch.setattr(player, "_QUESTIONS", re.compile(f"({own}|{questions})"))
    old = sealed(shm, CUSTODIANS[:2])
    keys = recovered(Package.decode((old.archive / "package.escrow").read_bytes()), Sheets(shm / "tray"))
    plan = plan_of("REFRESH", old.archive, NEW)
    people = People(RefreshRoom(old, plan))
    people.play(until=lambda question: question.startswith("The check words") and people._phrase == "supersede")
    first = people.terminal.shown
    people.terminal.process.kill()
    people.end()
    assert "supersede" not in [entry.fields.get("step") for entry in read_journal(people.room.out)]
    again = People(people.room)
    again.play()
    assert again.end() == 0, again.terminal.shown[-2000:]
    shown = first + again.terminal.shown
    for page in shown.split("\x1b[H\x1b[2J\x1b[3J")[1:]:
        lines = page.split("Enter goes on")[0].split("\r\n")
        assert len(lines) <= 24, page
        assert max(map(len, lines)) < 80, page
    assert set(re.findall(r"SPECIMEN  step (\S+)\r", shown)) == {step.number for step in listing_of(plan).steps}
    assert audit(people.room.out).findings == []
    # From the new sheets alone: the very same keys, and a STEPPATH of them.
    sheets = people.room.sheets()
    assert recovered(Package.decode((people.room.out / "package.escrow").read_bytes()), Sheets(shm / "tray")) == keys
    (shm / "password").write_text("new")
    (copy,) = (shm / "package-1").glob("*/package.escrow")
    to = ("--to", shm / "step", "--password-file", shm / "password")
    escrow("recover", copy, sheets["1"], sheets["3"], *to).expect()
    for name in ("root_ca.crt", "intermediate_ca.crt"):
        assert (shm / "step/certs" / name).read_bytes() == (old.archive / "certs" / name).read_bytes()
    stale = min((shm / "tray").glob("*-sheet.pdf"))
    refused = escrow("recover", copy, stale, sheets["3"], "--to", shm / "no", "--password-file", shm / "password")
    assert refused.status == 1
    assert "it belongs to epoch 1, which this set of epoch 2 superseded" in refused.err
    root, issued = shm / "step/certs/root_ca.crt", shm / "step/certs/intermediate_ca.crt"
    run("step", "certificate", "verify", issued, "--roots", root).expect()
