"""A record as plain text, 100 columns wide."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from ceremony.forms.record import Blank, Code, Digest, Fields, Line, Part, Section, Table, Value

WIDTH = 100
_LABEL = 30
_GAP = 2


def text(head: Sequence[str], sections: Sequence[Section]) -> str:
    """The record: a few lines first, then the sections."""
    lines = [line for each in head for line in _wrapped(each, WIDTH)]
    for section in sections:
        lines += ["", "", section.title, "=" * min(WIDTH, len(section.title))]
        for part in section.parts:
            lines += ["", *_part(part)]
    return "\n".join([*(line.rstrip() for line in lines), ""])


def _part(part: Part) -> Iterator[str]:
    match part:
        case Line():
            yield from _wrapped(part.words, WIDTH)
            if part.style == "subheading":
                yield "-" * min(WIDTH, len(part.words))
        case Fields():
            yield from _rows(part.rows, [_LABEL, WIDTH - _LABEL - _GAP])
        case Digest():
            yield from _rows([(part.label, "\n".join([*part.words, *part.digits]))], [_LABEL, WIDTH - _LABEL - _GAP])
        case Table():
            yield from _table(part)


def _table(table: Table) -> Iterator[str]:
    room = WIDTH - _GAP * (len(table.widths) - 1)
    widths = [room * width // sum(table.widths) for width in table.widths]
    yield from _rows([table.head], widths)
    yield (" " * _GAP).join("-" * width for width in widths)
    for row in table.rows:
        if len(row) == 1:
            yield from ("", *_wrapped(_plain(row[0]), WIDTH))
        else:
            yield from _rows([row], widths)


def _rows(rows: Sequence[Sequence[Value]], widths: Sequence[int]) -> Iterator[str]:
    for row in rows:
        cells = [list(_wrapped(_plain(cell), width)) for cell, width in zip(row, widths, strict=True)]
        for line in zip_longest(*cells, fillvalue=""):
            yield (" " * _GAP).join(part.ljust(width) for part, width in zip(line, widths, strict=True))


def _plain(cell: Value) -> str:
    match cell:
        case Blank():
            return cell.pattern
        case Code():
            return cell.words
        case _:
            return cell


def _wrapped(words: str, width: int) -> Iterator[str]:
    for line in words.split("\n"):
        yield from textwrap.wrap(line, width, break_on_hyphens=False) or [""]
