"""A record on paper."""

from collections.abc import Iterator, Sequence

from reportlab.platypus import Flowable

from ceremony.forms.pieces import GAP, MM, THICK, THIN, Boxes, Cell, grid, heading, new_page, space, text, together
from ceremony.forms.record import Blank, Code, Digest, Fields, Line, Part, Section, Table, Value

_LABEL = 46 * MM
_HAIR, _BAND = 0.3, 0.9
_PADDING = 8  # of a cell, left and right
_HIGH, _ENDLESS = 150 * MM, 1e6
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
        case Line(style="verdict"):
            frame = [("BOX", (0, 0), (-1, -1), THICK, "black")]
            yield grid([[text(part.words, "warning")]], [width], frame, lines=False, pad=6)
            yield space(2 * GAP)
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
    widths = [_LABEL, width - _LABEL]
    high = _is_high(rows, widths)
    return grid(rows, widths, [("VALIGN", (0, 0), (-1, -1), "TOP" if high else "MIDDLE")], splits=high)


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
    lines: list[tuple[object, ...]] = [
        ("LINEBELOW", (0, 1), (-1, -1), _HAIR, "black"),
        ("LINEABOVE", (0, 0), (-1, 0), _HAIR, "black"),
    ]
    widths = [width * each / sum(table.widths) for each in table.widths]
    for row in table.rows:
        style = "bold" if len(row) > 1 else "subheading"
        first = text(row[0], style) if isinstance(row[0], str) else _cell(row[0])
        others: list[Cell] = [_cell(value) for value in row[1:]]
        at = len(rows)
        if not others:
            lines += [("SPAN", (0, at), (-1, at)), ("NOSPLIT", (0, at), (-1, at + 1))]
            lines.append(("LINEABOVE", (0, at), (-1, at), _BAND, "black"))
            others = [""] * (len(widths) - 1)
        rows.append([first, *others])
    high = _is_high(rows, widths)
    if high or len(table.rows[-1]) == 1:  # nothing can stay together with what has no end on its page, or is not there
        lines = [line for line in lines if line[0] != "NOSPLIT"]
    made = grid(rows, widths, lines, head=1, lines=False, pad=2, splits=high)
    return together(made) if len(rows) <= _SHORT else made


def _is_high(rows: Sequence[Sequence[Cell]], widths: Sequence[float]) -> bool:
    """Whether a row may be higher than a page: then it goes on over pages, and else it stays together."""
    for row in rows:
        first, *others = row
        band = len(others) > 0 and not any(others)
        for cell, width in zip([first] if band else row, [sum(widths)] if band else widths, strict=True):
            if isinstance(cell, Flowable) and cell.wrap(width - _PADDING, _ENDLESS)[1] > _HIGH:
                return True
    return False


def _cell(value: Value) -> Flowable:
    match value:
        case Blank():
            return Boxes(value.pattern)
        case Code():
            return text(value.words, "spoken" if value.loud else "mono")
        case _:
            return text(value)
