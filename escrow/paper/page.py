"""Pages of a PDF: paper, fonts, and the drawing of what a template's blocks say. Every document is drawn here."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from escrow.errors import TemplateError
from escrow.paper import template
from escrow.paper.layout import DOT, MARK_WIDTH, RING_INSIDE, RING_OUTSIDE
from escrow.paper.template import LEADING, Block

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

PageSize = Literal["A4", "Letter"]

_SIZES = {"A4": (210.0, 297.0), "Letter": (215.9, 279.4)}
_MM = 72 / 25.4
_FONTS = {"regular": "NotoSans-Regular", "bold": "NotoSans-Bold", "mono": "NotoSansMono-Regular"}
_SMALLEST = 8.5


def prepare() -> None:
    """Load libraries and fonts once, before workers are forked that need them."""
    import qrcode  # noqa: F401 - loaded for the workers
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen import canvas  # noqa: F401 - loaded for the workers

    for font in _FONTS.values():
        if font not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(font, template.directory() / "fonts" / f"{font}.ttf"))


def check_printable(name: str) -> None:
    """Raise TemplateError if the fonts cannot show a name."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    prepare()
    font = pdfmetrics.getFont(_FONTS["regular"])
    shown = font.face.charToGlyph if isinstance(font, TTFont) else {}
    if not name.strip() or not name.isprintable():
        message = f"The name {name!r} cannot be printed: it is empty, or has control characters."
        raise TemplateError(message)
    absent = sorted({character for character in name if ord(character) not in shown})
    if absent:
        what = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in absent)
        message = f"The name {name!r} cannot be printed: the fonts lack {what}."
        raise TemplateError(message)


class Document:
    """A PDF of pages of one size. The same pages give the same bytes: no time and no random id is in it."""

    def __init__(self, title: str, size: PageSize) -> None:
        from reportlab.pdfgen.canvas import Canvas

        prepare()
        self._width, self._height = _SIZES[size]
        self._buffer = io.BytesIO()
        paper = (self._width * _MM, self._height * _MM)
        self._canvas = Canvas(
            self._buffer,
            paper,
            invariant=1,
            pageCompression=1,
            initialFontName=_FONTS["regular"],  # type: ignore[arg-type]  # the stubs take it for a number
        )
        self._canvas.setTitle(title)
        self._pages = 0

    def add_page(self, *, specimen: bool) -> "Page":
        """Begin a new page, and end the one before it. A specimen's pages are marked."""
        if self._pages:
            self._canvas.showPage()
        self._pages += 1
        page = Page(self._canvas, self._height)
        if specimen:
            page.watermark("SPECIMEN", self._width, self._height)
        return page

    def finish(self) -> bytes:
        """The PDF with all pages so far."""
        self._canvas.save()
        return self._buffer.getvalue()


