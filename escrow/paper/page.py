"""Pages of a PDF: the drawing of what a template's blocks say. Every document is drawn here."""

import io
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from escrow.errors import TemplateError
from escrow.paper import fonts
from escrow.paper.block import LEADING, Block
from escrow.paper.fonts import FONTS
from escrow.paper.layout import DOT, MARK_WIDTH, RING_INSIDE, RING_OUTSIDE
from escrow.paper.template import Size

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

Fields = Mapping[str, str | None]
"""What the fields say. None is to be filled in by hand: a field stays empty, and in a text stands a line."""
Modules = Sequence[Sequence[bool]]
"""Rows of modules of a QR code, true for dark, quiet zone included."""

_MM = 72 / 25.4
_SMALLEST = 8.5  # points, unless the template itself asks for less
_LINE = 0.6  # points
_DASH = (3, 2)
_PAD = 1.5  # millimetres between a frame and what stands in it
_TICK = 4.5  # millimetres: a box to tick
_GAP = 0.5  # of a box, between groups of them


def prepare() -> None:
    """Load libraries and fonts once, before workers are forked that need them."""
    import qrcode  # noqa: F401 - loaded for the workers
    from reportlab.lib import utils  # noqa: F401 - loaded for the workers
    from reportlab.pdfgen import canvas  # noqa: F401 - loaded for the workers

    fonts.prepare()


class Document:
    """A PDF. The same pages give the same bytes: no time and no random id is in it."""

    def __init__(self, title: str) -> None:
        from reportlab.pdfgen.canvas import Canvas

        prepare()
        self._buffer = io.BytesIO()
        font: Any = FONTS["regular"]  # the stubs take it for a number
        self._canvas = Canvas(self._buffer, invariant=1, pageCompression=1, initialFontName=font)
        self._canvas.setTitle(title)
        self._pages = 0

    def add_page(self, size: Size, blank: str, watermark: str = "", origin: tuple[float, float] = (0, 0)) -> "Page":
        """Begin a new page of a size in millimetres, and end the one before it. Blocks are placed from the origin.

        `blank` is what stands in a text for a field that is to be filled in by hand.
        """
        if self._pages:
            self._canvas.showPage()
        self._pages += 1
        self._canvas.setPageSize((size[0] * _MM, size[1] * _MM))
        page = Page(self._canvas, size[1], blank)
        if watermark:
            page.watermark(watermark, *size)
        self._canvas.translate(origin[0] * _MM, -origin[1] * _MM)
        return page

    def finish(self) -> bytes:
        """The PDF with all pages so far."""
        self._canvas.save()
        return self._buffer.getvalue()


