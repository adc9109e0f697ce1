"""Why a CA's certificate may be revoked (RFC 5280, 5.3.1)."""

from typing import Literal, get_args

Reason = Literal[
    "unspecified", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"
]
"""Without keyCompromise, which is for those that are no CAs; without certificateHold, which says that it may come back,
and removeFromCRL, which belongs to deltas.
"""
Known = Literal[Reason, "keyCompromise", "certificateHold", "aACompromise"]
"""Also what a list may say that the root published before: it is taken over as it stands there."""
KNOWN: tuple[Known, ...] = get_args(Known)
