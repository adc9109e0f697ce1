"""A record on paper."""

from collections.abc import Iterator, Sequence

from reportlab.platypus import Flowable

from ceremony.forms.pieces import GAP, MM, THIN, Boxes, Cell, grid, heading, new_page, space, text, together
from ceremony.forms.record import Blank, Code, Digest, Fields, Line, Part, Section, Table, Value

_LABEL = 46 * MM
_HAIR = 0.3
_SHORT = 8  # rows of a table that stays on one page if it can


def story(sections: Sequence[Section], width: float) -> list[Flowable]:
    """The flowables of all sections."""
    return list(_story(sections, width))


def _story(sections: Sequence[Section], width: float) -> Iterator[Flowable]:
    for section in sections:
        if section.on_new_page:
            yield new_page()
        yield from heading(section.title, 45 * MM)
        for part in section.parts:
            yield from _part(part, width)


def _part(part: Part, width: float) -> Iterator[Flowable]:
    match part:
        case Line():
            yield text(part.words, part.style)
            yield space(GAP if part.style != "subheading" else 0)
        case Fields():
            yield _fields(part, width)
            yield space(GAP)
        case Digest():
            yield together(_digest(part, width), space(GAP))
        case Table():
            yield _table(part, width)
            yield space(GAP)


def _fields(fields: Fields, width: float) -> Flowable:
    rows: list[list[Cell]] = [[text(label, "bold"), _cell(value)] for label, value in fields.rows]
    return grid(rows, [_LABEL, width - _LABEL], [("VALIGN", (0, 0), (-1, -1), "MIDDLE")], splits=True)


def _digest(digest: Digest, width: float) -> Flowable:
    word = (width - _LABEL) / 8
    rows: list[list[Cell]] = [["", *(text(each, "word") for each in row.split())] for row in digest.words]
    rows[0][0] = text(digest.label, "bold")
    digits = "\n".join(digest.digits)
    rows.append(["", text(digits, "mono-center"), *[""] * 7])
    return grid(
        rows,
        [_LABEL, *[word] * 8],
        [
            ("SPAN", (0, 0), (0, -1)),
            ("SPAN", (1, -1), (-1, -1)),
            ("VALIGN", (0, 0), (0, -1), "MIDDLE"),
            ("BOX", (0, 0), (-1, -1), THIN, "black"),
            ("LINEAFTER", (0, 0), (0, -1), THIN, "black"),
            ("LINEABOVE", (1, -1), (-1, -1), _HAIR, "black"),
        ],
        lines=False,
        pad=1.5,
    )


def _table(table: Table, width: float) -> Flowable:
    rows: list[list[Cell]] = [list(table.head)]
    for row in table.rows:
        first, *others = row
        rows.append([text(first, "bold") if isinstance(first, str) else _cell(first), *map(_cell, others)])
    widths = [width * each / sum(table.widths) for each in table.widths]
    lines = [("LINEBELOW", (0, 1), (-1, -1), _HAIR, "black"), ("LINEABOVE", (0, 0), (-1, 0), _HAIR, "black")]
    made = grid(rows, widths, lines, head=1, lines=False, pad=2, splits=True)
    return together(made) if len(rows) <= _SHORT else made


def _cell(value: Value) -> Cell:
    match value:
        case Blank():
            return Boxes(value.pattern)
        case Code():
            return text(value.words, "mono")
        case _:
            return text(value)
