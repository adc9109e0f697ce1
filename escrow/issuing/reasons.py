"""Why a CA's certificate may be revoked (RFC 5280, 5.3.1)."""

from typing import Literal, get_args

Reason = Literal[
    "unspecified", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"
]
"""Without keyCompromise, which is for those that are no CAs; without certificateHold, which says that it may come back,
and removeFromCRL, which belongs to deltas.
"""
REASONS: tuple[Reason, ...] = get_args(Reason)
