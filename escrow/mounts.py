"""Which file system holds a path, and whether what is written there stays in memory.

Read from /proc/self/mountinfo (proc_pid_mountinfo(5)). Live systems have an overlay for a root: what is written to
an overlay goes to the file system of its upper directory, and that one counts.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from escrow.errors import FileError

MOUNTINFO = "/proc/self/mountinfo"

_IN_MEMORY = {"tmpfs", "ramfs", "rootfs"}  # rootfs: the initial one, which is one of the other two
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo: its number and its parent's, "major:minor", where, and what is mounted there."""

    number: int
    parent: int
    device: str
    point: str
    kind: str
    source: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_memory(self) -> bool:
        """Whether this file system is nothing but memory."""
        return self.kind in _IN_MEMORY


def current() -> tuple[Mount, ...]:
    """What is mounted now, as this process sees it."""
    return parse(Path(MOUNTINFO).read_text("utf-8", "surrogateescape"))


def parse(mountinfo: str) -> tuple[Mount, ...]:
    """The mounts in the text of mountinfo. Raises ValueError for anything else."""
    return tuple(_mount(line) for line in mountinfo.split("\n") if line)


def mount_of(mounts: Sequence[Mount], path: str) -> Mount:
    """The mount that an absolute path without links and `..` leads to. Raises FileError if it is not to be seen."""
    numbers = {mount.number for mount in mounts}
    roots = [m for m in mounts if m.point == "/" and (m.parent == m.number or m.parent not in numbers)]
    if not roots or not path.startswith("/"):
        message = f"It cannot be seen which file system holds {path}."
        raise FileError(message)
    found = roots[-1]
    pure = PurePosixPath(path)
    for prefix in (*reversed(pure.parents), pure):
        while above := [m for m in mounts if m.parent == found.number != m.number and m.point == str(prefix)]:
            found = above[-1]
    return found


def holder(mounts: Sequence[Mount], path: str, is_directory: Callable[[str], bool] = os.path.isdir) -> Mount:
    """The mount that keeps what is written at a path: for an overlay, the one that holds its upper directory.

    Raises FileError if that one is not to be seen from here, as in a container.
    """
    seen: list[Mount] = []
    found = mount_of(mounts, path)
    while found.kind == "overlay":
        upper = found.options.get("upperdir", "")
        seen.append(found)
        # A path that means something else here leads back to the overlay, or nowhere.
        below = mount_of(mounts, upper) if is_directory(upper) else found
        if below in seen:
            message = f"The overlay at {found.point} keeps what is written where it cannot be seen."
            raise FileError(message)
        found = below
    return found


def _mount(line: str) -> Mount:
    before, _, after = line.partition(" - ")
    number, parent, device, _, point, *_ = before.split(" ")
    kind, source, options = after.split(" ")
    if not re.fullmatch(r"\d+:\d+", device):
        message = "not a line of mountinfo"
        raise ValueError(message)
    pairs = (option.partition("=") for option in options.split(","))
    return Mount(
        int(number),
        int(parent),
        device,
        _unescape(point),
        kind,
        _unescape(source),
        {name: _unescape(value) for name, _, value in pairs},
    )


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
