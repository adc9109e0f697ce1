"""Offline escrow of the private keys of a step-ca certificate authority.

The library: what exists on paper and in memory. It never prints and never prompts; clock, randomness and
progress are handed in. `escrow/FORMAT.md` is the normative description of what it writes.
"""

__version__ = "0.1.0"
