"""What passes between the program and the people: questions, answers, and the work that asks them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

from ceremony.rules.state import Incident, State
from ceremony.rules.steps import Step, of_share
from escrow.errors import EscrowError
from escrow.memory import Secret

FAILED = "This did not succeed: "
"""How it is told that a step did not succeed; the problem follows."""

TYPE = "type"
"""What is typed when a sheet can be neither scanned nor shown to a camera: its words are typed."""

PRINT = "print"
"""What is typed when paper is spoilt: it is shredded, and printed anew."""


class Asked(Enum):
    """What is asked. The value is what the person reads, filled in where there are braces."""

    BEGIN = "Enter begins"
    READY = "Enter goes on"
    RETRY = "Enter tries this step again"
    SEEN = "Is it as expected? Enter says yes; if not, type exception"
    READ = "Enter shows the certificates"
    COMPARED = "Is certificate {number} as on your paper, line by line? Enter says yes; if not, type exception"
    DRAFTED = "Is every line as planned? Enter says yes; if not, type exception or abort"
    CLEAR = "Is it as expected? Enter says yes; type print if the sheet is spoilt"
    PHRASE = "Type '{phrase}'"
    CHECK_WORDS = "The check words beside this step, from a witness's script"
    AT = "The time that the script has beside this step, in UTC, as HH:MM"
    HALF = "{officer}: your half, words {first} to {last}"
    WORDS = "Row {row}: words {columns} of the sheet, with blanks between"
    HANDOVER_WORDS = "Password of {name}, row {row}: words {columns} of the sheet, with blanks between"
    BAG = "Number of the bag of share {share}"
    BAG_HANDOVER = "Number of the bag of the handover sheet"
    BAG_AGAIN = "The same number once more"
    OPENED = "Whose bags were opened besides, for a proof that was broken off (of {shares}; Enter if none)"
    COPY = "Number of the copy of the package that is used (Enter if none can be had)"
    REACHED = "Was {custodian} (share {share}), or the deputy, reached in the way the list says: type yes or no"
    SHOWN = "Number of the closed bag of share {share} (Enter if it is not here)"
    NOT_GOOD = "Type 'again' to read the sheet once more, or 'bad' to note that it cannot be used"
    TIME = "{officer}: the time in UTC by your watch (YYYY-MM-DD HH:MM)"
    SCAN = "{what}: {how}, then press Enter"
    SHEET = "{what}: {how}, then press Enter; if it cannot be read so, 'type' has its words typed"
    PRINTED = "Whole, clear, and in its place? Enter says yes; type print if it is spoilt"
    PRINT_AGAIN = "Enter prints it again"
    TRY_AGAIN = "Type 'again' or 'print'"
    MEDIUM = "Number or folder of the medium for {what}. Enter looks again"
    TAKE_OUT = "Take {what} out, then press Enter ('again' begins this copy anew)"
    PUT_IN = "Put {what} in again and mount it. Enter looks for it, or name its folder ('again' begins this copy anew)"
    KEEP = "{what}: Enter writes it, 'skip' leaves it for later"
    DESTROYED = "How many sheets were shredded"
    NEW_PASSWORD = "A new password for the restored keys"  # noqa: S105 - a question
    PIN = "PIN of the token {token}"
    PASSWORD_AGAIN = "The same password once more"  # noqa: S105 - the same
    OLD_SHEETS = "Which other old sheets are here, to be shredded with those that were read (of {known}; Enter if none)"
    OLD_COPIES = "Which old copies of the package are here, to be destroyed (of {known}; Enter if none)"
    NOTE = "The note"
    EXPECTED = "What was expected"
    HAPPENED = "What happened"
    DONE = "What was done about it"
    TOUCHES = "What does it touch: c, i, a, or nothing (confidentiality, integrity, availability)"
    WRITTEN = "Is that right? Enter writes it into the journal, 'back' changes it"
    DISPOSITION = "Disposition of exception {number} ({happened}): type accepted, mended or abort"
    SENTENCE = "Why, in a sentence"
    PAUSED = "Paused. Enter goes on"
    REASON = "Why is the ceremony aborted"
    SURE = "Everything in memory is wiped now and the sheets that came out must be destroyed. Type 'abort' to do so"

    def text(self, fields: Mapping[str, object]) -> str:
        """The question with its braces filled."""
        return self.value.format(**fields)


Fields = Mapping[str, object]
"""What fills the braces of a question."""


class Desk(Protocol):
    """Where the program meets people."""

    def page(self, lines: Sequence[str]) -> None:
        """Show one step on a screen of its own."""

    def say(self, text: str) -> None:
        """Add something to the screen."""

    def line(self, asked: Asked, fields: Fields) -> str:
        """One line, as typed, without white space around it."""

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """One line that is neither shown nor copied. The caller closes it."""


class Aborted(Exception):  # noqa: N818 - no error: a decision
    """The people have decided to end the ceremony."""


class StepError(EscrowError):
    """A step did not succeed; `again` is the step that has to be done once more before it, if any.

    With `told`, the people know already and have said what is to be done: the step comes again without a question.
    An `incident` becomes an exception.
    """

    def __init__(
        self, message: str, again: str | None = None, *, told: bool = False, incident: Incident | None = None
    ) -> None:
        super().__init__(message)
        self.again, self.told, self.incident = again, told, incident


Facts = Mapping[str, Any]


class Work(Protocol):
    """What is done in steps: by action; each takes the step and the state and returns public facts."""

    def do(self, step: Step, state: State, ask: "Questions") -> Facts:
        """Do a step's action. Raises EscrowError, StepError, Aborted."""

    def forget(self) -> None:
        """Wipe everything secret."""

    def end(self) -> None:
        """Sign the journal, which has its last entry now."""


