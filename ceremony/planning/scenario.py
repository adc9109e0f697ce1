"""What a drill supposes, drawn by lot: who cannot come, and which copy is gone. A recovery is left possible."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from escrow.policy import Policy, Position, and_list

T = TypeVar("T")
_CANNOT = ("is abroad", "is ill", "has left", "cannot be reached")
_GONE = ("burnt", "cannot be found", "cannot be read", "lies behind a door whose badge reader needs the CA")


class Lots(Protocol):
    """Draws by lot."""

    def sample(self, population: Sequence[T], k: int) -> list[T]:
        """So many of these, in any order."""


def scenario(policy: Policy, custodians: Sequence[str], copies: Sequence[str], lots: Lots) -> str:
    """A sentence for the plan of a drill. `custodians` stand in the order of the shares.

    One custodian who can be missed is missing, two if the policy can bear that, and one copy if there are several.
    """
    missing: list[Position] = []
    for position in lots.sample(policy.positions, len(policy.positions)):
        rest = [each for each in policy.positions if each not in {*missing, position}]
        if len(missing) < 2 and not policy.missing(rest):  # noqa: PLR2004 - who is missing is no crowd
            missing.append(position)
    said = [f"{custodians[policy.positions.index(each)]} {lots.sample(_CANNOT, 1)[0]}" for each in sorted(missing)]
    if len(copies) > 1:
        number, copy = lots.sample([*enumerate(copies, 1)], 1)[0]
        said.append(f"copy {number} of the package ({copy}) {lots.sample(_GONE, 1)[0]}")
    return f"{and_list(said)}." if said else "Nobody and nothing is missing."
