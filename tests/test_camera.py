"""Shares shown to a camera: films of sheets held by hand, as a file and as an endless device."""

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from film import EMPTY_TABLE, Scene, write_film
from helpers import TIMEOUT, Terminal, escrow, run

from escrow.errors import PageError
from escrow.judge import Verdict
from escrow.package import Package
from escrow.paper.camera import find, frames
from escrow.paper.scan import scan
from escrow.watch import RESCUE, Ending, Glance, watch

CHILD = Path(__file__).with_name("endless_camera.py")
DEVICE = "/dev/null"
CUSTODIANS = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]
BLURRED = 6.0


class Set:
    """A share set in memory."""

    def __init__(self, directory: Path) -> None:
        order = ["--threshold", "2", *CUSTODIANS, "--out", directory, "--specimen"]
        escrow("seal", "--generate", "Camera CA", *order).expect()
        self.package = directory / "package.escrow"
        self.codes = directory / "package-sheets.pdf"
        self.manifest = Package.decode(self.package.read_bytes()).manifest

    def sheet(self, x: int) -> Path:
        return self.package.parent / f"shares/share-{x}.pdf"

    def scene(self, x: int, *, pictures: int = 3, blur: float = 0.6) -> Scene:
        return Scene(self.sheet(x), pictures, blur)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Set, Set]:
    """The set under test, and another."""
    return Set(tmp_path_factory.mktemp("camera") / "set"), Set(tmp_path_factory.mktemp("camera") / "other")


@pytest.fixture
def make_film(shm: Path) -> Callable[..., Path]:
    """Make a film of these scenes, in memory."""
    return lambda *scenes: write_film(shm / "film.avi", scenes)


@pytest.fixture
def recover(sets: tuple[Set, Set], shm: Path, tmp_path: Path) -> Callable[..., list[object]]:
    """The arguments of `escrow recover` with a password that needs no terminal."""
    (tmp_path / "password").write_text("new")
    to = ["--to", shm / "step", "--password-file", tmp_path / "password"]
    return lambda *pages: ["recover", sets[0].package, *pages, *to]


def seen(sets: tuple[Set, Set], *arguments: object, status: int = 0) -> list[tuple[int | None, bool]]:
    result = json.loads(escrow("check", sets[0].package, *arguments, "--json").expect(status).out)
    return [(share["x"], share["valid"]) for share in result["shares"]]


def test_a_quorum_shown_to_a_camera_restores(
    sets: tuple[Set, Set], make_film: Callable[..., Path], recover: Callable[..., list[object]], shm: Path
) -> None:
    """The film begins blurred, and the table is empty between the sheets."""
    scenes = [EMPTY_TABLE, sets[0].scene(3, blur=BLURRED), sets[0].scene(3), EMPTY_TABLE, sets[0].scene(1), EMPTY_TABLE]
    done = escrow(*recover("--camera", make_film(*scenes, sets[0].scene(2)))).expect()
    assert "Have share 3, need 1 more." in done.err
    assert "Have shares 1 and 3, a quorum." in done.err
    assert "Share 2" not in done.err, "a quorum is enough"
    assert (shm / "step/secrets/intermediate_ca_key").exists()


def test_damaged_sheets_are_read_from_a_camera_too(sets: tuple[Set, Set], make_film: Callable[..., Path]) -> None:
    film = make_film(EMPTY_TABLE, *(Scene(sets[0].sheet(x), 4 * RESCUE, damaged=True) for x in (2, 1)), EMPTY_TABLE)
    assert seen(sets, "--camera", film) == [(2, True), (1, True)]


def test_check_looks_on_to_the_end_of_the_video(sets: tuple[Set, Set], make_film: Callable[..., Path]) -> None:
    film = make_film(*(scene for x in (2, 1, 3) for scene in (sets[0].scene(x), EMPTY_TABLE)))
    assert seen(sets, "--camera", film) == [(2, True), (1, True), (3, True)]


def test_a_wrong_sheet_in_between_is_named_once_and_costs_nothing(
    sets: tuple[Set, Set], make_film: Callable[..., Path], recover: Callable[..., list[object]], shm: Path
) -> None:
    good, wrong = sets[0].scene(1), sets[1].scene(2)
    film = make_film(good, wrong, good, wrong, EMPTY_TABLE, wrong, sets[0].scene(3))
    assert seen(sets, "--camera", film, status=1) == [(1, True), (3, True), (2, False)]
    done = escrow(*recover("--camera", film)).expect()
    assert done.err.count("belongs to another share set") == 1
    assert (shm / "step/secrets/intermediate_ca_key").exists()


def test_a_video_that_ends_too_early_says_what_is_missing(
    sets: tuple[Set, Set], make_film: Callable[..., Path], recover: Callable[..., list[object]], shm: Path
) -> None:
    film = make_film(sets[0].scene(2), sets[1].scene(1), sets[0].scene(3, blur=BLURRED))
    done = escrow(*recover("--camera", film)).expect(1)
    assert "Valid and not lost: share 2.\n1 more share is needed: a quorum is 2 of 3." in done.err
    assert not (shm / "step").exists()


