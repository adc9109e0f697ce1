"""What is true of sessions alone: what was drafted stays, and a loss before signing calls for the quorum once more."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

from ceremony.rules.listing import Listing
from ceremony.rules.loss import Loss, Rule
from ceremony.rules.signing.steps import CONTINGENCIES, RETURN_SHEETS, steps
from ceremony.rules.state import State
from ceremony.rules.steps import Act, Action, Step
from escrow.policy import Policy, Position


class Signing(Listing):
    """The list of steps in which the root signs one thing."""

    contingencies: ClassVar = CONTINGENCIES
    rules: ClassVar = (Rule.GO_ON, Rule.QUORUM_AGAIN)
    last_abort: ClassVar = "issue"

    @classmethod
    def of(cls, policy: Policy, copies: int) -> Self:
        """The list for a policy and so many copies of what is signed."""
        return cls(policy, steps(copies))

    def loss(self, state: State) -> Loss:
        """Before the key was there and after it signed, nothing is lost; in between, shares and key are."""
        again, done = self.each_session(state), set(state.done)
        gone = {step.id for step in self.steps if step.act is Act.QUORUM} & done
        if "issue" in done or not gone - {"announce-root"}:
            return Loss(Rule.GO_ON, again)
        return Loss(Rule.QUORUM_AGAIN, again | gone)

    def shut(self, state: State, step: Step) -> Iterable[str]:
        """Nothing is signed that was not drafted and written down."""
        if step.action is Action.SIGN and not {"draft", "head-draft"} <= set(state.done):
            yield "what is to be signed was not journalled"

    def wrong(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterable[str]:
        """A quorum is one; what was signed is what was drafted; what is delivered is what was signed."""
        if step.action is Action.READ_QUORUM and self.policy.missing([Position(*pair) for pair in facts["positions"]]):
            yield "what was read from paper is no quorum"
        if step.action is Action.SIGN and facts["to_be_signed"] != state.done["draft"]["to_be_signed"]:
            yield "what was signed is not what was drafted"
        if step.action is Action.DELIVER and facts["sha256"] != state.done["issue"]["sha256"]:
            yield f"the copy {step.copy} is not of what was signed"

    def aborted(self, state: State) -> State:
        """Sheets that are out of their bags go into new ones before it ends, also if their reading was broken off."""
        may_be_open = "announce-root" in state.done and "bags" not in state.done
        return replace(state, owed=RETURN_SHEETS if state.opened or may_be_open else None)
