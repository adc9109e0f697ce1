"""Secrets in locked memory: the pages, the process, and the one-shot workers.

`MEMORY.md` beside the package says what is claimed, why it holds, and which test shows it.
"""

from escrow.memory.become import FIRST_FREE, become, memory_file, pipe_holding
from escrow.memory.lastwill import LastWill
from escrow.memory.process import Shortcoming, protect
from escrow.memory.proof import prove_lockable
from escrow.memory.secret import Secret, close_all
from escrow.memory.signals import signals_held
from escrow.memory.worker import isolate

__all__ = [
    "FIRST_FREE",
    "LastWill",
    "Secret",
    "Shortcoming",
    "become",
    "close_all",
    "isolate",
    "memory_file",
    "pipe_holding",
    "protect",
    "prove_lockable",
    "signals_held",
]