def test_pages_and_a_camera_together_are_a_quorum(
    sets: tuple[Set, Set], make_film: Callable[..., Path], recover: Callable[..., list[object]]
) -> None:
    """A sheet that is among the pages too is no mistake before a camera: it just stays there for a while."""
    film = make_film(sets[0].scene(2), sets[0].scene(1))
    escrow(*recover(sets[0].sheet(2), "--camera", film)).expect()
    assert seen(sets, sets[0].sheet(2), "--camera", film) == [(2, True), (1, True)]


def test_what_the_camera_lacks_may_be_typed(
    sets: tuple[Set, Set], make_film: Callable[..., Path], recover: Callable[..., list[object]]
) -> None:
    (page,) = scan(sets[0].sheet(1).read_bytes())
    arguments = recover("--camera", make_film(sets[0].scene(2)), "--type")
    terminal = Terminal(sys.executable, "-m", "ceremony", *arguments)
    terminal.expect("\x1b[?1049h")
    terminal.expect("have share 2, need 1 more")
    terminal.type(f"{page.texts[0]}\n")
    assert terminal.end() == 0, terminal.shown
    assert page.texts[0] not in terminal.shown


@pytest.mark.parametrize("seed", range(4))
def test_pictures_without_a_code_of_a_share_say_nothing(seed: int, sets: tuple[Set, Set], shm: Path) -> None:
    """Neither blurred sheets, nor other codes, nor the table: not even that no share is there."""
    scenes = [
        EMPTY_TABLE,
        *(sets[0].scene(x, pictures=RESCUE, blur=BLURRED + seed) for x in (1, 2)),
        Scene(sets[0].codes, 2),
    ]
    film = write_film(shm / "film.avi", scenes, seed=seed)
    assert len(list(frames(film))) == 15
    assert watch(sets[0].manifest, film, 0, (), lambda: False) == ([], Glance(Ending.OVER, 15))


def test_watching_goes_on_where_it_stopped(sets: tuple[Set, Set], make_film: Callable[..., Path]) -> None:
    film = make_film(EMPTY_TABLE, sets[0].scene(1), sets[0].scene(2))
    place, known, found = 0, list[Verdict](), []
    while True:
        records, glance = watch(sets[0].manifest, film, place, known, lambda: False)
        known += glance.verdicts
        found += [(record.x, glance.frame) for record in records]
        place = glance.frame
        if glance.ending is Ending.OVER:
            break
    assert found == [(1, 4), (2, 7)]
    assert [number for number, _ in frames(film, 7)] == [7, 8]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (Path.resolve, "there is no such camera or video"),
        (lambda path: path.mkdir(), "neither a camera nor a video"),
        (lambda path: path.write_text("no video"), "not a video, or it is damaged. Pages are named before --camera"),
        (lambda path: path.write_bytes(b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(5000)), "not a video, or it is damaged"),
        (lambda path: path.write_bytes(b""), "not a video, or it is damaged"),
        (os.mkfifo, "neither a camera nor a video"),
        (lambda path: path.symlink_to("/dev/null"), "it is no camera"),
    ],
    ids=["missing", "directory", "text", "broken", "empty", "fifo", "device"],
)
def test_what_is_no_camera_is_named_and_the_pages_still_count(
    make: Callable[[Path], object],
    expected: str,
    sets: tuple[Set, Set],
    recover: Callable[..., list[object]],
    tmp_path: Path,
) -> None:
    make(tmp_path / "source")
    done = escrow("check", sets[0].package, sets[0].sheet(1), "--camera", tmp_path / "source").expect(1)
    assert f"No share ({tmp_path / 'source'}): " in done.out
    assert expected in done.out
    assert f"Share 1 ({sets[0].sheet(1)}): valid" in done.out
    assert "global cap" not in done.err, "OpenCV spoke"
    assert "[" not in done.err, "FFmpeg spoke"
    done = escrow(*recover(sets[0].sheet(1), "--camera", tmp_path / "source")).expect(1)
    assert expected in done.err
    assert "Valid and not lost: share 1." in done.err


def test_a_video_that_breaks_off_gives_what_was_before(sets: tuple[Set, Set], make_film: Callable[..., Path]) -> None:
    film = make_film(sets[0].scene(1), EMPTY_TABLE, EMPTY_TABLE, EMPTY_TABLE, sets[0].scene(2))
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    assert seen(sets, "--camera", film) == [(1, True)]


