"""Copies of the archive, made after the end: whole, audited, made again at any time, never overwritten."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import escrow
from player import Held, Player, Room

from ceremony.run.session import ended
from escrow.errors import EscrowError, RefusedError
from escrow.share import Kind

FOLDER = "Number or folder of the medium for copy 1 of the archive"
KEEP = "Copy 1 of the archive, for"


@pytest.fixture
def again(held: Held, shm: Path) -> Room:
    """The room after the ceremony, to be changed."""
    shutil.copytree(held.room.base, shm, dirs_exist_ok=True)
    return Room(shm)


def copy_in(room: Room, number: int) -> Path:
    (copy,) = (room.base / f"archive-{number}").iterdir()
    return copy


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("number", [1, 2])
def test_every_medium_that_the_plan_names_has_the_whole_archive(number: int, held: Held) -> None:
    copy = copy_in(held.room, number)
    assert copy.name.startswith("archive-2030-ROOT-1-")
    assert copy.name.endswith(f"-copy-{number}")
    assert files_in(copy) == files_in(held.room.out)
    escrow("audit", copy).expect()
    assert "2 of 2 copies of the archive were read back and audited." in held.shown


def test_the_same_command_after_the_end_reads_the_copies_back_and_leaves_them(again: Room) -> None:
    before = {path: path.stat().st_mtime_ns for path in again.base.rglob("*") if path.is_file()}
    player = Player(again)
    player.play()
    assert player.end() == 0, player.terminal.shown
    assert "The ceremony is closed." in player.screen
    assert "2 of 2 copies of the archive were read back and audited." in player.screen
    assert {path: path.stat().st_mtime_ns for path in again.base.rglob("*") if path.is_file()} == before


def test_a_copy_that_is_left_for_later_is_said_and_made_later(again: Room) -> None:
    shutil.rmtree(copy_in(again, 1))
    player = Player(again)
    player.answers = {KEEP: ["what?", "skip"]}
    player.play()
    assert player.end() == 1
    assert "1 of 2 copies of the archive were read back" in player.screen
    assert "The same command, given again, makes the others." in player.screen
    player = Player(again)
    player.play()
    assert player.end() == 0
    assert files_in(copy_in(again, 1)) == files_in(again.out)


def test_a_copy_that_was_changed_is_not_overwritten_and_another_medium_is_asked_for(again: Room) -> None:
    label = copy_in(again, 1) / "documents/label-1.pdf"
    label.write_bytes(b"x")
    (again.base / "another").mkdir()
    player = Player(again)
    player.answers = {
        FOLDER: [str(again.base / "archive-1"), str(again.base / "archive-2"), str(again.base / "another")]
    }
    player.play()
    assert player.end() == 0
    assert "is another file, which is not overwritten" in player.screen
    assert "another copy of this archive. Each copy needs a medium of its own." in player.screen
    assert label.read_bytes() == b"x"
    assert files_in(next((again.base / "another").iterdir())) == files_in(again.out)


def test_what_an_audit_of_the_copy_finds_and_not_of_the_archive_is_no_copy(again: Room) -> None:
    player = Player(again)
    extra = copy_in(again, 1) / "extra"
    extra.touch()

    def mended(_question: str) -> bool:
        if "finds what one of the original does not" in player.screen:
            extra.unlink(missing_ok=True)
        return False

    player.play(until=mended)
    assert player.end() == 0
    assert "This did not succeed: An audit of" in player.screen
    assert not extra.exists()


def test_the_archive_of_a_rehearsal_or_of_another_plan_is_not_taken_for_the_ceremonys_own(held: Held) -> None:
    plan = held.room.plan
    state = ended(plan, held.room.out)
    assert state
    assert state.ended
    assert ended(plan, held.room.base / "nowhere") is None
    real = replace(plan, ceremony=plan.ceremony.model_copy(update={"kind": Kind.PRODUCTION}))
    with pytest.raises(RefusedError, match="another ceremony, or of a rehearsal"):
        ended(real, held.room.out)
    with pytest.raises(EscrowError, match="another ceremony, or of a rehearsal"):
        ended(replace(plan, source=b"x"), held.room.out)