class Page:
    """A page that is being drawn. Lengths are millimetres from the top left.

    Texts raise TemplateError, which names the block's place, when they do not fit or the fonts lack a character.
    """

    def __init__(self, canvas: "Canvas", height: float, blank: str) -> None:
        self._canvas = canvas
        self._height = height
        self._blank = blank

    def draw(self, block: Block, fields: Fields) -> None:
        """Draw a block of any kind but those that show a share or a code."""
        match block.kind:
            case "text":
                self._text(block, self._fill(block.text, fields))
            case "rule":
                self._rule(block)
            case "box":
                self._frame(block, dash=block.dash)
            case "field":
                self._field(block, fields)
            case "boxes":
                self._boxes(block, self._fill(block.text, fields, blank=""))
            case "check":
                self._check(block, self._fill(block.text, fields))
            case "image":
                self._image(block)

    def _rule(self, block: Block) -> None:
        self._canvas.setLineWidth(_LINE)
        self._canvas.setDash(*(_DASH if block.dash else ()))
        y = self._y(block.y)
        self._canvas.line(block.x * _MM, y, (block.x + block.width) * _MM, y)
        self._canvas.setDash()

    def _field(self, block: Block, fields: Fields) -> None:
        """A frame with a small caption at its top, and below it the value, or room to write."""
        self._frame(block)
        inner = replace(block, x=block.x + _PAD, width=block.width - 2 * _PAD, y=block.y + _PAD / 4)
        caption = _SMALLEST * LEADING / _MM
        text = self._fill(block.text, fields)
        self._text(replace(inner, height=caption, size=_SMALLEST, font="regular"), text)
        if value := self._fill(block.value, fields, blank=""):
            height = (block.height or 0) - caption - _PAD / 2
            self._text(replace(inner, y=inner.y + caption, height=height), value, middle=True)

    def _boxes(self, block: Block, text: str) -> None:
        """One box a character; `_` is an empty one, a space a gap. Each line is a row."""
        rows = text.split("\n")
        fonts.check_shown("".join(rows), "mono", block.where)
        widest = max(sum(_GAP if c == " " else 1 for c in row) for row in rows) or 1
        pitch = (block.height or 0) / len(rows)
        width = block.width / widest
        height = min(pitch - (_PAD / 2 if len(rows) > 1 else 0), width * 1.4)
        size = min(block.size, width * _MM / 0.7)
        self._canvas.setFont(FONTS["mono"], size)
        for number, row in enumerate(rows):
            x, y = block.x, block.y + number * pitch
            for character in row:
                if character != " ":
                    self._frame(replace(block, x=x, y=y, width=width, height=height))
                if character not in " _":
                    base = self._y(y + height / 2) - size * 0.36  # half the height of a capital
                    self._canvas.drawCentredString((x + width / 2) * _MM, base, character)
                x += width * (_GAP if character == " " else 1)

    def _check(self, block: Block, text: str) -> None:
        """A box to tick, or as wide as `box` to initial, and beside it a text."""
        height = block.height or 0
        side = block.box or min(_TICK, height)
        self._frame(replace(block, width=side, height=height if block.box else side))
        gap = side + 2 * _PAD
        self._text(replace(block, x=block.x + gap, width=block.width - gap), text, middle=bool(block.box))

    def _image(self, block: Block) -> None:
        from reportlab.lib.utils import ImageReader

        anchor = {"left": "nw", "center": "n", "right": "ne"}[block.align]
        height = block.height or 0
        area = (block.x * _MM, self._y(block.y + height), block.width * _MM, height * _MM)
        self._canvas.drawImage(ImageReader(block.image), *area, preserveAspectRatio=True, anchor=anchor)

    def qr(self, x: float, y: float, width: float, modules: Modules) -> None:
        """Draw the modules of a QR code on white: no watermark in it."""
        step = width * _MM / len(modules)
        left, top = x * _MM, self._y(y)
        self._canvas.setFillGray(1)
        self._canvas.rect(left, top - width * _MM, width * _MM, width * _MM, stroke=0, fill=1)
        self._canvas.setFillGray(0)
        # In units of modules, and as operators (PDF 32000-1, 8.5.2): the library is slow with thousands of paths.
        self._canvas.saveState()
        self._canvas.translate(left, top)
        self._canvas.scale(step, -step)
        runs = [f"{start} {row} {end - start} 1 re" for row, line in enumerate(modules) for start, end in _runs(line)]
        self._canvas.addLiteral("\n".join([*runs, "f"]))
        self._canvas.restoreState()

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
            self._canvas.setFont(FONTS["bold"], block.size)
            self._canvas.drawRightString((block.x + number_width - 4) * _MM, baseline, str(number))
            self._canvas.setFont(FONTS["mono"], block.size)
            for place, word in enumerate(row):
                gap = 3 if place == len(row) - 1 else 0  # the check word stands apart
                self._canvas.drawString((block.x + number_width + place * column + gap) * _MM, baseline, word)

    def watermark(self, text: str, width: float, height: float) -> None:
        """Write a word across the page, to be drawn before everything else."""
        room = 0.75 * math.hypot(width, height) * _MM
        size = min(110.0, 110 * room / self._canvas.stringWidth(text, FONTS["bold"], 110))
        self._canvas.saveState()
        self._canvas.setFillGray(0.85)
        self._canvas.setFont(FONTS["bold"], size)
        self._canvas.translate(width / 2 * _MM, height / 2 * _MM)
        self._canvas.rotate(55)
        self._canvas.drawCentredString(0, -0.27 * size, text)
        self._canvas.restoreState()

    def _frame(self, block: Block, *, dash: bool = False) -> None:
        height = block.height or 0
        self._canvas.setLineWidth(_LINE)
        self._canvas.setDash(*(_DASH if dash else ()))
        self._canvas.rect(block.x * _MM, self._y(block.y + height), block.width * _MM, height * _MM, stroke=1, fill=0)
        self._canvas.setDash()

    def _fill(self, text: str, fields: Fields, blank: str | None = None) -> str:
        missing = self._blank if blank is None else blank
        return fonts.composed(text.format_map({k: missing if v is None else v for k, v in fields.items()}))

    def _text(self, block: Block, text: str, *, middle: bool = False) -> None:
        """Write into a block's area, smaller if it has to be; from its top, or in its middle."""
        fonts.check_shown(text.replace("\n", ""), block.font, block.where)
        size = block.size
        while (lines := self._wrap(text, block, size)) is None:
            size -= 0.5
            if size < min(_SMALLEST, block.size):
                room = f"{block.width:g} mm" if block.height is None else f"{block.width:g} x {block.height:g} mm"
                message = (
                    f"{block.where}: the text {text[:40]!r} does not fit into {room}: shorten it, or give it room."
                )
                raise TemplateError(message)
        top = self._y(block.y)
        if middle and block.height is not None:
            top -= max(0.0, block.height * _MM - len(lines) * size * LEADING) / 2
        draw = {
            "left": self._canvas.drawString,
            "center": self._canvas.drawCentredString,
            "right": self._canvas.drawRightString,
        }[block.align]
        x = block.x + {"left": 0.0, "center": block.width / 2, "right": block.width}[block.align]
        self._canvas.setFont(FONTS[block.font], size)
        for number, line in enumerate(lines):
            draw(x * _MM, top - size - number * size * LEADING, line)

    def _wrap(self, text: str, block: Block, size: float) -> list[str] | None:
        font, width = FONTS[block.font], block.width * _MM
        lines: list[str] = []
        for paragraph in text.split("\n"):
            # Commands and digits are never wrapped.
            lines += [paragraph] if block.font == "mono" else self._break(paragraph, font, size, width)
        widest = max(self._canvas.stringWidth(line, font, size) for line in lines)
        fits = widest <= width + 0.01 and (
            len(lines) == 1 if block.height is None else len(lines) * size * LEADING <= block.height * _MM + 0.01
        )
        return lines if fits else None

    def _break(self, paragraph: str, font: str, size: float, width: float) -> list[str]:
        """Break between words, and inside a word that is wider than the block by itself."""
        from reportlab.lib.utils import simpleSplit

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


def _runs(line: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Where dark modules beside each other begin and end in a row."""
    for dark, run in itertools.groupby(range(len(line)), lambda column: line[column]):
        if dark:
            columns = [*run]
            yield columns[0], columns[-1] + 1
