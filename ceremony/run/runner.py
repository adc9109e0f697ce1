"""The guided runner: one step after the other, each shown, done, and written into the journal before the next.

What comes next is decided by `engine`, what a step does is done by a worker of type `Work`, who is asked is `Desk`:
nothing here reads, prints or knows a secret.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ceremony import spoken
from ceremony.interrupt import Interrupted
from ceremony.planning.plan import Plan
from ceremony.rules.engine import Engine
from ceremony.rules.loss import Rule
from ceremony.rules.state import TOUCHES, State
from ceremony.rules.steps import DESTROY_SHEETS, Action, Step
from ceremony.rules.wording import Wording
from ceremony.run.journal import Journal, JournalError
from ceremony.run.questions import Aborted, Asked, Desk, Facts, Questions, StepError, Work
from escrow.errors import EscrowError, place


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
        meaning = loss and self._wording.loss(None if self.state.aborting else loss.rule)
        while step := self._engine.next(self.state):
            try:
                if meaning:
                    self._desk.say(f"The program was started again. {meaning}")
                    meaning = None
                    self._wait()
                self._one(step)
            except Aborted:
                self._work.forget()
        return self.state

    def _one(self, step: Step) -> None:
        self._show(step)
        self._wait()
        self._settle(step)
        if self._engine.next(self.state) is not step:
            return  # an exception came in between, and something else is due
        if reasons := self._engine.shut(self.state, step):
            self._desk.say(f"Not yet: {'; '.join(reasons)}.")
            self._wait()
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
        except (Interrupted, Aborted):
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
            self._desk.say(self._wording.loss(Rule.VOID))
            self._wait()
        else:
            self._wait(Asked.RETRY)

    def _wait(self, asked: Asked = Asked.READY) -> None:
        """Wait for Enter alone. Whatever else is typed, a 'stop' above all, does not go on."""
        while self._ask.line(asked):
            self._desk.say("Nothing is done until Enter alone is pressed. Commands: note, exception, pause, abort.")

    def _agree(self, step: Step) -> None:
        """What cannot be undone takes a typed phrase, and words that only a witness has."""
        self._ask.exactly(Asked.PHRASE, step.id.replace("-", " "), phrase=step.id.replace("-", " "))
        self._ask.exactly(Asked.CHECK_WORDS, " ".join(spoken.check_words(self._plan.digest, step.id)), step=step.id)

    def _settle(self, step: Step) -> None:
        if step.action not in {Action.SETTLE, Action.CLOSE}:
            return
        for number in self.state.open_incidents:
            happened = self._wording.incident(self.state.incidents[number - 1]).happened
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
        expected, happened, done = (self._text(asked) for asked in kinds)
        while (touches := _touched(self._desk.line(Asked.TOUCHES, {}))) is None:
            self._desk.say("Answer with c, i, a, several of them, or nothing.")
        self._write("exception", expected=expected, happened=happened, done=done, touches=touches)
        self._desk.say(f"This is exception {len(self.state.incidents)}. It gets a disposition before zeroizing.")

    def _text(self, asked: Asked) -> str:
        """A sentence: not nothing."""
        while not (text := self._desk.line(asked, {})):
            self._desk.say("Write at least a few words.")
        return text

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
