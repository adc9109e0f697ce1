"""What is true of recoveries alone: only what was called for is restored, and what a loss before that calls for."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

from ceremony.rules.listing import Listing
from ceremony.rules.loss import Loss, Rule
from ceremony.rules.recovering.steps import CONTINGENCIES, RETURN_SHEETS, steps
from ceremony.rules.state import State
from ceremony.rules.steps import Action, Step
from escrow.policy import Policy, Position


class Recovering(Listing):
    """The list of steps of a recovery."""

    contingencies: ClassVar = CONTINGENCIES
    rules: ClassVar = (Rule.GO_ON, Rule.READ_AGAIN)
    last_abort: ClassVar = "restore"

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """The list for a policy."""
        return cls(policy, steps())

    def loss(self, state: State) -> Loss:
        """Between the reading of a quorum and the writing of the target, shares and keys are gone; else nothing is."""
        again, done = self.each_session(state), set(state.done)
        if "gather" in done and "restore" not in done:
            return Loss(Rule.READ_AGAIN, again | {"gather", "unseal"} & done)
        return Loss(Rule.GO_ON, again)

    def shut(self, state: State, step: Step) -> Iterable[str]:
        """No sheet is read before it was written down what for."""
        if step.action in {Action.READ_QUORUM, Action.RESTORE} and not {"called", "head-called"} <= set(state.done):
            yield "what is to be restored was not journalled"

    def wrong(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterable[str]:
        """A quorum is one; what was restored is what was called for."""
        if step.action is Action.READ_QUORUM and self.policy.missing([Position(*pair) for pair in facts["positions"]]):
            yield "what was read from paper is no quorum"
        if step.action is Action.RESTORE:
            called = state.done["called"]
            if any(facts[name] != called[name] for name in ("keys", "recipient", "token")):
                yield "what was restored is not what was called for"

    def aborted(self, state: State) -> State:
        """Sheets that are out of their bags go into new ones before it ends, also if their reading was broken off."""
        may_be_open = "announce-recovery" in state.done and "bags" not in state.done
        return replace(state, owed=RETURN_SHEETS if state.opened or may_be_open else None)
