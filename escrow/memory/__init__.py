"""Secrets in locked memory: the pages, the process, and the one-shot workers.

`MEMORY.md` beside the package says what is claimed, why it holds, and which test shows it.
"""

from escrow.memory.lastwill import LastWill
from escrow.memory.process import Shortcoming, protect
from escrow.memory.secret import Secret, close_all
from escrow.memory.signals import signals_held
from escrow.memory.worker import isolate

__all__ = ["LastWill", "Secret", "Shortcoming", "close_all", "isolate", "protect", "signals_held"]
