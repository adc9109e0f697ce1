"""What documents are put together from: texts, boxes, circles, lines to write on, and tables of them.

Lengths are points. Nothing is smaller than 10 points. A box to tick is mandatory; a circle is one of several.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape  # of what is written, not read

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, PageBreak, Paragraph, Spacer, Table

from ceremony.forms.later import Anchor
from escrow.paper import fonts
from escrow.paper.block import Font
from escrow.paper.fonts import FONTS, check_shown, composed

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

Cell = Flowable | Sequence[Flowable] | str

MM = 72 / 25.4
GAP = 2 * MM
THIN, THICK = 0.5, 2.4
BOX = 6 * MM
"""The side of a box for one character."""

_MARK = 4 * MM
_STYLES: dict[str, tuple[Font, float, float, dict[str, Any]]] = {  # font, size, leading, others
    "body": ("regular", 10, 13, {}),
    "bold": ("bold", 10, 13, {}),
    "right": ("regular", 10, 13, {"alignment": 2}),
    "center": ("regular", 10, 13, {"alignment": 1}),
    "center-bold": ("bold", 10, 13, {"alignment": 1}),
    "loud": ("regular", 12, 15.5, {}),
    "value": ("bold", 12, 15.5, {}),
    "number": ("bold", 12, 15.5, {}),
    "secrecy": ("bold", 12, 15, {}),
    "title": ("bold", 24, 29, {}),
    "heading": ("bold", 16, 20, {"spaceBefore": 6, "spaceAfter": 5}),
    "subheading": ("bold", 12, 15.5, {"spaceBefore": 6, "spaceAfter": 3}),
    "warning": ("bold", 15, 19, {"alignment": 1}),
    "mono": ("mono", 10, 13, {}),
    "mono-center": ("mono", 10, 13, {"alignment": 1}),
    "word": ("mono", 12, 15.5, {"alignment": 1}),
    "spoken": ("mono", 16, 20, {}),
}


def text(words: str, style: str = "body") -> Paragraph:
    """A paragraph. Raises TemplateError for characters that the font lacks."""
    made = _style(style)
    words = composed(words)
    check_shown(words.replace("\n", " "), _STYLES[style][0], repr(words[:60]))
    return Paragraph(escape(words).replace("\n", "<br/>"), made)


def heading(words: str, room: float = 60 * MM) -> list[Flowable]:
    """A section's heading, on a new page if less than `room` is left for it and what follows.

    Its page can be found by its words.
    """
    return [CondPageBreak(room), Anchor(words), text(words, "heading")]


def space(height: float = GAP) -> Flowable:
    """Empty room."""
    return Spacer(0, height)


def together(*flowables: Flowable) -> Flowable:
    """What stays on one page."""
    return KeepTogether(list(flowables))


def new_page() -> Flowable:
    """The end of a page."""
    return PageBreak()


class Marked(Flowable):
    """A box to tick, or a circle to mark, and the text beside it."""

    def __init__(self, words: str, style: str = "body", *, circle: bool = False) -> None:
        super().__init__()
        self._text = text(words, style)
        self._circle = circle
        self._lead = self._text.style.leading

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """As wide as the text needs, in what there is."""
        indent = _MARK + GAP if self._text.text else _MARK
        _, used = self._text.wrap(width - indent, height)
        needed = max(self._text.getActualLineWidths0() or [0]) + indent + 1
        self.width, self.height = min(width, needed), max(used, _MARK + 1)
        return self.width, self.height

    def draw(self) -> None:
        """Draw the mark on the height of the first line."""
        canvas: Canvas = self.canv
        canvas.setLineWidth(0.9)
        middle = self.height - self._lead / 2
        if self._circle:
            canvas.circle(_MARK / 2, middle, _MARK / 2)
        else:
            canvas.rect(0, middle - _MARK / 2, _MARK, _MARK)
        self._text.drawOn(canvas, _MARK + GAP, self.height - self._text.height)


class Boxes(Flowable):
    """Boxes for one character each: `_` in the pattern is a box, a space a gap, and anything else is printed."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self._pattern, self._side = pattern, BOX

    def wrap(self, width: float, _: float) -> tuple[float, float]:
        """What the boxes take: less than usual where there is little room."""
        boxes = self._pattern.count("_")
        others = sum(self._advance(sign) for sign in self._pattern if sign != "_")
        self._side = min(BOX, (width - others - 1) / boxes)
        self.width, self.height = boxes * self._side + others + 1, self._side + 2
        return self.width, self.height

    def draw(self) -> None:
        """Draw them from left to right."""
        canvas: Canvas = self.canv
        canvas.setLineWidth(0.7)
        canvas.setFont(FONTS["regular"], 12)
        at = 0.0
        for sign in self._pattern:
            if sign == "_":
                canvas.rect(at + 0.5, 1, self._side, self._side)
            elif sign != " ":
                canvas.drawCentredString(at + self._advance(sign) / 2, 1 + self._side / 2 - 4, sign)
            at += self._advance(sign)

    def _advance(self, sign: str) -> float:
        return self._side if sign == "_" else 2 * MM if sign == " " else 4 * MM


WORDS_OF_A_HASH = "____ ____ ____…____"
"""The boxes for the first three words of a hash and its last one."""
WORDS_OF_A_SET = "____ ____ ____ ____"
NUMBER_OF_A_BAG = "____ ____ ____"


def side_by_side(cells: Sequence[Flowable], widths: Sequence[float | None]) -> Flowable:
    """Things in a row, without lines around them."""
    style = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    return grid([list(cells)], widths, style, lines=False, pad=0)


def grid(  # noqa: PLR0913 - what a table has
    rows: Sequence[Sequence[Cell]],
    widths: Sequence[float | None],
    extra: Iterable[tuple[Any, ...]] = (),
    *,
    head: int = 0,
    lines: bool = True,
    pad: float = 3,
    heights: Sequence[float | None] | None = None,
    least: float = 0,
    splits: bool = False,
) -> Table:
    """A table that goes on over pages; its first `head` rows are bold words that each page repeats.

    The other rows are at least so high: room to write in. If it `splits`, a row may go on over pages, too. `extra` are
    commands of reportlab's TableStyle.
    """
    commands: list[tuple[Any, ...]] = [
        ("FONTNAME", (0, 0), (-1, -1), FONTS["regular"]),  # of empty cells, too: the default is not embedded
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), pad),
        ("BOTTOMPADDING", (0, 0), (-1, -1), pad + 1),
    ]
    if lines:
        commands += [("GRID", (0, 0), (-1, -1), THIN, "black")]
    if head:
        commands += [("LINEBELOW", (0, head - 1), (-1, head - 1), 1.4, "black")]
    drawn = [
        [text(cell, "bold" if number < head else "body") if isinstance(cell, str) and cell else cell for cell in row]
        for number, row in enumerate(rows)
    ]
    return Table(
        drawn,
        colWidths=list(widths),
        rowHeights=heights,
        minRowHeights=[0] * head + [least] * (len(drawn) - head),
        style=[*commands, *extra],
        repeatRows=head,
        splitInRow=int(splits),
        hAlign="LEFT",
    )


@cache
def _style(name: str) -> ParagraphStyle:
    fonts.prepare()
    font, size, leading, others = _STYLES[name]
    return ParagraphStyle(name, fontName=FONTS[font], fontSize=size, leading=leading, splitLongWords=1, **others)
