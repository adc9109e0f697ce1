"""Read another process's memory, and look for secrets in it in every form that a program might give them."""

import base64
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ahocorasick_rs import BytesAhoCorasick

FRAGMENT = 8
SENTENCE = 16  # of words that people write as well, such as "list over", eight letters prove nothing
UNLOCKABLE = {"[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]"}
_HEADER = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)")
_PIECE = 1 << 20  # that is read at once
_BLOCK = 1 << 13  # small, because little changes from look to look
_LONGEST = 2 * FRAGMENT * 4  # bytes of a fragment: hex digits of four bytes each; and a sentence is as long


@dataclass(frozen=True)
class Region:
    """One mapping of a process."""

    start: int
    end: int
    permissions: str
    name: str
    anonymous: bool
    flags: frozenset[str]

    @property
    def is_as_on_disk(self) -> bool:
        """Whether every page is still a page of a file that nobody can write through this mapping."""
        return self.name.startswith("/") and "w" not in self.permissions and not self.anonymous


@dataclass(frozen=True)
class Hit:
    """A fragment of a secret that was found."""

    secret: str
    form: str
    address: int
    where: str


def regions(pid: int) -> Iterator[Region]:
    """The mappings of a process with their VmFlags."""
    current: tuple[int, int, str, str] | None = None
    anonymous = True
    for line in Path(f"/proc/{pid}/smaps").read_text("utf-8", "replace").splitlines():
        if match := _HEADER.match(line):
            current = (int(match[1], 16), int(match[2], 16), match[3], match[4])
        elif line.startswith("Anonymous:"):
            anonymous = line.split()[1] != "0"
        elif line.startswith("VmFlags:") and current:
            yield Region(*current, anonymous, frozenset(line.split()[1:]))


def fragments(secret: bytes) -> dict[bytes, str]:
    """Every form in which 8 bytes of a secret may lie in memory, with the name of the form."""
    found: dict[bytes, str] = {}

    def windows(data: bytes, length: int, form: str, step: int = 1) -> None:
        for start in range(0, max(1, len(data) - length + 1), step):
            found.setdefault(data[start : start + length], form)

    def text(characters: str, length: int, form: str) -> None:
        for width, codec in ((1, "latin-1"), (2, "utf-16-le"), (4, "utf-32-le")):
            windows(characters.encode(codec), length * width, form, width)

    windows(secret, FRAGMENT, "bytes")
    windows(secret[::-1], FRAGMENT, "reversed")
    for name, data in (("hex", secret), ("reversed hex", secret[::-1])):
        text(data.hex(), 2 * FRAGMENT, name)
        text(data.hex().upper(), 2 * FRAGMENT, name)
    for offset in range(3):
        text(base64.b64encode(secret[offset:]).decode().rstrip("=")[:-1], 10, "base64")
    for offset in range(5):
        text(base64.b32encode(secret[offset:]).decode().rstrip("=")[:-1], 12, "base32")
    windows(secret.decode("latin-1").encode("utf-32-le"), 4 * FRAGMENT, "utf-32", 4)
    for order in ("big", "little"):
        number = int.from_bytes(secret, order)
        digits = [number >> shift & (1 << 30) - 1 for shift in range(0, number.bit_length(), 30)]
        windows(struct.pack(f"<{len(digits)}I", *digits), 2 * 4, "digits", 4)
    return {fragment: form for fragment, form in found.items() if len(set(fragment)) > 3}  # not zeros and the like


def sentence_fragments(words: bytes) -> dict[bytes, str]:
    """The same for words of a share, in lower and upper case and all widths of characters."""
    texts = [
        text[start : start + SENTENCE] for text in (words, words.upper()) for start in range(len(words) - SENTENCE)
    ]
    return {text.decode().encode(codec): "words" for text in texts for codec in ("ascii", "utf-16-le", "utf-32-le")}


class Scanner:
    """Looks for many secrets at once."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self.secrets = secrets
        self._forms: list[tuple[str, str]] = []
        patterns: list[bytes] = []
        for name, secret in secrets.items():
            is_words = b" " in secret and secret.isascii()
            for fragment, form in (sentence_fragments if is_words else fragments)(secret).items():
                patterns.append(fragment)
                self._forms.append((name, form))
        self._automaton = BytesAhoCorasick(patterns)
        self._searched: dict[int, tuple[bytes, list[tuple[int, int, int]]]] = {}
        """By their address, the blocks that were searched last, and what was found: most are the same at the next look,
        and a worker's are its parent's."""
        self._pieces: dict[int, tuple[bytes, list[tuple[int, int]]]] = {}
        assert max(map(len, patterns), default=0) <= _LONGEST

    def find(self, content: bytes, where: str) -> list[Hit]:
        """Every fragment in a file, or in what a program has shown."""
        found = self._automaton.find_matches_as_indexes(content)
        return [Hit(*self._forms[pattern], start, where) for pattern, start, _ in found]

    def scan(self, pid: int, mapped: Iterable[Region]) -> list[Hit]:
        """Every fragment in these mappings of a process, if it can be read and is not a file's unchanged content."""
        hits = []
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for region in mapped:
                if not region.permissions.startswith("r") or region.name in UNLOCKABLE or region.is_as_on_disk:
                    continue
                for address, content in _read(memory.fileno(), region):
                    for at, pattern in self._search_piece(address, content):
                        hits.append(Hit(*self._forms[pattern], at, region.name or "anonymous"))
        return hits

    def _search_piece(self, address: int, content: bytes) -> list[tuple[int, int]]:
        """What is found in a piece, and where; only those blocks are searched that have changed."""
        before, found = self._pieces.get(address, (None, []))
        if before != content:
            found = []
            for start in range(0, max(1, len(content) - _LONGEST), _BLOCK):
                block = content[start : start + _BLOCK + _LONGEST]
                found += [(address + start + at, p) for p, at, _ in self._search(address + start, block)]
            self._pieces[address] = content, found
        return found

    def _search(self, address: int, content: bytes) -> list[tuple[int, int, int]]:
        before, found = self._searched.get(address, (None, []))
        if before != content:
            found = self._automaton.find_matches_as_indexes(content)
            self._searched[address] = content, found
        return found


def _read(descriptor: int, region: Region) -> Iterator[tuple[int, bytes]]:
    for address in range(region.start, region.end, _PIECE):
        try:
            yield address, os.pread(descriptor, min(_PIECE + _LONGEST, region.end - address), address)
        except OSError:
            return  # memfd_secret's pages and guard pages: not readable even for root


def unlocked(mapped: Iterable[Region]) -> list[str]:
    """The mappings of a process that are not locked, of all that it has.

    memfd_secret's pages cannot be swapped at all (mm/secretmem.c marks the whole file unevictable). The kernel
    shows `lo` on the mapping that mmap made, but takes the flag off in a forked child and refuses to set it again,
    so in a worker they are known by their name.
    """
    return [
        f"{m.start:x}-{m.end:x} {m.permissions} {m.name}"
        for m in mapped
        if "lo" not in m.flags and m.name not in UNLOCKABLE and not m.name.startswith("/secretmem")
    ]