class Questions:
    """Asks; and whatever is asked, a person may answer with note, exception, pause or abort."""

    def __init__(self, desk: Desk, commands: Mapping[str, Callable[[], None]]) -> None:
        self._desk, self._commands = desk, commands

    def page(self, lines: Sequence[str]) -> None:
        """Show something on a screen of its own."""
        self._desk.page(lines)

    def say(self, text: str) -> None:
        """Tell something."""
        self._desk.say(text)

    def line(self, asked: Asked, answers: Collection[str] = (), /, **fields: object) -> str:
        """A line that is no command. Words that are `answers` here are none."""
        while (answer := self._desk.line(asked, fields)).lower() in self._commands.keys() - set(answers):
            self._commands[answer.lower()]()
        return answer

    def secret(self, asked: Asked, **fields: object) -> Secret:
        """A line that is not shown and is no command. The caller closes it."""
        while True:
            answer = self._desk.secret(asked, fields)
            command = next((name for name in self._commands if answer.view == name.encode()), None)
            if not command:
                return answer
            answer.close()
            self._commands[command]()

    def enter(self, asked: Asked, **fields: object) -> None:
        """Wait for Enter alone. Whatever else is typed, a 'stop' above all, does not go on."""
        while self.line(asked, **fields):
            self.say("Nothing is done until Enter alone is pressed. Commands: note, exception, pause, abort.")

    def exactly(self, asked: Asked, wanted: str, **fields: object) -> None:
        """Ask until the wanted words are typed; blanks and letter case do not matter."""
        while self.line(asked, **fields).lower().split() != wanted.lower().split():
            self.say("That is something else. Nothing was done.")


def is_spoilt(ask: Questions, problem: str) -> bool:
    """Whether paper that could not be read is spoilt, and printed again; otherwise it is read again."""
    ask.say(problem)
    ask.say("again: the paper is good, and is read once more.")
    ask.say("print: the paper is spoilt. Shred it first; then it is printed anew.")
    while (answer := ask.line(Asked.TRY_AGAIN).lower()) not in {"again", PRINT}:
        pass
    return answer == PRINT


def print_again(step: Step, problem: str) -> StepError:
    """The failure of a sheet that has to be printed once more."""
    return StepError(problem, of_share("print", step.position) if step.position else None, told=True)
