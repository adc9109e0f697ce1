"""Put files onto a medium, have it taken out and put in again, and read them back from it.

What is read back proves something about the medium only if the kernel does not answer from its memory. So the file
system has to vanish from mountinfo in between: with its last mount the kernel gives up every page that it kept of it.
If the device got another sequence number meanwhile, it was detached, too. Neither holds for a plain folder, which only
practice may use: there the kernel is merely asked to forget.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ceremony.preflight.machine import Machine
from ceremony.run import media
from ceremony.run.identity import Identity
from ceremony.run.media import Medium
from ceremony.run.questions import Asked, Questions
from escrow.errors import EscrowError, FileError
from escrow.files import NewFiles, read_public
from escrow.share import Kind

PACKAGE, ARCHIVE, ONLINE, DELIVERY = "package", "archive", "online", "delivery"
_AGAIN = "again"


class Proof(Enum):
    """What happened to a medium between writing and reading."""

    UNPLUGGED = "unplugged"
    UNMOUNTED = "unmounted"
    FOLDER = "folder"


@dataclass(frozen=True)
class Load:
    """What is put onto a medium: what people call it, which copy of what it is, and the files of its folder there.

    `avoid` says by the beginnings of folders' names why a medium that has such a folder is not taken, and `taken` by
    what other copies are called which media have them.
    """

    what: str
    of: str
    copy: int
    folder: str
    files: Mapping[str, bytes]
    avoid: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, Identity] = field(default_factory=dict)

    @property
    def named(self) -> str:
        """What people call it, at the beginning of a sentence."""
        return f"{self.what[0].upper()}{self.what[1:]}"

    @property
    def size(self) -> int:
        """All bytes."""
        return sum(map(len, self.files.values()))


@dataclass(frozen=True)
class Copied:
    """Where a copy was read back, and after what; and which medium that is, if it is one."""

    place: Path
    proof: Proof
    identity: Identity | None


@dataclass(frozen=True)
class _Place:
    """Where a load goes: its folder, and the medium below it if there is one."""

    folder: Path
    medium: Medium | None


class Copying:
    """Asks for media, and copies onto them. `own` is the ceremony's folder."""

    def __init__(self, ask: Questions, machine: Machine, own: Path, kind: Kind) -> None:
        self._ask, self._machine, self._own, self._kind = ask, machine, own.resolve(), kind

    def copy(self, load: Load) -> Copied:
        """Copy onto a medium. Nothing is overwritten, so after a failure it is simply done again: raises FileError."""
        place = self._choose(load)
        try:
            _write(place.folder, load.files)
            self._ask.say(f"{load.named} is written: {place.folder}")
            self._take_out(load, place)
            back = self._put_in(load, place)
            self._check_free(back.medium, load)
            _compare(back.folder, load.files)
        except OSError as error:  # a medium that vanishes is missed in many ways
            message = f"Cannot use {place.folder}: {error.strerror}. Take the medium out, and use it again or another."
            raise FileError(message) from None
        return Copied(back.folder, _proof(place.medium, back.medium), back.medium.identity if back.medium else None)

    def _choose(self, load: Load) -> _Place:
        while True:
            shown = self._show()
            answer = self._ask.line(Asked.MEDIUM, what=load.what, of=load.of, copy=load.copy)
            if not answer:
                continue
            if answer.isdecimal() and answer.isascii():
                number = int(answer)
                if not 1 <= number <= len(shown):
                    self._ask.say(f"There is no medium {number} in this list.")
                    continue
                answer = shown[number - 1].point
            try:
                return self._place(Path(answer), load)
            except (EscrowError, OSError, ValueError) as error:
                self._ask.say(str(error))

    def _show(self) -> list[Medium]:
        """Show what is mounted, or else how to mount what is there."""
        found = media.mounted(self._machine, self._own)
        for number, medium in enumerate(found, 1):
            self._ask.say(f"{number}  {medium}")
        for device in media.waiting(self._machine):
            name = device.partition(" ")[0]
            self._ask.say(
                f"Not mounted: {device}. From another console (Alt-F2): 'udisksctl mount -b {name}', or as root "
                f"'mount {name} /mnt'."
            )
        if not found:
            self._ask.say("No medium is mounted. Put one in, mount it from another console (Alt-F2), and look again.")
        return found

    def _place(self, chosen: Path, load: Load) -> _Place:
        """The place for a load below a folder that was chosen. Raises FileError if it cannot go there."""
        if not chosen.is_absolute() or not chosen.is_dir():
            message = f"There is no folder {str(chosen)!r}: name one by its whole path, or a number of the list."
            raise FileError(message)
        medium = self._medium_at(chosen)
        self._check_free(medium, load)
        folder = chosen / load.folder
        for name in sorted(path.name for path in chosen.iterdir()):
            reason = next((why for begin, why in load.avoid.items() if name.startswith(begin)), None)
            if reason and name != load.folder:
                message = f"{chosen} has {name}: {reason}"
                raise FileError(message)
            if name.startswith((f"{load.of}-", "package.escrow")) and name != load.folder:
                self._ask.say(f"CAREFUL: {chosen} also has {name}, of something else. It is left as it is.")
        self._check_room(folder, medium, load)
        return _Place(folder, medium)

    def _check_free(self, medium: Medium | None, load: Load) -> None:
        """Raise FileError for a medium that has another copy, in whatever folder; practice is only told so."""
        if medium is None:
            return
        other = next((what for what, identity in load.taken.items() if medium.identity.is_that_of(identity)), None)
        if other is None:
            return
        message = f"{medium.source} at {medium.point} is the medium of {other}. Each copy needs a medium of its own."
        if self._kind is Kind.PRODUCTION:
            raise FileError(message)
        self._ask.say(f"SPECIMEN: production would refuse this. {message}")

    def _check_room(self, folder: Path, medium: Medium | None, load: Load) -> None:
        absent = [name for name, content in load.files.items() if not _is_there(folder / name, content)]
        if not absent or not medium:
            return
        if medium.read_only:
            message = (
                f"{medium.point} is read-only. Switch its write protection off and mount it again, or take another. A "
                f"disc is burnt from another console: a folder {load.folder} with {', '.join(absent[:5])}"
                f"{' and more' if absent[5:] else ''} from {self._own}. Then choose it again."
            )
            raise FileError(message)
        if medium.free < sum(len(load.files[name]) for name in absent):
            message = f"{medium.point} is full: {load.what} needs {load.size} bytes, and {medium.free} are free."
            raise FileError(message)

    def _medium_at(self, folder: Path) -> Medium | None:
        """The medium of a folder. Practice may do without one; production raises FileError."""
        try:
            return media.medium_at(self._machine, folder, self._own)
        except FileError as error:
            if self._kind is Kind.PRODUCTION:
                raise
            self._ask.say(f"SPECIMEN: production would refuse this. {error}")
            return None

    def _take_out(self, load: Load, place: _Place) -> None:
        """Wait until the file system is seen to be gone. Raises FileError if the people want to begin anew."""
        medium = place.medium
        if medium:
            self._ask.say(f"Unmount it: 'udisksctl unmount -b {medium.source}', or as root 'umount {medium.point}'.")
        while True:
            answer = self._ask.line(Asked.TAKE_OUT, what=load.what, of=load.of, copy=load.copy).lower()
            if answer and answer != _AGAIN:
                self._ask.say("Nothing is done until Enter alone is pressed, or again is typed.")
                continue
            if answer:
                message = f"{load.named} was written to {place.folder}, and not read back."
                raise FileError(message)
            if not medium or not (points := media.where(self._machine, medium)):
                return
            self._ask.say(f"{medium.source} is still mounted at {', '.join(points)}: unmount it, and take it out.")

    def _put_in(self, load: Load, place: _Place) -> _Place:
        """Wait until the folder is there again, wherever it is mounted by now."""
        while True:
            answer = self._ask.line(Asked.PUT_IN, what=load.what, of=load.of, copy=load.copy)
            if answer.lower() == _AGAIN:
                message = f"{load.named} was not read back from {place.folder}."
                raise FileError(message)
            points = [medium.point for medium in media.mounted(self._machine, self._own)]
            near = [Path(answer)] if answer else [place.folder.parent, *map(Path, points)]
            for folder in (parent / load.folder for parent in near if (parent / load.folder).is_dir()):
                if not place.medium:
                    return _Place(folder, None)
                try:
                    return _Place(folder, media.medium_at(self._machine, folder, self._own))
                except FileError as error:
                    self._ask.say(str(error))
            self._ask.say(f"No medium with the folder {load.folder} is mounted.")
            self._show()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write what is not there yet. Raises FileError for what is there and different."""
    absent = {name: content for name, content in files.items() if not _is_there(folder / name, content)}
    if not absent:
        return
    with NewFiles(folder) as out:
        out.discard_partial(absent)  # of a medium that was pulled out
        for name, content in absent.items():
            out.write(name, content)
        out.publish()


def _is_there(path: Path, content: bytes) -> bool:
    """Whether a file is there already, as it should be. Raises FileError if it is another one."""
    if not path.exists():
        return False
    if path.stat().st_size == len(content) and _read_again(path, len(content)) == content:
        return True
    message = f"{path} is there and is another file, which is not overwritten: take another medium, or another folder."
    raise FileError(message)


def _compare(folder: Path, files: Mapping[str, bytes]) -> None:
    wrong = [name for name, content in files.items() if _read_again(folder / name, len(content)) != content]
    if wrong:
        message = f"What {folder} gives back is not what was written ({', '.join(wrong)}): take another medium."
        raise FileError(message)


def _read_again(path: Path, limit: int) -> bytes:
    """A file, after the kernel was asked to forget what it keeps in memory of it (posix_fadvise(2)).

    A request, and no proof: pages that wait to be written, or are mapped, stay. What proves more is said above.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    return read_public(path, limit)


def _proof(before: Medium | None, after: Medium | None) -> Proof:
    if not before or not after:
        return Proof.FOLDER
    detached = before.sequence and after.sequence and before.sequence != after.sequence
    return Proof.UNPLUGGED if detached else Proof.UNMOUNTED
