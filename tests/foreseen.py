"""A provisioner's key that a test can look for in memory: only who calls `scalar` has it there."""

import hashlib


def scalar() -> bytes:
    """The private number of a key of P-256."""
    return hashlib.sha256(b"a provisioner's key that a test can look for").digest()
