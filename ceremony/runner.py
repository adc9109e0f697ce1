"""The guided runner: one step after the other, each shown, done, and written into the journal before the next.

What comes next is decided by `engine`, what a step does is done by a worker of type `Work`, who is asked is `Desk`:
nothing here reads, prints or knows a secret.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, Protocol

from ceremony import spoken
from ceremony.engine import Engine
from ceremony.interrupt import Interrupted
from ceremony.journal import Journal, JournalError
from ceremony.loss import Rule
from ceremony.plan import Plan
from ceremony.state import TOUCHES, State
from ceremony.steps import DESTROY_SHEETS, Action, Step, of_share
from ceremony.wording import Wording
from escrow.errors import EscrowError, place
from escrow.memory import Secret


class Asked(Enum):
    """What is asked. The value is what the person reads, filled in where there are braces."""

    READY = "Enter goes on"
    SEEN = "Is it as expected? Enter: yes"
    PHRASE = "Type '{phrase}'"
    CHECK_WORDS = "The check words beside this step, from a witness's script"
    HALF = "{officer}: your half of the words of the plan's hash, from your own copy"
    WORDS = "Row {row}: words {columns}"
    BAG = "Number of the bag of share {share}"
    BAG_AGAIN = "The same number once more"
    OPENED = "Whose bags were opened besides (of {shares}), for a proof that was broken off? Enter: nobody's"
    TIME = "{officer}: the time in UTC from your own watch, as YYYY-MM-DD HH:MM"
    SCAN = "{what}: {how}, then press Enter"
    TRY_AGAIN = "Type 'again' to read it again, or 'print' if the sheet is spoilt and destroyed"
    MEDIUM = "The folder where copy {copy} is mounted"
    REPLUGGED = "Take copy {copy} out and put it in again, then press Enter"
    DESTROYED = "How many sheets were shredded"
    NOTE = "The note"
    EXPECTED = "What was expected"
    HAPPENED = "What happened"
    DONE = "What was done about it"
    TOUCHES = "What does it touch: c, i, a, or nothing (confidentiality, integrity, availability)"
    DISPOSITION = "Disposition of exception {number} ({happened})"
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
    """A step did not succeed; `again` is the step that has to be done once more before it, if any."""

    def __init__(self, message: str, again: str | None = None) -> None:
        super().__init__(message)
        self.again = again


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

    def say(self, text: str) -> None:
        """Tell something."""
        self._desk.say(text)

    def line(self, asked: Asked, **fields: object) -> str:
        """A line that is no command."""
        while (answer := self._desk.line(asked, fields)).lower() in self._commands:
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

    def exactly(self, asked: Asked, wanted: str, **fields: object) -> None:
        """Ask until the wanted words are typed; blanks and letter case do not matter."""
        while self.line(asked, **fields).lower().split() != wanted.lower().split():
            self.say("That is something else. Nothing was done.")


class Runner:
    """Carries a ceremony out, from wherever its journal says that it is."""

    def __init__(  # noqa: PLR0913 - the parts that it puts together
        self, *, plan: Plan, engine: Engine, wording: Wording, journal: Journal, desk: Desk, work: Work
    ) -> None:
        self._plan, self._engine, self._wording = plan, engine, wording
        self._journal, self._desk, self._work = journal, desk, work
        self.state = engine.replay(journal.entries)
        commands = {"note": self._note, "exception": self._exception, "pause": self._pause, "abort": self._abort}
        self._ask = Questions(desk, {name: partial(self._allowed, command) for name, command in commands.items()})

    def run(self, version: str) -> State:
        """Begin a session, and go on to the end of the ceremony. One that has ended is left as it is."""
        if self.state.ended:
            return self.state
        loss = self._engine.loss(self.state) if self.state.sessions else None
        self._write(
            "session",
            version=version,
            plan=self._plan.digest.hex(),
            kind=self._plan.ceremony.kind.value,
            loss=loss.rule.name if loss else None,
            torn=self._journal.torn,
        )
        meaning = loss and ("the ceremony is being aborted." if self.state.aborting else loss.rule.value)
        while step := self._engine.next(self.state):
            try:
                if meaning:
                    self._desk.say(f"The program was started again: {meaning}")
                    meaning = None
                    self._ask.line(Asked.READY)
                self._one(step)
            except Aborted:
                self._work.forget()
        return self.state

    def _one(self, step: Step) -> None:
        self._show(step)
        self._ask.line(Asked.READY)
        self._settle(step)
        if self._engine.next(self.state) is not step:
            return  # an exception came in between, and something else is due
        if reasons := self._engine.shut(self.state, step):
            self._desk.say(f"Not yet: {'; '.join(reasons)}.")
            self._ask.line(Asked.READY)
            return
        if step.irreversible:
            self._agree(step)
            if self._engine.next(self.state) is not step:
                return
        self._write("begin", step=step.id)
        try:
            facts = self._work.do(step, self.state, self._ask) if step.action else {}
        except StepError as failure:
            self._fail(step, str(failure), failure.again)
        except Interrupted:
            raise
        except EscrowError as error:
            self._fail(step, str(error), None)
        except Exception as error:  # noqa: BLE001 - the shares in memory are worth more than a clean end; its text may be secret
            self._fail(step, f"an error that nobody foresaw: {place(error)}. Please report this line.", None)
        else:
            self._end(step, facts)

    def _end(self, step: Step, facts: Facts) -> None:
        self._write("end", step=step.id, facts=dict(facts))
        if self.state.ended:
            self._work.end()
        elif step.action:
            while self._ask.line(Asked.SEEN).lower() not in {"", "yes"}:
                self._desk.say("Then type exception, and say what is otherwise; Enter goes on after that.")

    def _fail(self, step: Step, problem: str, again: str | None) -> None:
        problem = problem.encode("utf-8", "backslashreplace").decode()  # the name of a file may be no text
        self._write("fail", step=step.id, problem=problem, again=again)
        self._desk.say(f"This did not succeed: {problem}")
        if self.state.owed is DESTROY_SHEETS:
            self._desk.say(f"With this sheet {Rule.VOID.value}")
        self._ask.line(Asked.READY)

    def _agree(self, step: Step) -> None:
        """What cannot be undone takes a typed phrase, and words that only a witness has."""
        self._ask.exactly(Asked.PHRASE, step.id.replace("-", " "), phrase=step.id.replace("-", " "))
        self._ask.exactly(Asked.CHECK_WORDS, " ".join(spoken.check_words(self._plan.digest, step.id)), step=step.id)

    def _settle(self, step: Step) -> None:
        if step.action not in {Action.SETTLE, Action.CLOSE}:
            return
        for number in self.state.open_incidents:
            happened = self.state.incidents[number - 1].happened
            while not (text := self._ask.line(Asked.DISPOSITION, number=number, happened=happened)):
                self._desk.say("A disposition is a sentence.")
            self._write("settle", exception=number, disposition=text)

    def _show(self, step: Step) -> None:
        words = self._wording.of(step)
        following = self._following(step)
        self._desk.page(
            [
                f"{self._plan.ceremony.id}  {self._plan.ceremony.kind.value.upper()}  step {step.number}",
                f"Act {step.act.value}, {self._wording.acts[step.act]}",
                "",
                f"{words.who}:",
                words.do,
                "",
                f"Expected: {words.expect}",
                "",
                f"Then {following.number}, {self._wording.of(following).who}."
                if following
                else "This is the last step.",
                "At any prompt: note, exception, pause, abort.",
            ]
        )

    def _following(self, step: Step) -> Step | None:
        listed = self._engine.steps
        if step not in listed:
            return next((one for one in listed if one.id not in self.state.done), None)
        later = listed[listed.index(step) + 1 :]
        return next((one for one in later if one.id not in self.state.done), None)

    def _write(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Try an entry on the rules, and only then write it."""
        self._engine.after(self.state, self._journal.draft(event, **fields))
        self.state = self._engine.after(self.state, self._journal.append(event, **fields))

    def _allowed(self, command: Callable[[], None]) -> None:
        """Carry a command out, or say why the rules forbid it now."""
        try:
            command()
        except JournalError as error:
            self._desk.say(f"Not now: {error}.")

    def _note(self) -> None:
        self._write("note", text=self._desk.line(Asked.NOTE, {}), step=self.state.begun)

    def _exception(self) -> None:
        kinds = (Asked.EXPECTED, Asked.HAPPENED, Asked.DONE)
        expected, happened, done = (self._desk.line(asked, {}) for asked in kinds)
        while (touches := _touched(self._desk.line(Asked.TOUCHES, {}))) is None:
            self._desk.say("Answer with c, i, a, several of them, or nothing.")
        self._write("exception", expected=expected, happened=happened, done=done, touches=touches)
        self._desk.say(f"This is exception {len(self.state.incidents)}. It gets a disposition before zeroizing.")

    def _pause(self) -> None:
        self._write("pause", paused=True)
        self._desk.line(Asked.PAUSED, {})
        self._write("pause", paused=False)

    def _abort(self) -> None:
        reason = self._desk.line(Asked.REASON, {})
        if not reason or self._desk.line(Asked.SURE, {}).lower() != "abort":
            self._desk.say("Not aborted.")
            return
        self._write("abort", reason=reason)
        raise Aborted


def _touched(answer: str) -> list[str] | None:
    """Which of the three an exception touches, as a person said it; None if that is not understood."""
    given = answer.lower().replace(",", " ").split()
    if given in ([], ["nothing"]):
        return []
    known = {letter: name for name in TOUCHES for letter in (name, name[0])}
    parts = list(given[0]) if len(given) == 1 and set(given[0]) <= {"c", "i", "a"} else given
    return [known[part] for part in parts] if all(part in known for part in parts) else None


def print_again(step: Step, problem: str) -> StepError:
    """The failure of a sheet that has to be printed once more."""
    return StepError(problem, of_share("print", step.position) if step.position else None)
