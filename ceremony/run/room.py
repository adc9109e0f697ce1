"""Where a ceremony is rehearsed: paper that is made up, and a loss of power.

Each class but the room is a desk around another: it adds one thing, and hands the rest on.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ceremony.planning.plan import Plan
from ceremony.rules.lists import listing_of
from ceremony.rules.steps import Action
from ceremony.run.paper import HANDOVER, OLD_SET, PACKAGE_SHEETS, TEST_PAGE, photograph
from ceremony.run.questions import Asked, Desk, Fields
from ceremony.run.readback import Place
from ceremony.run.work import Target
from escrow import handover
from escrow.documents import made_up
from escrow.errors import PageError
from escrow.files import NewFiles, read_public
from escrow.gather import Collection
from escrow.judge import judge_file
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.online.tree import KEYS, PROVISIONER
from escrow.package import MAX_LENGTH, Package
from escrow.paper.scan import read_downwards, scan
from escrow.printing import SHEET
from escrow.sealing import PACKAGE_FILE
from escrow.share import Kind
from escrow.words import to_words

_LONGEST_WORDS = 64
_READ = frozenset({Asked.SCAN, Asked.SHEET})


class PowerLost(BaseException):
    """The power is lost, as far as the rehearsal goes. Nothing catches it but the rehearsal itself."""


class Room:
    """Where the rehearsed paper is: the tray of the printer, the folder of the scanner, the media."""

    def __init__(self, plan: Plan, base: Path, out: Path, old: Path | None = None) -> None:
        """`old` is the archive with the set that a refresh supersedes."""
        self.plan, self.out, self._old = plan, out, old
        self.tray, self.scans, self.media = base / "tray", base / "scans", base / "media"
        self.target = Target(self.media / f"restored-{plan.ceremony.id}")
        for folder in (self.tray, self.scans, self.media):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the set that was sealed."""
        return _manifest_in(self.out)

    @property
    def old(self) -> Manifest:
        """The manifest of the set that is superseded; where there is none, of the one that was sealed."""
        return _manifest_in(self._old) if self._old else self.manifest

    @property
    def made_up(self) -> Manifest:
        """The manifest of the set that the test page is of."""
        return made_up(Kind.SPECIMEN, self.plan.policy, self.plan.ca.name)

    def newest(self, title: str) -> Path:
        """The newest document with a title. Raises PageError if there is none."""
        found = sorted(self.tray.glob(f"*-{title}.pdf"))
        if not found:
            message = f"There is no {title} in the tray."
            raise PageError(message)
        return found[-1]

    def sheet(self, share: str, manifest: Manifest | None = None) -> Path:
        """The newest sheet of a share, or test page. Raises PageError if there is none."""
        if share == TEST_PAGE:
            return self.newest(share)
        manifest = manifest or self.manifest
        for path in sorted(self.tray.glob(f"*-{SHEET}.pdf"), reverse=True):
            found = Collection(manifest, keep=False)
            found.add_file(path)
            if any(manifest.policy.name_of(position) == share for position in found.present):
                return path
        message = f"There is no sheet of share {share} in the tray."
        raise PageError(message)

    def words_at(self, share: str, place: Place) -> Secret:
        """The words at a place of a share's newest sheet. The caller closes it."""
        manifest, path = self.made_up if share == TEST_PAGE else self.manifest, self.sheet(share)
        typed = Secret(_LONGEST_WORDS)

        def in_worker() -> bytes:
            record = next(record for record, _ in judge_file(manifest, path.name, path.read_bytes()) if record)
            row = to_words(record.encode())[place.row - 1]
            text = " ".join(row[column - 1] for column in place.columns).encode()
            typed.fill(text)
            return str(len(text)).encode()

        typed.shorten(int(isolate(in_worker, typed)))
        return typed

    def password_words_at(self, name: str, place: Place) -> Secret:
        """The words at a place of a password on the newest handover sheet. The caller closes it."""
        content = self.newest(HANDOVER).read_bytes()
        typed = Secret(_LONGEST_WORDS)

        def in_worker() -> bytes:
            texts = [text for page in scan(content, read_downwards) for text in page.texts]
            words = texts[(KEYS, PROVISIONER).index(name)].split("-")[handover.COLUMNS * (place.row - 1) :]
            typed.fill(" ".join(words[column - 1] for column in place.columns).encode())
            return b""

        isolate(in_worker, typed)
        return typed


