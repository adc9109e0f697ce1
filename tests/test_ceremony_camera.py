"""A whole ceremony whose sheets are held before a camera: it shows a film, and its last picture for ever."""

from pathlib import Path

import pypdfium2
import pytest
from film import EMPTY_TABLE, Scene, write_film
from helpers import escrow
from player import Player, Room, room

from ceremony.run.paper import Camera
from escrow.errors import RefusedError
from escrow.files import is_memory_backed

CAMERA = Path(__file__).with_name("endless_camera.py")
DEVICE = "/dev/null"


class FilmRoom(Room):
    """A room with a camera instead of a scanner."""

    @property
    def film(self) -> Path:
        """What the camera shows when it is opened next."""
        return self.base / "film.avi"

    def command(self) -> list[object]:
        """The same ceremony, with a camera."""
        own = [str(part) for part in super().command()]
        before, after = own[: own.index("-m")], own[own.index("run") :]
        scans = after.index("--scans")
        return [*before, CAMERA, self.film, *after[:scans], *after[scans + 2 :], "--camera", DEVICE]


class BeforeCamera(Player):
    """Holds sheets before the camera instead of laying them into a scanner."""

    def scan(self, sheet: Path) -> None:
        """The table, a hand that comes nearer, and the sheet."""
        write_film(self.room.base / "film.avi", [EMPTY_TABLE, Scene(sheet, 1, 6.0), Scene(sheet, 2)])

    def _scan_package_sheets(self) -> str:
        """Page after page."""
        sheets = self.room.newest("package-sheets")
        with pypdfium2.PdfDocument(sheets) as document:
            pages = range(1, len(document) + 1)
        write_film(self.room.base / "film.avi", [Scene(sheets, 2, number=number) for number in pages])
        return ""


@pytest.mark.long
def test_a_whole_ceremony_before_a_camera(shm: Path) -> None:
    held_in = FilmRoom(room(shm, threshold=2, custodians=2).base)
    player = BeforeCamera(held_in)
    player.play(until=lambda question: "the sheet of share 1: hold it before /dev/null" in question)
    write_film(held_in.film, [EMPTY_TABLE])
    player.terminal.type("\n")
    player.terminal.expect("Enter gives up.")
    player.terminal.type("\n")
    player.terminal.expect("No new sheet was seen by /dev/null.")
    player.play(until=lambda question: "the sheet of share 2: hold" in question)
    player.scan(held_in.sheets()["1"])
    player.answers[player.asked[-1]] = [""]
    player.play()
    assert player.end() == 0, player.terminal.shown[-1500:]
    assert "This is not share 2 alone:\r\n  Share 1 (/dev/null): valid" in player.terminal.shown
    escrow("audit", held_in.out).expect()
    assert not list((shm / "scans").iterdir())


def test_sheets_are_read_back_by_one_way_and_never_without_a_pause(tmp_path: Path) -> None:
    held_in = room(tmp_path, threshold=2, custodians=2)
    own = ["run", tmp_path / "ceremony.toml", "--out", held_in.out, "--tray", tmp_path / "tray"]
    for source in ([], ["--scans", tmp_path / "scans", "--camera", "0"]):
        assert "one of --scans and --camera" in escrow(*own, *source).expect(2).err
    own = ["run", tmp_path / "ceremony.toml", "--out", held_in.out, "--printer", "x", "--camera", "0"]
    assert "No such option" in escrow(*own, "--no-pause").expect(2).err


def test_a_video_of_sheets_lies_in_memory(tmp_path: Path, shm: Path) -> None:
    if not is_memory_backed(tmp_path):
        with pytest.raises(RefusedError, match="a video on a disk"):
            Camera(tmp_path / "film.avi", lambda: False)
    Camera(tmp_path / "film.avi", lambda: False, allow_disk=True)
    Camera(shm / "film.avi", lambda: False)
    Camera(Path(DEVICE), lambda: False)
