"""The people of a ceremony, played at a pseudo-terminal: they read what is asked and answer it, paper included."""

import datetime as dt
import itertools
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from helpers import TIMEOUT, Terminal

from ceremony import spoken
from ceremony.planning.plan import Plan, load
from escrow.memory.process import HARDENED_ENVIRONMENT
from escrow.paper.raster import pictures
from escrow.paper.scan import read_downwards, scan
from escrow.share import Record
from escrow.words import to_words

TEMPLATE = Path(__file__).parent.parent / "templates/ceremony.toml"

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Room:
    """Where a ceremony is held: its plan, and the folders that stand for printer, scanner and media."""

    base: Path
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        for name in ("tray", "scans", *(f"{of}-{n}" for of in ("package", "archive", "online") for n in (1, 2))):
            (self.base / name).mkdir(exist_ok=True)
        self.plan = load(self.base / "ceremony.toml")

    @property
    def out(self) -> Path:
        """The ceremony's folder."""
        return self.base / "out"

    def command(self) -> list[object]:
        """How the ceremony is begun, and gone on with."""
        return [
            # As the program would start itself again; done at once, every session begins a second earlier.
            *("env", *(f"{name}={value}" for name, value in HARDENED_ENVIRONMENT.items())),
            *(sys.executable, "-m", "ceremony", "run", self.base / "ceremony.toml", "--out", self.out),
            *("--scans", self.base / "scans", "--tray", self.base / "tray"),
        ]

    def newest(self, title: str) -> Path:
        """The newest document in the tray with a title."""
        return max((self.base / "tray").glob(f"*-{title}.pdf"))

    def sheets(self) -> dict[str, Path]:
        """The newest sheet of each share in the tray, by the share's name."""
        found = {}
        for path in sorted((self.base / "tray").glob("*-sheet.pdf")):
            found[self.plan.policy.name_of(record_on(path).position)] = path
        return found


def room(base: Path, *, threshold: int = 3, custodians: int = 5) -> Room:
    """A room for a specimen ceremony by the example plan, with fewer custodians if that is quicker."""
    text = TEMPLATE.read_text().replace('kind = "production"', 'kind = "specimen"')
    head, *rest = text.split("[[custodian]]")
    tail = rest[-1][rest[-1].index("# Officers carry") :]
    blocks = ["[[custodian]]" + block for block in (*rest[:-1], rest[-1].removesuffix(tail))]
    text = head.replace("threshold = 3", f"threshold = {threshold}") + "".join(blocks[:custodians]) + tail
    (base / "ceremony.toml").write_text(text)
    return Room(base)


@dataclass(frozen=True)
class Held:
    """A ceremony that was held: its room, what was shown and asked."""

    room: Room
    shown: str
    asked: tuple[str, ...]


def record_on(sheet: Path) -> Record:
    """The share on a sheet."""
    return Record.from_text(next(scan(sheet.read_bytes())).texts[0])


def passwords_on(sheet: Path) -> dict[str, str]:
    """The passwords on a handover sheet: the first code is that of the keys."""
    (page,) = scan(sheet.read_bytes(), read_downwards)
    return dict(zip(("the keys", "the provisioner"), page.texts, strict=True))


