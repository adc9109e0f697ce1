"""The page of every document of a ceremony: the header and footer of all papers; a story laid out between them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ceremony import spoken
from ceremony.forms.later import Furnish, Pages
from ceremony.forms.pieces import GAP, MM
from ceremony.planning.plan import Plan
from escrow.errors import TemplateError
from escrow.paper import fonts
from escrow.paper.page import Page
from escrow.paper.stationery import Stationery, centred
from escrow.paper.template import PAPER, Size, Template
from escrow.share import Kind

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable


@dataclass(frozen=True)
class Letterhead:
    """What stands on each page. `size` is that of the paper in millimetres; `plan_words` recognise the plan."""

    organisation: str
    ceremony: str
    plan_words: str
    size: Size
    specimen: bool
    frame: Template

    @classmethod
    def of(cls, plan: Plan) -> "Letterhead":
        """The letterhead of a plan's ceremony. Raises TemplateError for a wrong template."""
        return cls(
            plan.ceremony.organisation,
            plan.ceremony.id,
            spoken.first_three_and_last(plan.words),
            PAPER[plan.documents.page],
            plan.ceremony.kind is Kind.SPECIMEN,
            Stationery(plan.documents.templates).frame(),
        )

    @property
    def watermark(self) -> str:
        """What stands across each page; empty for production."""
        return self.frame.phrases["watermark"] if self.specimen else ""

    @property
    def width(self) -> float:
        """The width of the header and of what stands below it, in points."""
        return self._room[2]

    @property
    def height(self) -> float:
        """The height between header and footer, in points."""
        return self._room[3]

    def render(self, title: str, secrecy: str, story: Sequence["Flowable"]) -> bytes:
        """The document as a PDF. The same story gives the same bytes: no time and no random id is in it.

        Raises TemplateError for what no font shows and for what is higher than a page.
        """
        from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate
        from reportlab.platypus.doctemplate import LayoutError

        fonts.prepare()
        buffer = io.BytesIO()
        document = BaseDocTemplate(
            buffer,
            pagesize=(self.size[0] * MM, self.size[1] * MM),
            title=title,
            author=self.organisation,
            invariant=1,
            pageCompression=1,
            initialFontName=fonts.FONTS["regular"],
        )
        body = Frame(*self._room, 0, 0, 0, 0)
        document.addPageTemplates([PageTemplate("page", [body])])
        try:
            document.build(list(story), canvasmaker=partial(Pages, self._furniture(title, secrecy)))
        except LayoutError:
            message = f"{title}: something is higher than a page: shorten the texts of the templates, or the names."
            raise TemplateError(message) from None
        return buffer.getvalue()

    def _furniture(self, title: str, secrecy: str) -> Furnish:
        """What draws header and footer."""

        def furnish(canvas: "Canvas", page: int, pages: int) -> None:
            fields = {
                "organisation": self.organisation,
                "ceremony": self.ceremony,
                "plan_words": self.plan_words,
                "secrecy": secrecy,
                "title": title,
                "page": str(page),
                "pages": str(pages),
            }
            self._furnish(canvas, fields)

        return furnish

    @property
    def _room(self) -> tuple[float, float, float, float]:
        """What is left between header and footer: left, bottom, width and height in points, from the lower edge."""
        areas = [block.area for block in self.frame.blocks]
        left, right = min(x for x, *_ in areas), max(x + width for x, _, width, _ in areas)
        middle = self.size[1] / 2
        top = max(y + height for _, y, _, height in areas if y < middle) * MM + 2 * GAP
        bottom = min(y for _, y, _, _ in areas if y >= middle) * MM - 2 * GAP
        across, down = (offset * MM for offset in centred(self.size))
        return left * MM + across, self.size[1] * MM - down - bottom, (right - left) * MM, bottom - top

    def _furnish(self, canvas: "Canvas", fields: Mapping[str, str]) -> None:
        page = Page(canvas, self.size[1], self.frame.phrases["blank"])
        if self.watermark:
            page.watermark(self.watermark, *self.size)
        across, down = centred(self.size)
        canvas.saveState()
        canvas.translate(across * MM, -down * MM)
        for block in self.frame.blocks:
            page.draw(block, fields)
        canvas.restoreState()