def test_a_video_of_which_nothing_can_be_decoded_is_not_taken_for_one_without_sheets(
    sets: tuple[Set, Set], make_film: Callable[..., Path]
) -> None:
    film = make_film(sets[0].scene(1))
    content = film.read_bytes()
    film.write_bytes(content[: content.index(b"movi") + 4])
    assert "no picture of it can be decoded" in escrow("check", sets[0].package, "--camera", film).expect(1).out


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a device and to become somebody else")
@pytest.mark.parametrize(("kind", "remedy"), [(stat.S_IFCHR, "the group video"), (stat.S_IFREG, "change its mode")])
def test_a_camera_that_the_account_may_not_use_says_how_to_get_it(kind: int, remedy: str, shm: Path) -> None:
    camera = shm / "camera"
    os.mknod(camera, kind | 0o600, os.makedev(1, 3))
    shm.chmod(0o755)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            next(frames(camera))
        except PageError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as message:
        assert remedy in message.read()


def test_a_number_is_a_device() -> None:
    assert [str(find(given)) for given in ("0", "12", "/dev/video3", "film.avi")] == [
        "/dev/video0",
        "/dev/video12",
        "/dev/video3",
        "film.avi",
    ]


@pytest.fixture
def at_camera() -> Iterator[Callable[..., Terminal]]:
    """Start the program before an endless camera, at a terminal."""
    started = []

    def start(film: Path, *arguments: object) -> Terminal:
        started.append(Terminal(sys.executable, CHILD, film, *arguments, "--camera", DEVICE))
        return started[-1]

    yield start
    for terminal in started:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.end()


def test_enter_ends_the_check_and_until_then_the_person_is_advised(
    sets: tuple[Set, Set], make_film: Callable[..., Path], at_camera: Callable[..., Terminal]
) -> None:
    terminal = at_camera(make_film(sets[0].scene(1), sets[1].scene(1), EMPTY_TABLE), "check", sets[0].package)
    terminal.expect(f"Show the sheets to {DEVICE}")
    terminal.expect("Enter ends.")
    terminal.expect(f"Share 1 ({DEVICE}): valid")
    terminal.expect("Have share 1, need 1 more. Show the next sheet.")
    terminal.expect(f"Share 1 ({DEVICE}): it belongs to another share set")
    terminal.expect("Have share 1, need 1 more. No code is seen. Fill the picture with the sheet")
    terminal.type("\n")
    assert terminal.end() == 1
    report = terminal.shown.rpartition("hold it flat and still.")[2]
    assert [line.partition(" (")[0] for line in report.split("\r\n") if "(" in line] == ["Share 1", "Share 1"]


def test_a_sheet_that_stays_is_said_to_be_known(
    sets: tuple[Set, Set], make_film: Callable[..., Path], at_camera: Callable[..., Terminal]
) -> None:
    terminal = at_camera(make_film(sets[0].scene(2)), "check", sets[0].package)
    terminal.expect("Have share 2, need 1 more. What is before the camera was seen already. Show the next sheet.")
    terminal.type("\n")
    assert terminal.end() == 0
    assert terminal.shown.count("valid") == 2, "once when it was seen, once in the report"


def test_a_quorum_ends_the_showing_and_the_password_is_asked_for(
    sets: tuple[Set, Set], make_film: Callable[..., Path], at_camera: Callable[..., Terminal], shm: Path
) -> None:
    film = make_film(sets[0].scene(1), EMPTY_TABLE, sets[0].scene(3))
    terminal = at_camera(film, "recover", sets[0].package, "--to", shm / "step")
    terminal.expect("Have shares 1 and 3, a quorum.")
    for question in ("New password", "The same again"):
        terminal.expect(question)
        terminal.wait_for_silence()
        terminal.type("new\n")
    assert terminal.end() == 0, terminal.shown
    assert (shm / "step/secrets/intermediate_ca_key").exists()


def test_without_a_keyboard_a_check_ends_when_every_share_was_seen(
    sets: tuple[Set, Set], make_film: Callable[..., Path]
) -> None:
    film = make_film(*(sets[0].scene(x) for x in (3, 1, 2)))
    done = run(sys.executable, CHILD, film, "check", sets[0].package, "--camera", DEVICE, "--json").expect()
    assert [share["x"] for share in json.loads(done.out)["shares"]] == [3, 1, 2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=lambda s: s.name)
def test_however_it_ends_the_camera_is_released_and_nothing_is_left(
    number: signal.Signals,
    sets: tuple[Set, Set],
    make_film: Callable[..., Path],
    at_camera: Callable[..., Terminal],
    shm: Path,
) -> None:
    terminal = at_camera(make_film(sets[0].scene(1), EMPTY_TABLE), "recover", sets[0].package, "--to", shm / "step")
    terminal.expect("Have share 1, need 1 more.")
    if number is signal.SIGINT:
        terminal.type("\x03")
    else:
        terminal.process.send_signal(number)
    assert terminal.end() == (-number if number is signal.SIGKILL else 130)
    deadline = time.monotonic() + TIMEOUT
    while processes_with(terminal.process.pid) or list(shm.iterdir()) != [shm / "film.avi"]:
        assert time.monotonic() < deadline, "the worker goes on, or something was left"
        time.sleep(0.01)


def processes_with(group: int) -> bool:
    """Whether a process of this group lives, such as a worker that holds the camera."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