def _manifest_in(folder: Path) -> Manifest:
    return Package.decode(read_public(folder / PACKAGE_FILE, MAX_LENGTH)).manifest


class Feeding:
    """Does what a rehearsal has nothing for: lays sheets into the scanner, reads their words, plugs media in."""

    def __init__(self, desk: Desk, room: Room) -> None:
        self._desk, self._room = desk, room
        self._fed: set[str] = set()
        self._share = ""

    def page(self, lines: Sequence[str]) -> None:
        """Hand on."""
        self._desk.page(lines)
        self._fed.clear()

    def say(self, text: str) -> None:
        """Hand on."""
        self._desk.say(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        """Hand on what people can answer; make a scan from the tray, and a folder for a medium."""
        if asked is Asked.SCAN and fields["share"] == PACKAGE_SHEETS:
            self._desk.say("The rehearsal scans the newest package sheets.")
            with NewFiles(self._room.scans) as out:
                out.write(f"{PACKAGE_SHEETS}.pdf", self._room.newest(PACKAGE_SHEETS).read_bytes())
                out.publish()
            return ""
        if asked is Asked.SCAN and fields["share"] == HANDOVER:
            self._desk.say("The rehearsal lays the handover sheet into the scanner.")
            with NewFiles(self._room.scans) as out:
                photograph(self._room.newest(HANDOVER), out, f"{HANDOVER}.png")
                out.publish()
            return ""
        if asked in _READ:
            manifest = self._room.old if fields["share"] == OLD_SET else None
            self._share = str(fields["share"]).replace(OLD_SET, "") or self._next_share()
            what = "the test page" if self._share == TEST_PAGE else f"the sheet of share {self._share}"
            self._desk.say(f"The rehearsal lays {what} into the scanner.")
            with suppress(PageError), NewFiles(self._room.scans) as out:
                photograph(self._room.sheet(self._share, manifest), out, f"{self._share}.png")
                out.publish()
            return ""
        if asked is Asked.MEDIUM:
            folder = self._room.media / f"{fields['of']}-{fields['copy']}"
            folder.mkdir(mode=0o700, exist_ok=True)
            self._desk.say(f"The rehearsal uses the folder {folder} as a medium.")
            return str(folder)
        return self._desk.line(asked, fields)

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """Hand on; words of a sheet are read from the one that was laid into the scanner last."""
        place = fields.get("place")
        if not isinstance(place, Place):
            return self._desk.secret(asked, fields)
        self._desk.say(f"The rehearsal types words {place.columns_text} of row {place.row}.")
        if asked is Asked.HANDOVER_WORDS:
            return self._room.password_words_at(str(fields["password"]), place)
        return self._room.words_at(self._share, place)

    def _next_share(self) -> str:
        policy = self._room.old.policy
        share = next(name for p in policy.positions if (name := policy.name_of(p)) not in self._fed)
        self._fed.add(share)
        return share


class Losing(Feeding):
    """Loses the power once: when the sheet after a quorum is to be read, or before a key is used."""

    def __init__(self, desk: Desk, room: Room) -> None:
        super().__init__(desk, room)
        self._read: set[str] = set()
        self._lost = False
        using = {Action.PROVE_KEYS, *([Action.PRINT] if room.plan.reissue else [])}
        proving = [step.number for step in listing_of(room.plan).steps if step.action in using]
        self._before = f"step {proving[0]}" if proving else None

    def page(self, lines: Sequence[str]) -> None:
        """Hand on, or lose the power where shares that were read are about to be used."""
        if self._before and lines[0].endswith(self._before) and not self._lost:
            self._lose()
        self._desk.page(lines)

    def line(self, asked: Asked, fields: Fields) -> str:
        """Hand on, or lose the power."""
        policy = self._room.plan.policy
        if asked is Asked.PHRASE and fields["phrase"] == "issue" and not self._lost:
            self._lose()
        if asked in _READ:
            read = [p for p in policy.positions if policy.name_of(p) in self._read]
            if not self._lost and not policy.missing(read):
                self._lose()
            self._read.add(str(fields["share"]))
        return self._desk.line(asked, fields)

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """Hand on."""
        return self._desk.secret(asked, fields)

    def _lose(self) -> NoReturn:
        self._lost = True
        self._desk.say("The rehearsal loses the power here, and the program is started again.")
        raise PowerLost
