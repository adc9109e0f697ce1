"""What is true of a refresh alone: the old set counts until it is superseded, and nothing of it is destroyed before.

A loss before the new set is sealed has the old quorum read once more. After that the rules of sealing hold: a new set
that is void is destroyed, and the keys come out of the old one again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, ClassVar, Self

from ceremony.rules.loss import Loss, Rule
from ceremony.rules.refreshing.steps import CONTINGENCIES, RETURN_OLD, steps
from ceremony.rules.sealing.rules import Sealing
from ceremony.rules.sealing.steps import DESTROY_SHEETS, Online
from ceremony.rules.state import State
from ceremony.rules.steps import Action, Step, position_of
from escrow.policy import Group, Policy, Position


class Counts(Enum):
    """Which of the two sets is the one of the CA."""

    OLD = "the old set"
    NEW = "the new set"


class Refreshing(Sealing):
    """The list of steps of a refresh. Its policy is that of the new set."""

    contingencies: ClassVar = CONTINGENCIES
    rules: ClassVar = (Rule.GO_ON, Rule.OLD_AGAIN, Rule.VOID, Rule.FROM_PAPER, Rule.ZEROIZED)
    last_abort: ClassVar = "supersede"

    @classmethod
    def of(cls, policy: Policy, copies: int, online: Online | None = None) -> Self:
        """The list for the policy of the new set and so many copies of its package. Raises ValueError with `online`."""
        if online:
            message = "a refresh makes no tree of an online CA"
            raise ValueError(message)
        return cls(policy, steps(policy, copies))

    @staticmethod
    def counts(state: State) -> Counts:
        """Which set counts: the old one until it is superseded, from then on the new one."""
        return Counts.NEW if "supersede" in state.done else Counts.OLD

    @property
    def since_keys(self) -> frozenset[str]:
        """What the old set is does not change."""
        return super().since_keys - {"old-set"}

    def loss(self, state: State) -> Loss:
        """Before sealing, what an old quorum gave is gone, and no key with it; after it as when a CA is sealed."""
        if "seal" in state.done or "old-quorum" not in state.done:
            return super().loss(state)
        again = self.each_session(state) | self.since_keys & set(state.done)
        return Loss(Rule.OLD_AGAIN, again, DESTROY_SHEETS if state.owed is DESTROY_SHEETS else None)

    def policy_of(self, state: State, step: Step) -> Policy:
        """The bags of the old sheets are of the old policy."""
        return old_policy(state) if step.action is Action.BAG_OLD else self.policy

    def wrong(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterable[str]:
        """What was read is a quorum of the old set; what was superseded is that; what was read is destroyed."""
        match step.action:
            case Action.READ_QUORUM if not _is_quorum(facts["positions"], old_policy(state)):
                yield "what was read from paper is no quorum of the old set"
            case Action.SEAL if facts["epoch"] <= state.done["old-set"]["epoch"]:
                yield "the epoch of the new set is not above that of the old one"
            case Action.SUPERSEDE if (facts["old"], facts["new"]) != (
                state.done["old-set"]["set_id"],
                state.done["seal"]["set_id"],
            ):
                yield "another set would be superseded, or by another one"
            case Action.DESTROY_OLD:
                yield from _wrongly_destroyed(state, facts)
            case _:
                yield from super().wrong(state, step, facts)

    def after_contingency(self, state: State, step: Step, facts: Mapping[str, Any]) -> State:
        """The old sheets are in bags; or as when a CA is sealed."""
        return state if step is RETURN_OLD else super().after_contingency(state, step, facts)

    def aborted(self, state: State) -> State:
        """The new set is destroyed, and old sheets that are out of their bags go into new ones."""
        may_be_open = bool(state.opened) or ("announce-old" in state.done and "hold" not in state.done)
        state = super().aborted(state)
        return replace(state, owed=RETURN_OLD) if may_be_open and not state.owed else state


def old_policy(state: State) -> Policy:
    """The policy of the old set, as the journal says."""
    known = state.done["old-set"]["policy"]
    return Policy(known["threshold"], tuple(Group(*group) for group in known["groups"]))


def held_here(state: State) -> frozenset[Position]:
    """The old shares whose sheets were read, and lie in holding bags in the room."""
    return frozenset(state.old_bags.values())


def left(facts: Mapping[str, Any], state: State) -> Iterator[Position]:
    """The old shares of which a sheet was not destroyed: of a stray, there is another one somewhere, or may be."""
    strays = set(map(position_of, state.done["old-set"]["strays"]))
    gone = {Position(*pair) for pair in facts["sheets"]} - strays
    return (position for position in old_policy(state).positions if position not in gone)


def who_could_still(facts: Mapping[str, Any], state: State) -> list[str]:
    """Everybody who has or had a sheet of the old set that was not destroyed, if together these are a quorum of it.

    What it opens lies in every archive of an earlier ceremony, too: that a copy was destroyed changes nothing.
    """
    rest = [*left(facts, state)]
    if old_policy(state).missing(rest):
        return []
    holders: Mapping[str, list[str]] = state.done["old-set"]["holders"]
    named = {position_of(key): names for key, names in holders.items()}
    return [*dict.fromkeys(name for position in rest for name in named[position])]


def _is_quorum(pairs: Iterable[Iterable[int]], policy: Policy) -> bool:
    read = {Position(*pair) for pair in pairs}
    return read <= set(policy.positions) and not policy.missing(read)


def _wrongly_destroyed(state: State, facts: Mapping[str, Any]) -> Iterator[str]:
    gone = {Position(*pair) for pair in facts["sheets"]}
    if not held_here(state) <= gone <= set(old_policy(state).positions):
        yield "an old sheet that was read is not destroyed, or one that the old set does not have is"
    if not set(facts["copies"]) <= set(range(1, len(state.done["old-set"]["copies"]) + 1)):
        yield "there is no such copy of the old package"
    if facts["could_still"] != who_could_still(facts, state):
        yield "who could still open the old package is said otherwise than it is"
