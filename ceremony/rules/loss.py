"""What a loss of the program's memory may mean. Which of these holds when, each list of steps says."""

from dataclasses import dataclass
from enum import Enum

from ceremony.rules.steps import Step


class Rule(Enum):
    """What happens after a loss. The value names what people are told in `templates/steps.toml`."""

    GO_ON = "go_on"
    KEYS_GONE = "keys_gone"
    VOID = "void"
    FROM_PAPER = "from_paper"
    PROVE_AGAIN = "prove_again"
    ZEROIZED = "zeroized"
    QUORUM_AGAIN = "quorum_again"
    READ_AGAIN = "read_again"
    OLD_AGAIN = "old_again"


@dataclass(frozen=True)
class Loss:
    """The rule, the steps that have to be done again, and the contingency that comes first, if any."""

    rule: Rule
    undone: frozenset[str]
    owed: Step | None = None
