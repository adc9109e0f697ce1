"""What happened in a ceremony, as its journal says: every run of every step, sessions, bags, exceptions. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from ceremony.rules.engine import Engine
from ceremony.rules.loss import Rule
from ceremony.rules.state import Incident, State
from ceremony.rules.steps import Step
from ceremony.run.journal import Entry
from escrow.policy import Position

_SECONDS = 60


class Outcome(Enum):
    """How a run of a step ended."""

    DONE = "done"
    FAILED = "failed"
    CUT_OFF = "cut off by the end of the program"
    ABORTED = "ended by an abort"
    UNFINISHED = "not ended yet"


@dataclass(frozen=True)
class Run:
    """One time that a step was begun. `minutes` count from the end of what came before, without breaks.

    `times` is which time this is: steps may be done again. `at` is the entry that ended it, or began it.
    """

    step: Step
    times: int
    attempt: int
    at: Entry
    minutes: float
    outcome: Outcome = Outcome.UNFINISHED

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was found; nothing, if it did not end well."""
        found: Mapping[str, Any] = self.at.fields["facts"] if self.outcome is Outcome.DONE else {}
        return found


@dataclass(frozen=True)
class Session:
    """A start of the program; all but the first mean that its memory was lost."""

    number: int
    entry: Entry
    rule: Rule | None


@dataclass(frozen=True)
class Bags:
    """The numbers of the bags of one share of the valid set, in their order: it lies in the last."""

    position: Position
    numbers: tuple[str, ...]


class History:
    """A journal, read by the rules. Raises JournalError for one that they forbid."""

    def __init__(self, engine: Engine, entries: Sequence[Entry]) -> None:
        self.engine, self.entries = engine, tuple(entries)
        self._by_id = {step.id: step for step in (*engine.steps, *engine.listing.contingencies)}
        self.state = State()
        self.told: list[Run | Session | Entry] = []
        """In their order: runs, sessions, and aborts."""
        self.incidents_at: list[Entry] = []
        """When each exception was written down."""
        self._clock = 0.0
        self._paused = 0.0
        for entry in entries:
            before, self.state = self.state, engine.after(self.state, entry)
            self.incidents_at += [entry] * (len(self.state.incidents) - len(before.incidents))
            self._tell(entry, before)

    @property
    def runs(self) -> Sequence[Run]:
        """Every run of a step."""
        return [each for each in self.told if isinstance(each, Run)]

    @property
    def sessions(self) -> Sequence[Session]:
        """Every start of the program."""
        return [each for each in self.told if isinstance(each, Session)]

    @property
    def aborted(self) -> Entry | None:
        """The entry that ended the ceremony early, if any."""
        return next((entry for entry in self.entries if entry.event == "abort"), None)

    @property
    def sealed(self) -> Run | None:
        """The run that sealed the set that is valid now, if there is one."""
        facts = self.state.done.get("seal")
        if not facts or facts["set_id"] in self.state.void_sets:
            return None
        return self.done("seal")[-1]

    def done(self, verb: str) -> Sequence[Run]:
        """The runs of steps of a verb that ended well."""
        return [run for run in self.runs if run.step.verb == verb and run.outcome is Outcome.DONE]

    def of_valid_set(self, verb: str) -> Sequence[Run]:
        """The same, since the valid set was sealed; nothing without one."""
        return [run for run in self.done(verb) if self.sealed and run.at.n > self.sealed.at.n]

    def bags(self) -> Sequence[Bags]:
        """The bags of each share of the valid set."""
        found: dict[Position, tuple[str, ...]] = dict.fromkeys(self.engine.policy.positions, ())
        for run in [*self.of_valid_set("bag"), *self.of_valid_set("bag-again")]:
            given = {run.step.position: run.facts["bag"]} if run.step.position else _several(run.facts["bags"])
            for position, number in given.items():
                if position:
                    found[position] = (*found[position], number)
        return [Bags(position, numbers) for position, numbers in found.items()]

    def dispositions(self) -> Mapping[int, Entry]:
        """When each exception was settled, by its number."""
        return {entry.fields["exception"]: entry for entry in self.entries if entry.event == "settle"}

    def breaks(self) -> Sequence[tuple[Entry, Entry | None]]:
        """Pauses: their begin, and their end if they had one before the program was started again."""
        found: list[tuple[Entry, Entry | None]] = []
        for entry in self.entries:
            if entry.event == "pause" and entry.fields["paused"]:
                found.append((entry, None))
            elif entry.event == "pause" and found:
                found[-1] = (found[-1][0], entry)
        return found

    def incidents(self) -> Iterator[tuple[int, Incident, Entry]]:
        """Exceptions by their numbers, and when they were written down."""
        yield from ((n, *both) for n, both in enumerate(zip(self.state.incidents, self.incidents_at, strict=True), 1))

    def number_of(self, name: str | None) -> str:
        """The number of a step by its id; nothing for none."""
        return self._by_id[name].number if name else ""

    def _tell(self, entry: Entry, before: State) -> None:
        match entry.event:
            case "session":
                self._end_run(entry, Outcome.CUT_OFF, keep=True)
                lost = len(self.state.losses) > len(before.losses)
                rule = self.state.losses[-1] if lost else None
                self.told.append(Session(self.state.sessions, entry, rule))
                self._clock, self._paused = entry.clock, 0.0
            case "begin":
                step = self._by_id[entry.fields["step"]]
                times = sum(run.step.id == step.id for run in self.runs) + 1
                self.told.append(Run(step, times, self.state.attempt, entry, 0.0))
            case "end" | "fail":
                self._end_run(entry, Outcome.DONE if entry.event == "end" else Outcome.FAILED)
            case "abort":
                self._end_run(entry, Outcome.ABORTED, keep=True)
                self.told.append(entry)
            case "pause" if entry.fields["paused"]:
                self._paused -= entry.clock
            case "pause" if self._paused < 0:
                self._paused += entry.clock

    def _end_run(self, entry: Entry, outcome: Outcome, *, keep: bool = False) -> None:
        """End the run that is going on, if one is. `keep` its own time: nobody knows when it ended."""
        last = self.told[-1] if self.told else None
        if not isinstance(last, Run) or last.outcome is not Outcome.UNFINISHED:
            return
        minutes = max(0.0, entry.clock - self._clock - max(0.0, self._paused)) / _SECONDS
        at, minutes = (last.at, 0.0) if keep else (entry, minutes)
        self.told[-1] = replace(last, at=at, minutes=minutes, outcome=outcome)
        self._clock, self._paused = entry.clock, 0.0


def _several(given: Mapping[str, str]) -> Mapping[Position, str]:
    return {Position(*map(int, name.split("."))): number for name, number in given.items()}
