"""The papers that came out of the printer, as they come out: a step that fails and is done again forgets none."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Stack:
    """Documents of the ceremony's folder that are printed one after the other and go to one place."""

    what: str
    place: str
    files: tuple[str, ...]


@dataclass
class Pile:
    """What was printed, by name: pages and hash, how many times; what went wrong meanwhile.

    `finished` are stacks that somebody said are good, and `read` what was read back of them, each with its copy.
    """

    found: dict[str, dict[str, object]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    begun: Stack | None = None
    finished: set[Stack] = field(default_factory=set)
    read: dict[int, int] = field(default_factory=dict)

    def add(self, file: str, document: bytes, pages: int) -> None:
        """Note a document that was printed."""
        self.found[file] = {"pages": pages, "sha256": hashlib.sha256(document).hexdigest()}
        self.times[file] += 1

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the journal keeps; nothing for nothing."""
        if not self.found:
            return {}
        papers = [{"name": name, **one, "printed": self.times[name]} for name, one in self.found.items()]
        return {"papers": papers, "problems": self.problems}
