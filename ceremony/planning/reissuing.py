"""What the plan of a reissue says: which share was lost, and whether its group can make it again."""

from dataclasses import dataclass

from ceremony.planning.session_tables import ReissueFile
from escrow.policy import Policy, Position


@dataclass(frozen=True)
class Reissue:
    """Which share was lost, how, and the hash (hex) of the archive that its reissue follows.

    Who gets the new sheet is the custodian whom the plan names for that share.
    """

    position: Position
    reason: str
    why: str
    before: str


def reissue_of(policy: Policy, file: ReissueFile) -> Reissue:
    """What is made again. Raises ValueError for a share that there is not, or that its group cannot make again."""
    names = {policy.short_name_of(position): position for position in policy.positions}
    given = file.reissue
    if given.share not in names:
        message = f"names no share: the set has {', '.join(names)}."
        raise ValueError(message)
    position = names[given.share]
    group = policy.groups[position.group - 1]
    if group.shares - 1 < group.threshold:
        message = (
            f"cannot be made again: {group.threshold} others of its group would be needed, and it has "
            f"{group.shares - 1}. A new set is needed: recover, and hold a ceremony that imports the CA."
        )
        raise ValueError(message)
    return Reissue(position, given.reason, given.why, file.before.archive)
