"""What a record is made of: sections of lines, fields, tables and hashes. It is made once, and shown as PDF or text.

Nothing that people typed or a machine said keeps a record from being made: `legible` shows what no font has by its
number.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from escrow.paper.fonts import is_shown


@dataclass(frozen=True)
class Blank:
    """Boxes to write in: `_` in the pattern is a box."""

    pattern: str


@dataclass(frozen=True)
class Code:
    """Digits or words to be compared; `loud` ones are read aloud."""

    words: str
    loud: bool = False


Value = str | Code | Blank


@dataclass(frozen=True)
class Line:
    """A paragraph. Styles: body, bold, subheading, and verdict for what the whole record comes to."""

    words: str
    style: str = "body"


@dataclass(frozen=True)
class Fields:
    """Labels and their values, one below the other."""

    rows: Sequence[tuple[str, Value]]


@dataclass(frozen=True)
class Table:
    """Rows below a head; a row of one text is a heading among them. Widths are parts of the whole."""

    head: Sequence[str]
    rows: Sequence[Sequence[Value]]
    widths: Sequence[int]


@dataclass(frozen=True)
class Digest:
    """A hash of 32 bytes, in rows of words and in digits."""

    label: str
    words: Sequence[str]
    digits: Sequence[str]


Part = Line | Fields | Table | Digest


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; `on_new_page` is for paper."""

    title: str
    parts: Sequence[Part]
    on_new_page: bool = False


def legible(sections: Sequence[Section]) -> list[Section]:
    """The same, with every character that a font lacks, and every one that is invisible, as <U+5B89>."""
    return [
        replace(each, title=legible_text(each.title), parts=[mapped(part, legible_text) for part in each.parts])
        for each in sections
    ]


def legible_text(words: str) -> str:
    """One text as `legible` shows it."""
    return "".join(map(_sign, unicodedata.normalize("NFC", words)))


@cache
def _sign(sign: str) -> str:
    return sign if sign == "\n" or (sign.isprintable() and is_shown(sign)) else f"<U+{ord(sign):04X}>"


def mapped(part: Part, change: Callable[[str], str]) -> Part:
    """A part with all its texts but the words and digits of hashes changed."""

    def value(given: Value) -> Value:
        if isinstance(given, Code):
            return replace(given, words=change(given.words))
        return change(given) if isinstance(given, str) else given

    match part:
        case Line():
            return replace(part, words=change(part.words))
        case Fields():
            return replace(part, rows=[(change(label), value(given)) for label, given in part.rows])
        case Table():
            head = [change(each) for each in part.head]
            return replace(part, head=head, rows=[[value(each) for each in row] for row in part.rows])
        case Digest():
            return replace(part, label=change(part.label))
