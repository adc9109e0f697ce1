"""What is wanted of a tree that is imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Choice:
    """Which context of a STEPPATH, which keys from other files, which keys to do without."""

    context: str | None = None
    key_files: Mapping[str, Path] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


EVERYTHING = Choice()
