"""Where paper comes from and comes back: a tray that stands in for a printer; a folder of scans, or a camera."""

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from ceremony.run.questions import TYPE, Asked, Questions
from escrow import handover
from escrow.assemble import read_codes
from escrow.errors import PageError, RefusedError, WorkerError
from escrow.files import NewFiles, is_memory_backed, write_all
from escrow.gather import Collection
from escrow.judge import Verdict
from escrow.memory import Secret, isolate
from escrow.paper.camera import is_live
from escrow.paper.raster import pictures
from escrow.printing import SHEET, Write
from escrow.watch import Ending, Glance, watch_codes

T = TypeVar("T")

DPI = 200
TEST_PAGE, PACKAGE_SHEETS, HANDOVER = "test-page", "package-sheets", "handover"
"""What is asked for instead of a share, and the titles of these when they are printed."""
OLD_SET = "old-set"
"""What is asked for instead of a share: any one of the set that is to be superseded."""

_HANDOVER_SHEET = "the handover sheet"


Typing = Callable[[Collection], list[Verdict]]
"""Has one sheet typed into a collection; what is to be said of it."""


class Paper(Protocol):
    """Reads sheets that people put before it."""

    def read(
        self, collection: Collection, what: str, share: str, ask: Questions, *, or_typed: bool = False
    ) -> list[Verdict]:
        """Have something read into a collection; what was found. Raises PageError when nothing came.

        `share` is the name of the share that is wanted, or TEST_PAGE; empty for any share. With `or_typed` its words
        may be typed instead: not where the code on the paper is what has to be proved.
        """

    def codes(self, what: str, name: str, ask: Questions) -> list[str]:
        """The texts of a package's codes on public paper that is put before it. Raises PageError, PackageError."""

    def passwords(self, wanted: Mapping[str, Secret], ask: Questions) -> list[str]:
        """Which of these passwords stand on the handover sheet that is put before it. Raises PageError."""


def photograph(sheet: Path, out: NewFiles, name: str) -> None:
    """A picture of a sheet's file, as a scanner would make it, in a worker."""
    descriptor = out.open(name)

    def in_worker() -> bytes:
        picture = io.BytesIO()
        next(pictures(sheet.read_bytes(), DPI)).save(picture, "PNG")
        write_all(descriptor, picture.getbuffer(), out.root / name)
        return b""

    with open(descriptor, "wb", buffering=0):  # noqa: PTH123 - a descriptor, not a path
        isolate(in_worker)


class Tray:
    """Stands in for a printer where nothing is printed: each document is a file, numbered and with its title."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self) -> None:
        """Raise RefusedError if the folder is not there."""
        if not self._folder.is_dir():
            message = f"{self._folder} is no folder to put sheets into."
            raise RefusedError(message)

    def print(self, write: Write, title: str = SHEET, media: str | None = None) -> None:  # noqa: ARG002 - the interface
        """Write one document."""
        number = max((int(path.name.partition("-")[0]) for path in self._folder.glob("*-*.pdf")), default=0) + 1
        with NewFiles(self._folder) as out:
            name = f"{number:03}-{title}.pdf"
            with open(out.open(name), "wb", buffering=0) as opened:  # noqa: PTH123 - a descriptor, not a path
                write(opened.fileno(), self._folder / name)
            out.publish()


class NoPrinter:
    """For a ceremony that prints nothing: there is no printer beside the key."""

    def check(self) -> None:
        """Raise RefusedError."""
        message = "Nothing is printed in this ceremony."
        raise RefusedError(message)

    def print(self, write: Write, title: str = SHEET, media: str | None = None) -> None:  # noqa: ARG002 - the interface
        """Raise RefusedError."""
        self.check()


def nobody_types(_: Collection) -> list[Verdict]:
    """Stands in for people at a keyboard. Raises PageError."""
    message = "Nobody is here to type the words of a sheet."
    raise PageError(message)


def _typed_instead(what: str, share: str, how: str, ask: Questions) -> bool:
    """Wait until a sheet is where it is read, or say that its words are typed instead."""
    while answer := ask.line(Asked.SHEET, share=share, what=what, how=how):
        if answer.lower() == TYPE:
            return True
        ask.say(f"Enter alone reads the sheet, '{TYPE}' types it. Commands: note, exception, pause, abort.")
    return False


def _typed(typing: Typing, collection: Collection, ask: Questions) -> list[Verdict]:
    """Have one sheet typed. Raises PageError when it was put aside."""
    if not (found := typing(collection)):
        message = "No sheet was typed to its end: what was typed of it is forgotten, and all else is kept."
        raise PageError(message)
    if any(verdict.valid for verdict in found):
        ask.say("Its words are good. If its code could not be read, have that noted as an exception.")
    return found


class Scans:
    """A folder into which the scanner's own program writes. What was read is removed at once."""

    def __init__(self, folder: Path, typing: Typing = nobody_types, *, allow_disk: bool = False) -> None:
        """Raises RefusedError for a folder on a disk: scans of sheets would stay there."""
        if not allow_disk and not is_memory_backed(folder):
            message = f"{folder} is on a disk, where scans of sheets stay readable: name a folder below /dev/shm."
            raise RefusedError(message)
        self._folder, self._typing = folder, typing

    def read(
        self, collection: Collection, what: str, share: str, ask: Questions, *, or_typed: bool = False
    ) -> list[Verdict]:
        """Read and remove every file in the folder."""
        if not or_typed:
            return self._each(collection.add_file, what, share, ask)
        if _typed_instead(what, share, self._how, ask):
            return _typed(self._typing, collection, ask)
        return self._files(collection.add_file)

    def codes(self, what: str, name: str, ask: Questions) -> list[str]:
        """Read and remove every file in the folder."""
        return self._each(read_codes, what, name, ask)

    def passwords(self, wanted: Mapping[str, Secret], ask: Questions) -> list[str]:
        """Read and remove every file in the folder."""
        return self._each(partial(handover.found_in, wanted), _HANDOVER_SHEET, HANDOVER, ask)

    def _each(self, read: Callable[[Path], list[T]], what: str, name: str, ask: Questions) -> list[T]:
        ask.enter(Asked.SCAN, share=name, what=what, how=self._how)
        return self._files(read)

    @property
    def _how(self) -> str:
        return f"scan it into {self._folder}"

    def _files(self, read: Callable[[Path], list[T]]) -> list[T]:
        files = sorted(path for path in self._folder.iterdir() if path.is_file() and not path.name.startswith("."))
        if links := [path.name for path in files if path.is_symlink()]:
            message = (
                f"{', '.join(links)} in {self._folder} is a link: a scan would stay where it leads. Scan into here."
            )
            raise PageError(message)
        if not files:
            message = f"There is no scan in {self._folder}: scan the sheet, and wait until the scanner has finished."
            raise PageError(message)
        found: list[T] = []
        for file in files:
            try:
                found += read(file)
            finally:
                file.unlink(missing_ok=True)
        return found


