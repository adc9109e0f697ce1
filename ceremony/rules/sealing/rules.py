"""What is true of sealing alone: the table of crashes, the gate of zeroizing, sheets that are printed again.

Losses, by what had been done: before the keys, go on; before sealing, the keys are gone; with fewer sheets read back
than a quorum, the set is void; with a quorum, the missing shares are made again from paper; after the proof, go on;
but before the online CA was handed over, prove the quorum once more, because its tree is made of what that gives.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, ClassVar, Self

from ceremony.rules.bags import check_new
from ceremony.rules.listing import Listing, without
from ceremony.rules.loss import Loss, Rule
from ceremony.rules.sealing.steps import CONTINGENCIES, DESTROY_SHEETS, GATHER_QUORUM, Online, steps
from ceremony.rules.state import Incident, State, numbers_text, with_incident
from ceremony.rules.steps import PRIVATE_KEYS, Act, Action, Step, of_share
from ceremony.run.journal import JournalError
from escrow.policy import Policy, Position

_MADE_ANEW = frozenset({Act.KEYS, Act.ISSUE, Act.SEAL, Act.CUSTODIANS, Act.PROOF})
"""What is done again when keys or set are gone."""


class Sealing(Listing):
    """The list of steps that seals a CA."""

    contingencies: ClassVar[tuple[Step, ...]] = CONTINGENCIES
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule.GO_ON,
        Rule.KEYS_GONE,
        Rule.VOID,
        Rule.FROM_PAPER,
        Rule.PROVE_AGAIN,
        Rule.ZEROIZED,
    )

    @classmethod
    def of(cls, policy: Policy, copies: int, online: Online | None = None) -> Self:
        """The list for a policy and so many copies of the package, with or without an online CA."""
        return cls(policy, steps(policy, copies, online))

    @property
    def losses(self) -> tuple[Rule, ...]:
        """Without an online CA, no quorum is proved again."""
        return tuple(rule for rule in self.rules if rule is not Rule.PROVE_AGAIN or self._online)

    def loss(self, state: State) -> Loss:
        """What a loss means: see above."""
        again, done = self.each_session(state), set(state.done)
        owed = DESTROY_SHEETS if state.owed is DESTROY_SHEETS else None
        since_keys = self.since_keys & done
        if "quorum" in done and self._online - done:
            return Loss(Rule.PROVE_AGAIN, again | ({"quorum", "bag-again"} | self._online) & done, owed)
        if "quorum" in done:
            return Loss(Rule.ZEROIZED if state.held else Rule.GO_ON, again, owed)
        if "seal" not in done:
            return Loss(Rule.KEYS_GONE, again | since_keys, owed) if "keys" in done else Loss(Rule.GO_ON, again, owed)
        read_back = {position for position in self.policy.positions if of_share("read-back", position) in done}
        if self.policy.missing(read_back) or not enough_to_go_on(self.policy, done, read_back):
            return Loss(Rule.VOID, again | since_keys, DESTROY_SHEETS if state.came_out else owed)
        if not _to_print(self.policy, done):
            return Loss(Rule.GO_ON, again, owed)
        return Loss(Rule.FROM_PAPER, again, GATHER_QUORUM)

    def lost(self, before: State, state: State, rule: Rule) -> State:
        """Keys that are gone are never used; power-off after the proof is an exception."""
        if rule in {Rule.KEYS_GONE, Rule.OLD_AGAIN, Rule.VOID}:
            return _again_from_keys(before, state)
        if rule is Rule.ZEROIZED:
            return with_incident(state, Incident("", "", "", ("availability",), None, rule=rule))
        return state

    def shut(self, state: State, step: Step) -> Iterable[str]:
        """The gate of zeroizing; in a refresh, of superseding, too."""
        if step.action not in {Action.ZEROIZE, Action.SUPERSEDE}:
            return
        for position in self.policy.positions:
            for verb, what in (("read-back", "was not read back"), ("bag", "has no bag number")):
                if of_share(verb, position) not in state.done:
                    yield f"the sheet of share {self.policy.name_of(position)} {what}"
        if "quorum" not in state.done:
            yield "no quorum was proved from paper"
        if state.open_incidents:
            yield f"exception {numbers_text(state.open_incidents)} has no disposition"

    def begun(self, state: State, step: Step) -> State:
        """Paper may come out from here on, also spoilt."""
        printed = state.printed | {step.position} if step.action is Action.PRINT and step.position else state.printed
        return replace(state, printed=printed, papers=state.papers or step.action is Action.PRINT_PAPERS)

    def wrong(self, state: State, step: Step, facts: Mapping[str, Any]) -> Iterable[str]:
        """What the proof of a ceremony rests on is looked at, and not only that the step was done."""
        if step.action is Action.PROVE_QUORUM and self.policy.missing([Position(*pair) for pair in facts["positions"]]):
            yield "what was read from paper is no quorum"
        if step.action is Action.ISSUE and facts.get("to_be_signed", []) != state.done.get("keys", {}).get(
            "to_be_signed", []
        ):
            yield "what was signed is not what was fixed when the keys were made"
        if step.action is Action.COPY_PACKAGE and facts["sha256"] != state.done["seal"]["package"]:
            yield f"the copy {step.copy} is not of the package that was sealed"
        if step.action is Action.BAG_HANDOVER:
            check_new([facts["bag"]], state)

    def again(self, state: State, step: Step, name: str) -> State:
        """Have a sheet printed again.

        Only the session that made the keys has every share; another one makes them again from paper, if it can.
        """
        if not step.position or name != of_share("print", step.position) or name not in state.done:
            return super().again(state, step, name)
        of_sheet = {each.id for each in self.steps if each.position == step.position}
        state = replace(state, done=without(state.done, of_sheet))
        if PRIVATE_KEYS in state.held:
            return state
        on_paper = [p for p in self.policy.positions if of_share("print", p) in state.done]
        if enough_to_go_on(self.policy, set(state.done), on_paper):
            return replace(state, owed=GATHER_QUORUM)
        void = replace(
            state,
            done=without(state.done, self.since_keys),
            held=frozenset(),
            owed=DESTROY_SHEETS,
            losses=(*state.losses, Rule.VOID),
        )
        return _again_from_keys(state, void)

    def after_contingency(self, state: State, step: Step, facts: Mapping[str, Any]) -> State:
        """Sheets are gone, or enough of them were read to make the others."""
        if step.action is Action.DESTROY:
            if {Position(*position) for position in facts["sheets"]} != state.printed:
                message = "not every sheet that came out was destroyed"
                raise JournalError(message)
            return replace(state, printed=frozenset(), papers=False, opened=frozenset())
        read = [Position(*position) for position in facts["positions"]]
        if self.policy.missing(read) or not enough_to_go_on(self.policy, set(state.done), read):
            message = "what was read is not enough to make the missing shares again"
            raise JournalError(message)
        # Their bags were opened: each goes into a new one, and its receipt is made out again.
        return replace(
            state,
            done=without(state.done, {of_share(verb, position) for position in read for verb in ("bag", "receipt")}),
        )

    def aborted(self, state: State) -> State:
        """The set is void and what came out of it is destroyed; keys that were made are never used."""
        return replace(
            state,
            owed=DESTROY_SHEETS if state.came_out or state.owed is DESTROY_SHEETS else None,
            void_sets=(*state.void_sets, *_set_of(state)),
            never_use=(*state.never_use, *_fingerprints(state)),
        )

    @property
    def _online(self) -> frozenset[str]:
        """The steps that need what the proof of the quorum gave back."""
        return frozenset(step.id for step in self.steps if step.action in {Action.MAKE_ONLINE, Action.HAND_OVER})

    @property
    def since_keys(self) -> frozenset[str]:
        """The steps that are done again when the keys or the set are gone."""
        return frozenset(step.id for step in self.steps if step.act in _MADE_ANEW)


def enough_to_go_on(policy: Policy, done: AbstractSet[str], read: Collection[Position]) -> bool:
    """Whether every share still to be printed can be made again from the shares that were read: each from its group."""
    groups = {position.group for position in _to_print(policy, done)}
    return all(sum(p.group == group for p in read) >= policy.threshold_of(group) for group in groups)


def _to_print(policy: Policy, done: AbstractSet[str]) -> list[Position]:
    return [position for position in policy.positions if of_share("print", position) not in done]


def _again_from_keys(before: State, state: State) -> State:
    return replace(
        state,
        attempt=state.attempt + 1,
        bagged=frozenset(),
        void_sets=(*state.void_sets, *_set_of(before)),
        never_use=(*state.never_use, *_fingerprints(before)),
    )


def _set_of(state: State) -> Sequence[str]:
    return (state.done["seal"]["set_id"],) if "seal" in state.done else ()


def _fingerprints(state: State) -> Sequence[str]:
    """Of the keys that were generated and are lost; imported ones live on elsewhere."""
    facts = state.done.get("keys", {})
    return tuple(facts["fingerprints"]) if facts.get("generated") else ()
