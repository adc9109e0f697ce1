"""What the engine knows of a list of steps: the steps, and the rules that are of this kind of ceremony alone."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ceremony.rules.loss import Loss, Rule
from ceremony.rules.state import State
from ceremony.rules.steps import VOLATILE, Act, Step
from ceremony.run.journal import JournalError
from escrow.policy import Policy


@dataclass(frozen=True)
class Listing(ABC):
    """A list of steps, numbered, in order, and the policy of the shares that it is about.

    What is not overridden is as simple as can be: nothing is shut, nothing changes but that a step is done.
    """

    policy: Policy
    steps: tuple[Step, ...]

    contingencies: ClassVar[tuple[Step, ...]] = ()
    """What only a loss calls for."""
    rules: ClassVar[tuple[Rule, ...]]
    """What a loss may mean here."""
    last_abort: ClassVar[str] = "zeroize"
    """The step after which there is nothing left to abort."""

    @property
    def acts(self) -> tuple[Act, ...]:
        """The acts in their order: the place is the number."""
        return tuple(dict.fromkeys(step.act for step in self.steps))

    @property
    def losses(self) -> tuple[Rule, ...]:
        """What a loss may mean with these very steps."""
        return self.rules

    @abstractmethod
    def loss(self, state: State) -> Loss:
        """What it would mean if the program's memory were lost now."""

    def each_session(self, state: State) -> frozenset[str]:
        """The steps that are done again whenever the program is started."""
        return frozenset(step.id for step in self.steps if step.each_session) & set(state.done)

    def lost(self, before: State, state: State, rule: Rule) -> State:  # noqa: ARG002 - for those that need it
        """What a loss changes besides the steps that it undoes; `before` is the state before it."""
        return state

    def policy_of(self, state: State, step: Step) -> Policy:  # noqa: ARG002
        """The policy of the shares whose sheets a step puts into bags."""
        return self.policy

    def shut(self, state: State, step: Step) -> Iterable[str]:  # noqa: ARG002
        """Why a step may not begin now."""
        return ()

    def begun(self, state: State, step: Step) -> State:  # noqa: ARG002
        """What a step changes by having begun."""
        return state

    def wrong(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterable[str]:  # noqa: ARG002
        """What is wrong with what a step found, where the proof rests on it."""
        return ()

    def again(self, state: State, step: Step, name: str) -> State:  # noqa: ARG002
        """Have the step `name` done once more because `step` failed. Raises JournalError if that is not possible."""
        message = f"after {step.id} failed, {name!r} cannot be done again"
        raise JournalError(message)

    def after_contingency(self, state: State, step: Step, facts: Mapping[str, Any]) -> State:  # noqa: ARG002
        """What a contingency changes. Raises JournalError for one that was not done as it should be."""
        return state

    def aborted(self, state: State) -> State:
        """What an abort changes, besides ending the ceremony: what has to be done before it ends is owed."""
        return replace(state, owed=None)


def held_after(state: State, step: Step) -> frozenset[str]:
    """The volatile facts after a step."""
    return (state.held | step.provides & VOLATILE) - step.wipes


def without(done: Mapping[str, Mapping[str, Any]], undone: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The steps that are done, but for some."""
    gone = set(undone)
    return {name: facts for name, facts in done.items() if name not in gone}
