"""What is true of drills alone: what each level has to show, and when it has passed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from ceremony.rules.bags import bag_number
from ceremony.rules.drilling.steps import CONTINGENCIES, RETURN_SHEETS, Level, steps
from ceremony.rules.listing import Listing
from ceremony.rules.loss import Loss, Rule
from ceremony.rules.state import State
from ceremony.rules.steps import Action, Step, key_of, of_share
from escrow.policy import Policy, Position


@dataclass(frozen=True)
class Drilling(Listing):
    """The list of steps of a drill."""

    level: Level = Level.T0

    contingencies: ClassVar = CONTINGENCIES
    rules: ClassVar = (Rule.GO_ON, Rule.READ_AGAIN)
    last_abort: ClassVar = "judge"

    @classmethod
    def of(cls, policy: Policy, level: Level) -> Self:
        """The list for a policy and a level."""
        return cls(policy, steps(policy, level), level)

    @property
    def losses(self) -> tuple[Rule, ...]:
        """Only where a quorum is read can one be lost."""
        return self.rules if self.level.reads_quorum else (Rule.GO_ON,)

    def loss(self, state: State) -> Loss:
        """Between the reading of a quorum and the last use of what it gives, that is gone; else nothing is."""
        again, done = self.each_session(state), set(state.done)
        last = "scratch" if self.level is Level.T4 else "prove"
        if "gather" in done and last not in done:
            return Loss(Rule.READ_AGAIN, again | {"gather", "prove"} & done)
        return Loss(Rule.GO_ON, again)

    def wrong(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterable[str]:
        """A quorum is one; a bag is said to be the right one if it is; the judgement is that of the rules."""
        match step.action:
            case Action.BRIEF if facts["level"] != self.level.name:
                yield "this is a drill of another level"
            case Action.WHICH_COPY if facts["copy"] is not None and not _is_copy(facts["copy"], state):
                yield "there is no such copy"
            case Action.SHOW_BAG | Action.READ_ONE:
                yield from self._wrong_bag(state, step, facts)
            case Action.READ_QUORUM if self.policy.missing([Position(*pair) for pair in facts["positions"]]):
                yield "what was read from paper is no quorum"
            case Action.TRY_CA if facts["started"] and facts["program"] != state.done["brief"]["program"]:
                yield "another step-ca was started than was shown"
            case Action.TRY_CA if facts["issued"] and not facts["started"]:
                yield "a CA issued that did not start"
            case Action.JUDGE if facts["reasons"] != [*self.reasons(state)] or facts["passed"] is bool(
                facts["reasons"]
            ):
                yield "the drill is judged otherwise than by what it found"

    def _wrong_bag(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterator[str]:
        expected = state.done["brief"]["bags"][key_of(step.position)] if step.position else ""
        if facts["same"] != (bag_number(facts["bag"]) == bag_number(expected)):
            yield "whether it is the bag that was noted is said wrongly"
        if step.action is Action.READ_ONE:
            if not {Position(*pair) for pair in facts["positions"]} <= {step.position}:
                yield "another share's sheet was taken out of its bag"
            if facts["read"] and not facts["positions"]:
                yield "a sheet was read that was not taken out of its bag"

    def reasons(self, state: State) -> Iterator[str]:
        """Why a drill that came to its end has not passed; nothing if it has. Each is a name in the templates."""
        if state.done["which-copy"]["copy"] is None:
            yield "no-copy"
        if any(facts["bag"] and not facts["same"] for facts in [*self._of("show", state), *self._of("read", state)]):
            yield "other-bag"
        if self.level is Level.T2:
            yield from self._wrong_sheets(state)
        elif self.level is Level.T4:
            yield from _not_served(state.done["scratch"])
        elif not self.level.reads_quorum and self.policy.missing(self.answered(state)):
            yield "no-quorum"

    def answered(self, state: State) -> list[Position]:
        """The shares whose custodian was reached, or whose bag was shown, or whose sheet was read and is good."""
        found: list[Position] = []
        for position in self.policy.positions:
            called, shown, read = (state.done.get(of_share(verb, position), {}) for verb in ("call", "show", "read"))
            if called.get("reached") or shown.get("same") or read.get("read"):
                found.append(position)
        return self._read_together(state) if self.level.reads_quorum else found

    def _read_together(self, state: State) -> list[Position]:
        return [Position(*pair) for pair in state.done.get("gather", {}).get("positions", ())]

    def _wrong_sheets(self, state: State) -> Iterator[str]:
        opened = [facts for facts in self._of("read", state) if facts["positions"]]
        if not opened:
            yield "no-sheet"
        if not all(facts["read"] for facts in opened):
            yield "bad-sheet"

    def _of(self, verb: str, state: State) -> list[Mapping[str, Any]]:
        ids = [of_share(verb, position) for position in self.policy.positions]
        return [state.done[name] for name in ids if name in state.done]

    def aborted(self, state: State) -> State:
        """Sheets that are out of their bags go into new ones before it ends."""
        return replace(state, owed=RETURN_SHEETS if state.opened else None)


def _not_served(tried: Mapping[str, Any]) -> Iterator[str]:
    if not tried["issued"]:
        yield "not-issued" if tried["started"] else "not-started"


def _is_copy(number: object, state: State) -> bool:
    return isinstance(number, int) and 1 <= number <= len(state.done["brief"]["copies"])