class Page:
    """A page that is being drawn: each method draws one kind of block. Lengths are millimetres from the top left."""

    def __init__(self, canvas: "Canvas", height: float) -> None:
        self._canvas = canvas
        self._height = height

    def text(self, block: Block, fields: Mapping[str, str]) -> None:
        """Draw text with its fields filled in, smaller if it has to be. Raises TemplateError if it never fits."""
        text = block.text.format_map(fields)
        size = block.size
        while (lines := self._wrap(text, block, size)) is None:
            size -= 0.5
            if size < min(_SMALLEST, block.size):
                message = f"The text {text[:40]!r} does not fit into {block.width} x {block.height} mm: shorten it."
                raise TemplateError(message)
        draw = {
            "left": self._canvas.drawString,
            "center": self._canvas.drawCentredString,
            "right": self._canvas.drawRightString,
        }[block.align]
        x = block.x + {"left": 0.0, "center": block.width / 2, "right": block.width}[block.align]
        self._canvas.setFont(_FONTS[block.font], size)
        for number, line in enumerate(lines):
            draw(x * _MM, self._y(block.y) - size - number * size * LEADING, line)

    def rule(self, block: Block) -> None:
        """Draw a horizontal line."""
        self._canvas.setLineWidth(0.6)
        self._canvas.line(block.x * _MM, self._y(block.y), (block.x + block.width) * _MM, self._y(block.y))

    def qr(self, x: float, y: float, width: float, modules: Sequence[Sequence[bool]]) -> None:
        """Draw the modules of a QR code, quiet zone included, on white: no watermark in it."""
        step = width * _MM / len(modules)
        left, top = x * _MM, self._y(y)
        self._canvas.setFillGray(1)
        self._canvas.rect(left, top - width * _MM, width * _MM, width * _MM, stroke=0, fill=1)
        self._canvas.setFillGray(0)
        path = self._canvas.beginPath()
        for row, line in enumerate(modules):
            start = None
            for column, dark in enumerate([*line, False]):
                if dark and start is None:
                    start = column
                elif not dark and start is not None:
                    path.rect(left + start * step, top - (row + 1) * step, (column - start) * step, step)
                    start = None
        self._canvas.drawPath(path, stroke=0, fill=1)

    def mark(self, x: float, y: float) -> None:
        """Draw a registration mark, a ring with a dot, around this centre."""
        for diameter, grey in ((MARK_WIDTH, 1), (RING_OUTSIDE, 0), (RING_INSIDE, 1), (DOT, 0)):
            self._canvas.setFillGray(grey)
            self._canvas.circle(x * _MM, self._y(y), diameter / 2 * _MM, stroke=0, fill=1)

    def words(self, block: Block, rows: Sequence[Sequence[str]]) -> None:
        """Draw rows of words, numbered, the last word of each apart."""
        pitch = (block.height or 0) / len(rows)
        number_width = 10.0
        column = (block.width - number_width) / len(rows[0])
        for number, row in enumerate(rows, 1):
            baseline = self._y(block.y + number * pitch) + 2
            self._canvas.setFont(_FONTS["bold"], block.size)
            self._canvas.drawRightString((block.x + number_width - 4) * _MM, baseline, str(number))
            self._canvas.setFont(_FONTS["mono"], block.size)
            for place, word in enumerate(row):
                gap = 3 if place == len(row) - 1 else 0  # the check word stands apart
                self._canvas.drawString((block.x + number_width + place * column + gap) * _MM, baseline, word)

    def watermark(self, text: str, width: float, height: float) -> None:
        """Write a word across the page, to be drawn before everything else."""
        self._canvas.saveState()
        self._canvas.setFillGray(0.85)
        self._canvas.setFont(_FONTS["bold"], 110)
        self._canvas.translate(width / 2 * _MM, height / 2 * _MM)
        self._canvas.rotate(55)
        self._canvas.drawCentredString(0, -30, text)
        self._canvas.restoreState()

    def _wrap(self, text: str, block: Block, size: float) -> list[str] | None:
        lines: list[str] = []
        for paragraph in text.split("\n"):
            if block.font == "mono":
                lines.append(paragraph)  # commands and digits are never wrapped
            else:
                lines += self._break(paragraph, block, size)
        widest = max(self._canvas.stringWidth(line, _FONTS[block.font], size) for line in lines)
        fits = widest <= block.width * _MM + 0.01 and (
            block.height is None or len(lines) * size * LEADING <= block.height * _MM
        )
        return lines if fits else None

    def _break(self, paragraph: str, block: Block, size: float) -> list[str]:
        """Break between words, and inside a word that is wider than the block by itself."""
        from reportlab.lib.utils import simpleSplit

        font, width = _FONTS[block.font], block.width * _MM
        lines: list[str] = []
        for line in simpleSplit(paragraph, font, size, width) or [""]:
            rest = line
            while self._canvas.stringWidth(rest, font, size) > width:
                fits = next(
                    n for n in range(len(rest), 0, -1) if self._canvas.stringWidth(rest[:n], font, size) <= width
                )
                lines.append(rest[:fits])
                rest = rest[fits:]
            lines.append(rest)
        return lines

    def _y(self, from_top: float) -> float:
        return (self._height - from_top) * _MM