class Camera:
    """A camera before which sheets are held; or a video of that, watched from its beginning each time."""

    def __init__(
        self,
        camera: Path,
        enter_pressed: Callable[[], bool],
        typing: Typing = nobody_types,
        *,
        allow_disk: bool = False,
    ) -> None:
        """Raises RefusedError for a video on a disk: sheets could be read from it later."""
        if not (is_live(camera) or allow_disk or is_memory_backed(camera)):
            message = f"{camera} is a video on a disk, where sheets stay readable: name a camera, such as /dev/video0."
            raise RefusedError(message)
        self._camera, self._enter_pressed, self._typing = camera, enter_pressed, typing

    def read(
        self, collection: Collection, what: str, share: str, ask: Questions, *, or_typed: bool = False
    ) -> list[Verdict]:
        """Watch until a sheet was seen, Enter was pressed, or the video is over."""
        how = f"hold it before {self._camera}"
        if not or_typed:
            ask.enter(Asked.SCAN, share=share, what=what, how=how)
        elif _typed_instead(what, share, how, ask):
            return _typed(self._typing, collection, ask)
        ask.say("The camera is on. Hold the sheet flat and still; Enter gives up.")
        at = 0
        while True:
            glance = self._watch(collection, at)
            at = glance.frame
            if glance.ending is Ending.NEWS:
                collection.verdicts += [verdict for verdict in glance.verdicts if not verdict.valid]
                return list(glance.verdicts)
            if glance.ending in {Ending.STOPPED, Ending.OVER}:
                message = f"No new sheet was seen by {self._camera}."
                raise PageError(message)
            seen = "Only what was seen before is seen" if glance.ending is Ending.KNOWN else "No code is seen"
            ask.say(f"{seen}. Fill the picture with the sheet, and give it light.")

    def codes(self, what: str, name: str, ask: Questions) -> list[str]:
        """Watch until Enter was pressed, nothing new was seen for a while, or the video is over."""
        ask.enter(Asked.SCAN, share=name, what=what, how=f"hold one page after the other before {self._camera}")
        ask.say("The camera is on. Hold each page flat and still for two seconds; Enter ends.")
        try:
            found = watch_codes(self._camera, self._enter_pressed)
        except WorkerError:
            message = f"The pictures of {self._camera} are damaged beyond reading: film the pages again."
            raise PageError(message) from None
        ask.say(f"{len(found)} different codes were seen.")
        return found

    def passwords(self, wanted: Mapping[str, Secret], ask: Questions) -> list[str]:
        """Watch until both were seen, Enter was pressed, or nothing new was seen for a while."""
        ask.enter(Asked.SCAN, share=HANDOVER, what=_HANDOVER_SHEET, how=f"hold it before {self._camera}")
        ask.say("The camera is on. Hold the sheet flat and still; Enter gives up.")
        try:
            return handover.seen_by(wanted, self._camera, self._enter_pressed)
        except WorkerError:
            message = f"The pictures of {self._camera} are damaged beyond reading: film the sheet again."
            raise PageError(message) from None

    def _watch(self, collection: Collection, at: int) -> Glance:
        try:
            return collection.add_camera(self._camera, at, (), self._enter_pressed)
        except WorkerError:
            message = f"The pictures of {self._camera} are damaged beyond reading: film the sheet again."
            raise PageError(message) from None
