"""The guided runner: one step after the other, each shown, done, and written into the journal before the next.

What comes next is decided by `engine`, what a step does is done by a worker of type `Work`, who is asked is `Desk`:
nothing here reads, prints or knows a secret.
"""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

from ceremony import spoken
from ceremony.interrupt import Interrupted
from ceremony.planning.plan import Plan
from ceremony.rules.engine import Engine
from ceremony.rules.loss import Rule
from ceremony.rules.state import ABORT, DISPOSITIONS, State
from ceremony.rules.steps import Action, Step
from ceremony.rules.wording import Wording
from ceremony.run import times
from ceremony.run.journal import Journal, JournalError
from ceremony.run.questions import FAILED, Aborted, Asked, Desk, Facts, Questions, StepError, Work
from ceremony.run.statement import a_note, an_exception
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
                self._show(step)
                self._confirm(step) if step.beforehand else self._one(step)
            except Aborted:
                self._work.forget()
        return self.state

    def _one(self, step: Step) -> None:
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
        except StepError as error:
            failure = error
        except (Interrupted, Aborted):
            raise
        except EscrowError as error:
            failure = StepError(str(error))
        except Exception as error:  # noqa: BLE001 - the shares in memory are worth more than a clean end; its text may be secret
            failure = StepError(f"an error that nobody foresaw: {place(error)}. Please report this line.")
        else:
            self._end(step, facts)
            return
        # Without its frames: they would keep the step's Secrets alive while people are asked.
        failure.__context__ = None
        self._fail(step, failure.with_traceback(None))

    def _end(self, step: Step, facts: Facts) -> None:
        self._write("end", step=step.id, facts=dict(facts))
        if self.state.ended:
            self._work.end()
        elif step.action and step.action is not Action.PRINT:  # of a sheet, the custodian has been asked
            while self._ask.line(Asked.SEEN).lower() not in {"", "yes"}:
                self._desk.say("Then type exception, and say what is otherwise. After that, Enter goes on.")

    def _confirm(self, step: Step) -> None:
        """Take over from the script when something was done before the program was started."""
        before: dt.time | None = None
        while True:
            at = times.of_day(self._ask.line(Asked.AT))
            if not at:
                self._desk.say("That is no time of day: an example is 09:05. Nothing is confirmed without one.")
                continue
            now = dt.datetime.fromisoformat(self._journal.draft("begin", step=step.id).utc)
            if at == before or not (doubt := times.doubt_of_past(at, now)):
                break
            self._desk.say(doubt)
            before = at
        self._write("begin", step=step.id)
        self._write("end", step=step.id, facts={"at": f"{at:%H:%M}"})

    def _fail(self, step: Step, failure: StepError) -> None:
        problem = str(failure).encode("utf-8", "backslashreplace").decode()  # the name of a file may be no text
        if found := failure.incident:
            fields = {"expected": found.expected, "happened": found.happened, "done": found.done}
            self._write("exception", **fields, touches=list(found.touches))
        self._write("fail", step=step.id, problem=problem, again=failure.again)
        if not failure.told:
            self._desk.say(f"{FAILED}{problem}")
        if found:
            self._number_exception()
        if self.state.owed and self.state.owed.action is Action.DESTROY:
            self._desk.say(self._wording.loss(Rule.VOID))
            self._wait()
        elif not failure.told:
            self._wait(Asked.RETRY)

    def _wait(self, asked: Asked = Asked.READY) -> None:
        self._ask.enter(asked)

    def _agree(self, step: Step) -> None:
        """What cannot be undone takes a typed phrase, and words that only a witness has."""
        self._ask.exactly(Asked.PHRASE, step.id.replace("-", " "), phrase=step.id.replace("-", " "))
        self._ask.exactly(Asked.CHECK_WORDS, " ".join(spoken.check_words(self._plan.digest, step.id)), step=step.id)

    def _settle(self, step: Step) -> None:
        if step.action not in {Action.SETTLE, Action.CLOSE}:
            return
        while self.state.open_incidents:
            self._dispose(self.state.open_incidents[0])

    def _dispose(self, number: int) -> None:
        """Ask what becomes of an exception, and why; an abort has to be meant."""
        happened = self._wording.incident(self.state.incidents[number - 1]).happened
        disposition = self._ask.line(Asked.DISPOSITION, DISPOSITIONS, number=number, happened=happened).lower()
        if disposition not in DISPOSITIONS:
            self._desk.say("Type one of the three words: accepted (as it is), mended, or abort (the whole ceremony).")
            return
        while not (reason := self._ask.line(Asked.SENTENCE)):
            self._desk.say("Write at least a few words.")
        settled = {"exception": number, "disposition": disposition, "reason": reason}
        if disposition != ABORT or self.state.aborting:
            self._write("settle", **settled)
            return
        try:
            self._abort_if_sure(reason)
        except JournalError as error:
            self._desk.say(f"Not now: {error}.")
        except Aborted:
            self._write("settle", **settled)  # not before: the ceremony might be cut off in between
            raise

    def _show(self, step: Step) -> None:
        words = self._wording.of(step)
        following = self._following(step)
        self._desk.page(
            [
                f"{self._plan.ceremony.id}  {self._plan.ceremony.kind.value.upper()}  step {step.number}",
                f"Act {self._wording.number_of(step.act)}, {self._wording.acts[step.act]}",
                *self._headline(step),
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
                *_of_enter(step),
            ]
        )

    def _headline(self, step: Step) -> list[str]:
        """What is out of the ordinary about a step."""
        if self.state.aborting:
            return [f"ABORTING: {self.state.abort_reason}"]
        if step.beforehand:
            return ["DONE BEFORE the program was started: only the time is taken over from the script."]
        return []

    def _following(self, step: Step) -> Step | None:
        listed = self._engine.steps
        if self.state.aborting:
            return None if step is listed[-1] else listed[-1]
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
        self._write("note", text=a_note(self._desk), step=self.state.begun)

    def _exception(self) -> None:
        self._write("exception", **an_exception(self._desk))
        self._number_exception()

    def _number_exception(self) -> None:
        self._desk.say(f"This is exception {len(self.state.incidents)}. It gets a disposition before zeroizing.")

    def _pause(self) -> None:
        self._write("pause", paused=True)
        while self._desk.line(Asked.PAUSED, {}):
            self._desk.say("This is a break: Enter alone ends it.")
        self._write("pause", paused=False)

    def _abort(self) -> None:
        if reason := self._desk.line(Asked.REASON, {}):
            self._abort_if_sure(reason)
        else:
            self._desk.say("Not aborted: an abort has a reason.")

    def _abort_if_sure(self, reason: str) -> None:
        if self._desk.line(Asked.SURE, {}).lower() != ABORT:
            self._desk.say("Not aborted: the ceremony goes on where it was.")
            return
        self._write("abort", reason=reason)
        raise Aborted


def _of_enter(step: Step) -> list[str]:
    """What it means to press Enter on the page of a step; what was done before takes a time instead."""
    if step.beforehand:
        return []
    return [
        f"Enter starts what the program does: {step.action.value}." if step.action else "Enter says that this was done."
    ]