class Player:
    """Answers whatever is asked. `answers` are for questions that begin so, in turn, instead of its own."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.terminal = Terminal(*room.command())
        self.asked: list[str] = []
        self.answers: dict[str, list[str]] = {}
        self.bags: Iterator[int] = itertools.count(int(time.monotonic() * 1000))
        self._bag = ""
        self._phrase = ""
        self._share = ""
        self._answered = 0

    def play(self, until: Callable[[str], bool] = lambda _: False) -> None:
        """Answer until the program ends, or until a question is asked for which `until` holds."""
        while (question := self._question()) is not None:
            self.asked.append(question)
            if until(question):
                return
            self._answered = len(self.terminal.shown)
            self.terminal.type(self.answer(question) + "\n")

    def end(self) -> int:
        """Wait for the program's end."""
        return self.terminal.end()

    @property
    def screen(self) -> str:
        """Everything shown since the last page, on one line."""
        return _plain(self.terminal.shown.rpartition("\x1b[H\x1b[2J")[2])

    def answer(self, question: str) -> str:
        """What the people in the room would type."""
        for beginning, waiting in self.answers.items():
            if waiting and question.startswith(beginning):
                return waiting.pop(0)
        for pattern, reply in self._replies.items():
            if match := re.match(pattern, question):
                return str(reply(*match.groups()))
        return ""  # Enter

    @property
    def _replies(self) -> dict[str, Callable[..., object]]:
        return {
            r"(.*): your half": self._half,
            r"Type 'again'": lambda: "again",  # a scan of before a crash may lie beside the new one
            r"Type '(.*)'": self._type_phrase,
            r"The check words": self._check_words,
            r"Row (\d): words (\d), (\d) and (\d)": self._words_of_sheet,
            r"Password of (the \w+), row (\d): words (\d), (\d) and (\d)": self._words_of_handover,
            r"Number of the bag": self._new_bag,
            r"The same number": lambda: self._bag,
            r".*the sheet of share (.+): (?:scan|hold) it": self._scan_share,
            r"a sheet that had been read back": self._scan_another,
            r"a sheet of the set": self._scan_another,
            r"the test page: (?:scan|hold) it": self._scan_test_page,
            r"the handover sheet: (?:scan|hold) it": self._scan_handover,
            r"Number or folder of the medium for the tree": lambda: self.room.base / "online-1",
            r"the package sheets for": self._scan_package_sheets,
            r"Number or folder of the medium for copy (\d) of the (\w+)": lambda n, of: self.room.base / f"{of}-{n}",
            r".*: the time in UTC": lambda *_: dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M"),
            r"How many sheets": self._count_sheets,
            r"What (was|happened)": lambda _: "as written here",
            r"The time that the script": lambda: dt.datetime.now(dt.UTC).strftime("%H:%M"),
            r"Disposition": lambda: "accepted",
            r"Why, in a sentence": lambda: "all present agree",
        }

    def _half(self, officer: str) -> str:
        words = self.room.plan.words
        return " ".join(words[:16] if officer == self.room.plan.officers[0].name else words[16:])

    def _type_phrase(self, phrase: str) -> str:
        self._phrase = phrase
        return phrase

    def _check_words(self) -> str:
        return " ".join(spoken.check_words(self.room.plan.digest, self._phrase.replace(" ", "-")))

    def _words_of_sheet(self, row: str, *columns: str) -> str:
        sheet = self.room.sheets()[self._share] if self._share else self.room.newest("test-page")
        grid = to_words(record_on(sheet).encode())
        return " ".join(grid[int(row) - 1][int(column) - 1] for column in columns)

    def _new_bag(self) -> str:
        self._bag = f"B{next(self.bags)}"
        return self._bag

    def _scan_share(self, name: str) -> str:
        self._share = name
        self.scan(self.room.sheets()[name])
        return ""

    def _scan_test_page(self) -> str:
        self._share = ""
        self.scan(self.room.newest("test-page"))
        return ""

    def _scan_handover(self) -> str:
        self.scan(self.room.newest("handover"))
        return ""

    def _words_of_handover(self, whose: str, row: str, *columns: str) -> str:
        words = passwords_on(self.room.newest("handover"))[whose].split("-")
        return " ".join(words[4 * (int(row) - 1) + int(column) - 1] for column in columns)

    def _scan_package_sheets(self) -> str:
        """As one file of all pages, as a scanner with a feeder makes it."""
        (self.room.base / "scans/package-sheets.pdf").write_bytes(self.room.newest("package-sheets").read_bytes())
        return ""

    def _scan_another(self) -> str:
        known = self.room.sheets()
        read = [name for name in known if f"Share {name} (" in self.screen]
        self.scan(next(path for name, path in known.items() if name not in read))
        return ""

    def _count_sheets(self) -> int:
        shares = re.search(r"the sheets of shares ([^.]+)\.", self.screen)
        return len(re.findall(r"(?<!group )\b\d+", shares[1])) if shares else 0

    def scan(self, sheet: Path) -> None:
        """Lay a sheet into the scanner."""
        page = next(pictures(sheet.read_bytes(), 200))
        page.save(self.room.base / "scans" / f"{sheet.stem}.png")

    def _question(self) -> str | None:
        """What is asked now; None when the program has ended."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            new = _plain(self.terminal.shown[self._answered :])
            if new and self.terminal.shown.endswith(": ") and self._is_waiting():
                if "(not shown)" in new[-20:] or "Password of the key" in new[-60:]:
                    self.terminal.wait_for_silence()
                return _last_question(new)
            if self.terminal.process.poll() is not None and not self._ready(0):
                return None
            assert time.monotonic() < deadline, f"nothing is asked; shown: {self.terminal.shown[-2000:]}"
            self._ready(0.05)

    def _ready(self, seconds: float) -> bool:
        return self.terminal.read(seconds)

    def _is_waiting(self) -> bool:
        """Whether the program sleeps at the terminal: a prompt was written whole, and nothing follows it."""
        return not self._ready(0.005)


def _plain(shown: str) -> str:
    return " ".join(_CONTROL.sub(" ", shown).split())


_QUESTIONS = re.compile(
    r"(Enter begins|Enter goes on|Enter shows the|Is certificate \d|Enter tries|Whole, clear|Enter prints it|"
    r"the test page: (?:scan|hold)|the package sheets for|"
    r"the handover sheet: (?:scan|hold)|Password of the|Take the tree|Put the tree|"
    r"Is it as expected|Type '|The check words|[^:.]*: your half|Row \d: words|"
    r"Number of the bag|The same number|[^:.]*the sheet of share [^:]+: (?:scan|hold)|a sheet that had been|"
    r"a sheet of the set|Is every line|"
    r"Number or folder|Take copy|Put copy|Copy \d of the archive, for|Whose bags were|[^:.]*: the time in UTC|"
    r"How many sheets|The note|What was expected|The time that the script|Why, in a|"
    r"What happened|What was done|Is that right|What does it touch|Disposition of|Paused|Why is the|"
    r"Everything in memory|"
    r"Enter shows more|Password of the key \S+)"
)


def _last_question(new: str) -> str:
    places = [match.start() for match in _QUESTIONS.finditer(new)]
    assert places, f"an unknown question: {new[-300:]}"
    return new[places[-1] :].strip().removesuffix(":").removesuffix(" (not shown)")
