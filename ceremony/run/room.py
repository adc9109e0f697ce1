"""Where a ceremony is rehearsed: paper that is made up, people who answer everything right, and a loss of power.

Each class but the room is a desk around another: it adds one thing, and hands the rest on.
"""

import datetime as dt
import itertools
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ceremony import spoken
from ceremony.planning.plan import Plan
from ceremony.rules.lists import listing_of
from ceremony.rules.steps import Action, position_of
from ceremony.run.before import BAGS
from ceremony.run.paper import HANDOVER, PACKAGE_SHEETS, TEST_PAGE, photograph
from ceremony.run.questions import FAILED, Asked, Desk, Fields
from ceremony.run.readback import Place
from escrow import handover
from escrow.documents import made_up
from escrow.errors import EscrowError, PageError, UsageError
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
_PAGES = 3  # so often is a step shown before the rehearsal gives up: again after a loss of power, too


class PowerLost(BaseException):
    """The power is lost, as far as the rehearsal goes. Nothing catches it but the rehearsal itself."""


class StuckError(EscrowError):
    """A step of a rehearsal did not succeed, and nobody is there to mend anything."""


class Room:
    """Where the rehearsed paper is: the tray of the printer, the folder of the scanner, the media."""

    def __init__(self, plan: Plan, base: Path, out: Path) -> None:
        self.plan, self.out = plan, out
        self.tray, self.scans, self.media = base / "tray", base / "scans", base / "media"
        for folder in (self.tray, self.scans, self.media):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the set that was sealed."""
        return Package.decode(read_public(self.out / PACKAGE_FILE, MAX_LENGTH)).manifest

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

    def sheet(self, share: str) -> Path:
        """The newest sheet of a share, or test page. Raises PageError if there is none."""
        if share == TEST_PAGE:
            return self.newest(share)
        manifest = self.manifest
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
        if asked is Asked.SCAN:
            self._share = str(fields["share"]) or self._next_share()
            what = "the test page" if self._share == TEST_PAGE else f"the sheet of share {self._share}"
            self._desk.say(f"The rehearsal lays {what} into the scanner.")
            with suppress(PageError), NewFiles(self._room.scans) as out:
                photograph(self._room.sheet(self._share), out, f"{self._share}.png")
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
        policy = self._room.plan.policy
        share = next(name for p in policy.positions if (name := policy.name_of(p)) not in self._fed)
        self._fed.add(share)
        return share


class Losing(Feeding):
    """Loses the power once: when the sheet after a quorum is to be read, or before a key is used."""

    def __init__(self, desk: Desk, room: Room) -> None:
        super().__init__(desk, room)
        self._read: set[str] = set()
        self._lost = False
        proving = [step.number for step in listing_of(room.plan).steps if step.action is Action.PROVE_KEYS]
        self._before = f"step {proving[0]}" if proving else None

    def page(self, lines: Sequence[str]) -> None:
        """Hand on, or lose the power where a drill is about to open the package."""
        if self._before and lines[0].endswith(self._before) and not self._lost:
            self._lose()
        self._desk.page(lines)

    def line(self, asked: Asked, fields: Fields) -> str:
        """Hand on, or lose the power."""
        policy = self._room.plan.policy
        if asked is Asked.PHRASE and fields["phrase"] == "issue" and not self._lost:
            self._lose()
        if asked is Asked.SCAN:
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


class Answering:
    """Answers everything as people would who do everything right, and shows what is done.

    Raises StuckError where a step has to be done again: nothing would be otherwise then.
    """

    def __init__(self, room: Room, show: Callable[[str], None]) -> None:
        self._room, self._show = room, show
        self._bags = itertools.count(1)
        self._bag = ""
        self._step, self._shown = "", 0
        self._said: list[str] = []
        self._printed_again: set[str] = set()

    def page(self, lines: Sequence[str]) -> None:
        """Show the number of the step and who acts."""
        step, who = lines[0].rpartition("  ")[2], lines[lines.index("") + 1]
        if step.startswith("step "):  # otherwise something to look at, within a step
            self._shown = self._shown + 1 if step == self._step else 1
            if self._shown > _PAGES:
                raise self._stuck()
            self._step, self._said = step, []
        self._show(f"{step}: {who.removesuffix(':')}")

    def say(self, text: str) -> None:
        """Say nothing: the journal has it."""
        self._said.append(text)

    def line(self, asked: Asked, fields: Fields) -> str:
        """The answer; Enter to whatever needs no other."""
        if asked in {Asked.BAG, Asked.BAG_HANDOVER}:
            self._bag = f"SPECIMEN-{next(self._bags):03}"
        elif asked is Asked.CHECK_WORDS:
            return " ".join(spoken.check_words(self._room.plan.digest, str(fields["step"])))
        elif asked is Asked.RETRY:
            raise self._stuck()
        elif asked is Asked.TRY_AGAIN:  # paper that lay in the scanner when the power was lost is printed anew, once
            if self._step in self._printed_again:
                raise self._stuck()
            self._printed_again.add(self._step)
        answers = {
            Asked.PHRASE: fields.get("phrase"),
            Asked.BAG: self._bag,
            Asked.BAG_HANDOVER: self._bag,
            Asked.BAG_AGAIN: self._bag,
            Asked.COPY: "1",
            Asked.REACHED: "yes",
            Asked.SHOWN: self._noted(str(fields.get("share"))),
            Asked.DESTROYED: fields.get("sheets"),
            Asked.AT: dt.datetime.now(dt.UTC).strftime("%H:%M"),
            Asked.DISPOSITION: "accepted",
            Asked.SENTENCE: "Part of the rehearsal.",
            Asked.TRY_AGAIN: "print",
            Asked.TIME: dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M"),
        }
        return str(answers.get(asked, ""))

    def _noted(self, share: str) -> str:
        """The bag that a share's sheet is in, as the archive has it that is carried on."""
        bags = self._room.out / BAGS
        if not bags.exists():
            return ""
        noted = json.loads(read_public(bags, MAX_LENGTH))
        policy = self._room.plan.policy
        return next((numbers[-1] for key, numbers in noted.items() if policy.name_of(position_of(key)) == share), "")

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """The officers' halves of the plan's words. Raises UsageError for what nobody is here to answer."""
        words = self._room.plan.words
        if asked is not Asked.HALF:
            message = f"Nobody is here to answer {asked.name}."
            raise UsageError(message)
        first = fields["officer"] == self._room.plan.officers[0].name
        return Secret.of(" ".join(words[:16] if first else words[16:]).encode())

    def _stuck(self) -> StuckError:
        """What ends the rehearsal: the step, and its problem."""
        told = [text.removeprefix(FAILED) for text in self._said if text.startswith(FAILED)] or self._said or ["?"]
        message = (
            f"The rehearsal ends: {self._step} did not succeed. {told[-1]} Nobody is here to mend that: mend it, and "
            "rehearse again; without --auto the step can be tried again."
        )
        return StuckError(message)
