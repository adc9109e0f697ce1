"""The page of every document of a ceremony: header, footer, margins, watermark; and a story laid out on such pages."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ceremony import spoken
from ceremony.forms.pieces import GAP, Anchor, grid, text
from ceremony.planning.plan import Plan
from escrow.errors import TemplateError
from escrow.paper import fonts, source
from escrow.paper.texts import Texts, Words
from escrow.share import Kind

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable

Story = Callable[[Mapping[str, int]], Sequence["Flowable"]]
"""Makes the flowables of a document, each time anew; it is given the pages of the anchors, as far as they are known."""

_MM = 72 / 25.4
_SIDE = 18 * _MM
_TOP = 8 * _MM
_BOTTOM = 18 * _MM
_WORDS = Words(
    tables={
        "page": {"number", "ceremony", "plan", "date", "initials", "watermark"},
        "secrecy": {"confidential", "public"},
    },
    special={
        "page.number": {"title", "page", "pages"},
        "page.ceremony": {"ceremony"},
        "page.plan": {"plan_words"},
    },
)


@dataclass(frozen=True)
class Letterhead:
    """What stands on each page: `plan_words` recognise the plan; `secrecy` is a key of the template's table."""

    organisation: str
    ceremony: str
    plan_words: str
    size: str
    specimen: bool
    texts: Texts

    @classmethod
    def of(cls, plan: Plan) -> "Letterhead":
        """The letterhead of a plan's ceremony. Raises TemplateError for a wrong template."""
        return cls(
            plan.ceremony.organisation,
            plan.ceremony.id,
            spoken.first_three_and_last(plan.words),
            plan.documents.page,
            plan.ceremony.kind is Kind.SPECIMEN,
            Texts(source.find("pages.toml", plan.documents.templates), _WORDS, {}),
        )

    @property
    def paper(self) -> tuple[float, float]:
        """Width and height of the paper, in points."""
        from reportlab.lib.pagesizes import A4, LETTER

        return {"A4": A4, "Letter": LETTER}[self.size]

    @property
    def width(self) -> float:
        """The width between the margins, in points."""
        return self.paper[0] - 2 * _SIDE

    @property
    def height(self) -> float:
        """The height between header and footer, in points, if the header has no more lines than usual."""
        return self.paper[1] - self._top("", "confidential") - _BOTTOM

    def render(self, title: str, secrecy: str, story: Story) -> bytes:
        """The document as a PDF. The same story gives the same bytes: no time and no random id is in it.

        Raises TemplateError for what no font shows and for what is higher than a page.
        """
        from reportlab.platypus.doctemplate import LayoutError

        fonts.prepare()
        anchors: dict[str, int] = {}
        try:
            _, pages = self._lay_out(title, secrecy, story, anchors, 0)  # to count the pages and find the anchors
            content, _ = self._lay_out(title, secrecy, story, anchors, pages)
        except LayoutError:
            message = f"{title}: something is higher than a page: shorten the texts of the templates, or the names."
            raise TemplateError(message) from None
        return content

    def _lay_out(
        self, title: str, secrecy: str, story: Story, anchors: dict[str, int], pages: int
    ) -> tuple[bytes, int]:
        from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

        flowables = story(dict(anchors))
        for flowable in flowables:
            if isinstance(flowable, Anchor):
                flowable.found = anchors
        width, height = self.paper
        top = self._top(title, secrecy)

        def furnish(canvas: "Canvas", document: BaseDocTemplate) -> None:
            self._furnish(canvas, title, secrecy, document.page, pages)

        buffer = io.BytesIO()
        document = BaseDocTemplate(
            buffer,
            pagesize=(width, height),
            title=title,
            author=self.organisation,
            invariant=1,
            pageCompression=1,
            initialFontName=fonts.FONTS["regular"],
        )
        body = Frame(_SIDE, _BOTTOM, self.width, height - top - _BOTTOM, 0, 0, 0, 0)
        document.addPageTemplates([PageTemplate("page", [body], onPage=furnish)])
        document.build(list(flowables))
        return buffer.getvalue(), document.page

    def _top(self, title: str, secrecy: str) -> float:
        return _TOP + self._header(title, secrecy, 999, 999)[1] + 2 * GAP

    def _header(self, title: str, secrecy: str, page: int, pages: int) -> "tuple[Flowable, float]":
        table = grid(
            [
                [
                    text(self.texts(f"secrecy.{secrecy}"), "secrecy"),
                    text(self.texts("page.number", title=title, page=page, pages=pages), "right"),
                ],
                [
                    text(self.organisation),
                    text(self.texts("page.ceremony", ceremony=self.ceremony), "right"),
                ],
            ],
            [self.width * 0.56, self.width * 0.44],
            [
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
            ],
            lines=False,
            pad=1,
        )
        return table, table.wrap(self.width, self.paper[1])[1]

    def _furnish(self, canvas: "Canvas", title: str, secrecy: str, page: int, pages: int) -> None:
        width, height = self.paper
        if self.specimen:
            canvas.saveState()
            canvas.setFillGray(0.88)
            canvas.setFont(fonts.FONTS["bold"], 110)
            canvas.translate(width / 2, height / 2)
            canvas.rotate(55)
            canvas.drawCentredString(0, -30, self.texts("page.watermark"))
            canvas.restoreState()
        header, used = self._header(title, secrecy, page, pages)
        header.drawOn(canvas, _SIDE, height - _TOP - used)
        canvas.setLineWidth(0.8)
        canvas.line(_SIDE, height - _TOP - used - 2, width - _SIDE, height - _TOP - used - 2)
        foot = _BOTTOM - 9
        canvas.line(_SIDE, foot + 1, width - _SIDE, foot + 1)
        canvas.setFont(fonts.FONTS["regular"], 10)
        canvas.drawString(_SIDE, foot - 15, self.texts("page.plan", plan_words=self.plan_words))
        right = width - _SIDE
        for label, room in ((self.texts("page.initials"), 60.0), (self.texts("page.date"), 80.0)):
            canvas.line(right - room, foot - 17, right, foot - 17)
            canvas.drawRightString(right - room - 4, foot - 15, label)
            right -= room + 4 + canvas.stringWidth(label, fonts.FONTS["regular"], 10) + 12
