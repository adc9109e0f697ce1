"""Make a share again at its place, from other shares of its group, without forming the wrapping key."""

import hmac
from collections.abc import Mapping
from contextlib import ExitStack

from escrow import shamir
from escrow.errors import QuorumError, ShareError
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.policy import Position
from escrow.share import VALUE_LENGTH, commitment


def reissue(manifest: Manifest, shares: Mapping[Position, Secret], position: Position) -> Secret:
    """The 32 bytes of the share at a position, interpolated from as many shares of its group as its threshold.

    Raises QuorumError if the group has too few, ShareError if the result does not match the commitment.
    """
    k, name = manifest.policy.threshold_of(position.group), manifest.policy.name_of(position)
    members = {p: secret for p, secret in sorted(shares.items()) if p.group == position.group and p != position}
    chosen = dict(list(members.items())[:k])
    if len(chosen) < k:
        message = (
            f"Share {name} cannot be made again: {k} other shares of its group are needed, and {len(chosen)} are there."
        )
        raise QuorumError(message)
    made = Secret(VALUE_LENGTH)

    def in_worker() -> bytes:
        values = {p.x: bytes(secret.view) for p, secret in chosen.items()}
        value = shamir.interpolate(values, k, position.x)
        if not hmac.compare_digest(commitment(position, k, value), manifest.commitment_at(position)):
            message = f"Share {name}, made again, does not match its commitment: a share it was made from is wrong."
            raise ShareError(message)
        made.fill(value)
        return b""

    with ExitStack() as undo:
        undo.callback(made.close)
        isolate(in_worker, made, *chosen.values())
        undo.pop_all()
    return made
