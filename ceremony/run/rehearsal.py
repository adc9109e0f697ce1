"""A ceremony with specimen material: the same engine, with paper that is made up, and a loss of power.

Each class is a desk around another: it adds one thing, and hands the rest on.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ceremony import spoken
from ceremony.planning.plan import Plan
from ceremony.rules.state import Phase, State
from ceremony.run.examine import Examine
from ceremony.run.keeping import keep_archive
from ceremony.run.paper import HANDOVER, PACKAGE_SHEETS, TEST_PAGE, Scans, Tray, photograph
from ceremony.run.questions import Asked, Desk, Fields
from ceremony.run.readback import Place
from ceremony.run.room import Room
from ceremony.run.session import hold
from escrow import __version__, recovery
from escrow.authority import PasswordSource, import_tree
from escrow.errors import PageError, UsageError
from escrow.files import NewFiles
from escrow.issuing.profile import MAX_CA_NAME
from escrow.memory import Secret
from escrow.progress import Progress
from escrow.sealing import PACKAGE_FILE
from escrow.share import Kind

_LONGEST_WORDS = 64


class PowerLost(BaseException):
    """The power is lost, as far as the rehearsal goes. Nothing catches it but the rehearsal itself."""


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
    """Loses the power once: when the sheet after a quorum of sheets is to be read back."""

    def __init__(self, desk: Desk, room: Room) -> None:
        super().__init__(desk, room)
        self._read: set[str] = set()
        self._lost = False

    def line(self, asked: Asked, fields: Fields) -> str:
        """Hand on, or lose the power."""
        policy = self._room.plan.policy
        if asked is Asked.SCAN:
            read = [p for p in policy.positions if policy.name_of(p) in self._read]
            if not self._lost and not policy.missing(read):
                self._lost = True
                self._desk.say("The rehearsal loses the power here, and the program is started again.")
                raise PowerLost
            self._read.add(str(fields["share"]))
        return self._desk.line(asked, fields)

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """Hand on."""
        return self._desk.secret(asked, fields)


class Answering:
    """Answers everything as people would who do everything right, and shows what is done."""

    def __init__(self, room: Room, show: Callable[[str], None]) -> None:
        self._room, self._show = room, show
        self._bags = itertools.count(1)
        self._bag = ""

    def page(self, lines: Sequence[str]) -> None:
        """Show the number of the step and who acts."""
        who = lines[lines.index("") + 1]
        self._show(f"{lines[0].rpartition('  ')[2]}: {who.removesuffix(':')}")

    def say(self, text: str) -> None:
        """Say nothing: the journal has it."""

    def line(self, asked: Asked, fields: Fields) -> str:
        """The answer; Enter to whatever needs no other."""
        if asked in {Asked.BAG, Asked.BAG_HANDOVER}:
            self._bag = f"SPECIMEN-{next(self._bags):03}"
        elif asked is Asked.CHECK_WORDS:
            return " ".join(spoken.check_words(self._room.plan.digest, str(fields["step"])))
        answers = {
            Asked.PHRASE: fields.get("phrase"),
            Asked.BAG: self._bag,
            Asked.BAG_HANDOVER: self._bag,
            Asked.BAG_AGAIN: self._bag,
            Asked.DESTROYED: fields.get("sheets"),
            Asked.AT: dt.datetime.now(dt.UTC).strftime("%H:%M"),
            Asked.DISPOSITION: "accepted",
            Asked.SENTENCE: "Part of the rehearsal.",
            Asked.TRY_AGAIN: "print",
            Asked.TIME: dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M"),
        }
        return str(answers.get(asked, ""))

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """The officers' halves of the plan's words. Raises UsageError for what nobody is here to answer."""
        words = self._room.plan.words
        if asked is not Asked.HALF:
            message = f"Nobody is here to answer {asked.name}."
            raise UsageError(message)
        first = fields["officer"] == self._room.plan.officers[0].name
        return Secret.of(" ".join(words[:16] if first else words[16:]).encode())


def rehearse_plan(  # noqa: PLR0913 - all that a rehearsal works with
    plan: Plan,
    *,
    out: Path,
    paper: Path,
    desk: Desk | None,
    preflight: Examine,
    passwords: PasswordSource,
    progress: Progress,
    show: Callable[[str], None],
) -> State:
    """Hold a plan's ceremony with specimen material, a loss of power and a recovery included.

    Its archive is left in `out`; what is printed and scanned lies in the empty folder `paper`.
    Without a desk nobody is asked. Returns the state at the end.
    """
    generated = {
        "keys": "generate",
        "tree": None,
        "name": plan.ca.name[:MAX_CA_NAME],
    }  # real keys are not rehearsed with
    specimen = replace(
        plan,
        ceremony=plan.ceremony.model_copy(update={"kind": Kind.SPECIMEN}),
        ca=plan.ca.model_copy(update=generated),
    )
    room = Room(specimen, paper, out)
    around = Losing(Feeding(desk or Answering(room, show), room), room)
    while True:
        with suppress(PowerLost):
            state = hold(
                specimen,
                out=out,
                printer=Tray(room.tray),
                paper=Scans(room.scans, allow_disk=True),
                passwords=passwords,
                forget_passwords=lambda: None,  # a rehearsal imports no key
                desk=around,
                preflight=preflight,
                progress=progress,
                version=__version__,
            )
            break
    keep_archive(specimen, out, around, Kind.SPECIMEN)
    if state.phase is Phase.CLOSED:
        _recover(room, progress)
    return state


def _recover(room: Room, progress: Progress) -> None:
    """Restore the CA from the first copy of the package and a quorum of sheets, and open it again."""
    first = next((room.media / "package-1").glob(f"*/{PACKAGE_FILE}"))
    sealed = recovery.read_package(first, progress)
    policy = room.plan.policy
    sheets = [room.sheet(policy.name_of(position)) for position in policy.choose(policy.positions)]
    collection = recovery.gather(sealed.manifest, sheets, keep=True, progress=progress)
    recovery.require_quorum(collection)
    with recovery.recombine(collection) as wrapping_key:
        collection.close()
        members = recovery.open_checked(sealed, wrapping_key)
    restored = room.media / "restored"
    with Secret.of(b"rehearsal") as password:
        with NewFiles(restored) as out:
            recovery.restore(sealed.manifest, members, (), password, out=out, progress=progress)
            out.publish()
        import_tree(restored, lambda *_: password, progress, dt.datetime.now(dt.UTC)).close()
    for member in members.values():
        member.close()
