"""What is true of reissues alone: which sheets are enough, and what becomes of a sheet that was printed.

At every point the old set is valid, and the new sheet is the very share that was lost, or it is destroyed: one that was
printed is read back from paper, and one of which nobody knows whether it came out is shredded before another is made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from ceremony.rules.listing import Listing, without
from ceremony.rules.loss import Loss, Rule
from ceremony.rules.reissuing.steps import CONTINGENCIES, DESTROY_SHEET, RETURN_SHEETS, steps
from ceremony.rules.state import State
from ceremony.rules.steps import SHARES, Action, Step, key_of, of_share
from ceremony.run.journal import JournalError
from escrow.policy import Policy, Position

_FIRST = Position(1, 1)


@dataclass(frozen=True)
class Reissuing(Listing):
    """The list of steps that makes one share again."""

    lost_share: Position = _FIRST

    contingencies: ClassVar = CONTINGENCIES
    rules: ClassVar = (Rule.GO_ON, Rule.READ_AGAIN)
    last_abort: ClassVar = "others"

    @classmethod
    def of(cls, policy: Policy, lost: Position) -> Self:
        """The list for a policy and the share that was lost. Raises ValueError for a share that it has not."""
        if lost not in policy.positions:
            raise ValueError(lost)
        return cls(policy, steps(lost), lost)

    def loss(self, state: State) -> Loss:
        """Until the sheet was printed whole the shares are needed; then the sheet itself is there, to be read back."""
        again, done = self.each_session(state), set(state.done)
        if self._id("print") in done:
            return Loss(Rule.GO_ON, again)
        owed = DESTROY_SHEET if state.printed else None
        if "gather-group" in done:
            return Loss(Rule.READ_AGAIN, again | {"gather-group"}, owed)
        return Loss(Rule.GO_ON, again, owed)

    def begun(self, state: State, step: Step) -> State:
        """Paper may come out from here on, also spoilt."""
        return replace(state, printed=frozenset({self.lost_share})) if step.action is Action.PRINT else state

    def wrong(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterable[str]:  # noqa: ARG002
        """It is about the share of the plan, and is made from as many others of its group as the threshold says."""
        if step.action is Action.TELL_LOSS and facts["share"] != key_of(self.lost_share):
            yield "another share was lost by the plan"
        if step.action is Action.READ_GROUP:
            read = {Position(*pair) for pair in facts["positions"]}
            if self.lost_share in read:
                yield "the share that was lost was read: it is there"
            if not read <= set(self.policy.positions) or not self.enough(read):
                yield "what was read is not enough to make the share again"
        if step.action is Action.BAG_AGAIN and key_of(self.lost_share) in facts["bags"]:
            yield "the share that was lost had no bag to be opened"

    def enough(self, read: Iterable[Position]) -> bool:
        """Whether the share can be made again from those that were read."""
        others = {position for position in read if position.group == self.lost_share.group} - {self.lost_share}
        return len(others) >= self.policy.threshold_of(self.lost_share.group)

    def again(self, state: State, step: Step, name: str) -> State:
        """Have the sheet printed again; the shares are read again first, if they are gone."""
        if step.action is not Action.READ_BACK or name != self._id("print") or name not in state.done:
            return super().again(state, step, name)
        undone = {name} if SHARES in state.held else {name, "gather-group"}
        return replace(state, done=without(state.done, undone))

    def after_contingency(self, state: State, step: Step, facts: Mapping[str, Any]) -> State:
        """The sheet is gone; after an abort the others then go into new bags."""
        if step.action is not Action.DESTROY_SHEET:
            return state
        if [Position(*pair) for pair in facts["sheets"]] != [self.lost_share]:
            message = "the sheet that came out was not destroyed"
            raise JournalError(message)
        state = replace(state, printed=frozenset())
        return replace(state, owed=self._returning(state) if state.aborting else None)

    def aborted(self, state: State) -> State:
        """A sheet that came out is destroyed, whole or not; those that were opened go into new bags."""
        return replace(state, owed=DESTROY_SHEET if state.printed else self._returning(state))

    def _returning(self, state: State) -> Step | None:
        """What is owed to sheets that may be out of their bags, also if their reading was broken off."""
        return RETURN_SHEETS if state.opened or "announce-reissue" in state.done else None

    def _id(self, verb: str) -> str:
        return of_share(verb, self.lost_share)
