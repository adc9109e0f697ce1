"""What a loss of the program's memory means, at every point: the table of crashes. Nothing is done here."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from ceremony.rules.steps import DESTROY_SHEETS, GATHER_QUORUM, Act, Step, of_share
from escrow.policy import Policy, Position


class Rule(Enum):
    """What happens after a loss. The value names what people are told in `templates/steps.toml`."""

    GO_ON = "go_on"
    KEYS_GONE = "keys_gone"
    VOID = "void"
    FROM_PAPER = "from_paper"
    ZEROIZED = "zeroized"


@dataclass(frozen=True)
class Loss:
    """The rule, the steps that have to be done again, and the contingency that comes first, if any."""

    rule: Rule
    undone: frozenset[str]
    owed: Step | None = None


def after_loss(
    listed: Collection[Step],
    policy: Policy,
    done: AbstractSet[str],
    held: AbstractSet[str],
    *,
    came_out: bool,
) -> Loss:
    """What a loss means where the steps `done` are done and the volatile facts `held` are in memory.

    `came_out` is whether any paper of the set may exist, also spoilt.
    """
    again = frozenset(step.id for step in listed if step.each_session) & done
    since_keys = frozenset(step.id for step in listed if Act.KEYS.value <= step.act.value <= Act.PROOF.value) & done
    if "quorum" in done:
        return Loss(Rule.ZEROIZED if held else Rule.GO_ON, again)
    if "seal" not in done:
        return Loss(Rule.KEYS_GONE, again | since_keys) if "keys" in done else Loss(Rule.GO_ON, again)
    read_back = {position for position in policy.positions if of_share("read-back", position) in done}
    if policy.missing(read_back) or not enough_to_go_on(policy, done, read_back):
        return Loss(Rule.VOID, again | since_keys, DESTROY_SHEETS if came_out else None)
    if not _to_print(policy, done):
        return Loss(Rule.GO_ON, again)
    return Loss(Rule.FROM_PAPER, again, GATHER_QUORUM)


def enough_to_go_on(policy: Policy, done: AbstractSet[str], read: Collection[Position]) -> bool:
    """Whether every share still to be printed can be made again from the shares that were read: each from its group."""
    groups = {position.group for position in _to_print(policy, done)}
    return all(sum(p.group == group for p in read) >= policy.threshold_of(group) for group in groups)


def _to_print(policy: Policy, done: AbstractSet[str]) -> list[Position]:
    return [position for position in policy.positions if of_share("print", position) not in done]
