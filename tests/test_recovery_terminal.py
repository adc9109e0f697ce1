"""A guided recovery at a pseudo-terminal, in which a sheet that cannot be scanned is typed."""

import re
import sys
from pathlib import Path

import player
import pytest
from helpers import escrow
from sessions import Sealed, sealed

from ceremony.planning.plan import Plan
from ceremony.run.audit import audit
from escrow.memory.process import HARDENED_ENVIRONMENT
from escrow.recovery import RECOVERED
from escrow.words import to_words

SHEET, PASSWORD = "a sheet of the set: scan it", "new password"


class RecoveryRoom(player.Room):
    """A room whose ceremony is a recovery of what was sealed."""

    def __init__(self, old: Sealed, plan: Plan) -> None:
        (old.base / "ceremony.toml").write_bytes(plan.source)
        super().__init__(old.base)
        self._archive = old.archive

    @property
    def out(self) -> Path:
        """The recovery's folder."""
        return self.base / self.plan.ceremony.id

    def command(self) -> list[object]:
        """How it is begun, and gone on with."""
        return [
            *("env", *(f"{name}={value}" for name, value in HARDENED_ENVIRONMENT.items())),
            *(sys.executable, "-m", "ceremony", "recovery", self.base / "ceremony.toml", "--out", self.out),
            *("--scans", self.base / "scans", "--archive", self._archive, "--to", self.base / "step"),
        ]


class People(player.Player):
    """The people of a recovery."""

    def answer(self, question: str) -> str:
        """A new password for the keys."""
        return PASSWORD if "password" in question else super().answer(question)

    def typed(self, name: str, wrong: int = 0) -> list[str]:
        """The rows of a sheet as they are typed; so many words of it are illegible."""
        rows = to_words(player.record_on(self.room.sheets()[name]).encode())
        return [" ".join([*("?" * (number < wrong)), *row[number < wrong :]]) + "\n" for number, row in enumerate(rows)]

    def begin_typing(self, standing: str) -> None:
        """Have the next sheet typed."""
        self.play(until=lambda question: question.startswith(SHEET))
        self._answered = len(self.terminal.shown)
        self.terminal.type("type\n")
        self.terminal.expect(standing)


def test_sheets_that_cannot_be_scanned_are_typed_and_a_slip_loses_nothing(
    shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = player._QUESTIONS.pattern[1:-1]
    monkeypatch.setattr(player, "_QUESTIONS", re.compile(f"(A new password|The same password|{questions})"))
    old = sealed(shm)
    people = People(RecoveryRoom(old, old.plan("recovery", "TYPED", old.archive, {})))
    terminal = people.terminal
    # Begun and put aside: it is asked again, and how it is read is open again.
    people.begin_typing("have none")
    terminal.type(people.typed("2")[0])
    terminal.expect_wrapped("2 [____]")  # Ctrl-C throws away what was not read yet
    terminal.type("\x03")
    terminal.expect_wrapped("End, and forget the words of this sheet?")
    terminal.type("yes\n")
    terminal.expect("what was typed of it is forgotten")
    # Ctrl-C is a slip in the middle of a sheet; two words of it are illegible.
    people.begin_typing("have none")
    rows = people.typed("2", wrong=2)
    terminal.type("".join(rows[:4]))
    terminal.expect_wrapped("5 [____]")
    terminal.type("\x03")
    terminal.expect_wrapped("End, and forget the words of this sheet?")
    terminal.type("no\n")
    terminal.expect_wrapped("Nothing was put aside.")
    terminal.type("".join(rows[4:]))
    terminal.expect_wrapped("Are they so on the sheet?")
    terminal.type("yes\n")
    terminal.expect("Share 2 (typed share 1, mended row 1 word 1, row 2 word 1): valid")
    terminal.expect("1 more share is needed")
    # The same sheet once more costs nothing; the other one is scanned.
    people.begin_typing("have share 2, need 1 more")
    terminal.type("".join(people.typed("2")))
    terminal.expect_wrapped("the same share was already read")
    terminal.type("\x04")
    terminal.expect_wrapped("End, and forget the words of this sheet?")
    terminal.type("yes\n")
    people.play(until=lambda question: question.startswith(SHEET))
    people.scan(people.room.sheets()["3"])
    people.answers[SHEET] = [""]
    people.play()
    assert people.end() == 0, terminal.shown[-2000:]
    assert audit(people.room.out).findings == []
    (key,) = (shm / "step/secrets").iterdir()
    assert key.name == "intermediate_ca_key"
    assert not (shm / "step" / RECOVERED).exists()
    escrow("audit", people.room.out).expect()
