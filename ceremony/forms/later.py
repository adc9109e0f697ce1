"""What can be drawn only when every page is there: how many there are, and on which one a section begins.

The document is laid out once. Its pages wait, and get the rest when the last one is known.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from escrow.paper.fonts import FONTS

_SIZE, _LEADING = 10, 13
"""Those of a text's body, in points."""

Furnish = Callable[[Canvas, int, int], None]
"""Draws what stands on each page: the canvas, the page's number, and how many there are."""


class Pages(Canvas):
    """A canvas whose pages wait for the last one. `furnish` then draws on each."""

    _code: list[str]

    def __init__(self, furnish: Furnish, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - reportlab's own
        super().__init__(*arguments, **options)
        self._furnish = furnish
        self._waiting: list[dict[str, Any]] = []
        self._wanted: list[tuple[int, float, float, str]] = []
        self.found: dict[str, int] = {}
        """The page of each anchor, by its name."""

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        """Keep the page as it is, and begin the next one."""
        self._waiting.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]  # showPage without its end, which comes in `save`

    def save(self) -> None:
        """Draw what each page waits for, and end the document."""
        waiting, wanted, found = self._waiting, self._wanted, self.found
        for number, page in enumerate(waiting, 1):
            self.__dict__.update(page)
            self._draw_references(number, wanted, found)
            written, self._code = self._code, []
            self.saveState()
            self._furnish(self, number, len(waiting))
            self.restoreState()
            self._code += written  # a watermark is below what is written, and who reads aloud begins with the header
            super().showPage()
        super().save()

    def refer(self, name: str, right: float) -> None:
        """Have the page of an anchor written here later, in one line that ends `right` points from here."""
        x, y = self.absolutePosition(right, _LEADING - _SIZE)
        self._wanted.append((self.getPageNumber(), x, y, name))

    def _draw_references(
        self, number: int, wanted: list[tuple[int, float, float, str]], found: Mapping[str, int]
    ) -> None:
        self.setFont(FONTS["regular"], _SIZE)
        for page, x, y, name in wanted:
            if page == number and name in found:
                self.drawRightString(x, y, str(found[name]))


class Anchor(Flowable):
    """A place whose page can be found by its name."""

    canv: Pages

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def wrap(self, *_: float) -> tuple[float, float]:
        """It takes no room."""
        return 0, 0

    def draw(self) -> None:
        """Note the page."""
        self.canv.found[self._name] = self.canv.getPageNumber()


class PageOf(Flowable):
    """The number of the page on which an anchor is."""

    canv: Pages

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def wrap(self, width: float, _: float) -> tuple[float, float]:
        """One line."""
        self.width = width
        return width, _LEADING

    def draw(self) -> None:
        """Have it drawn later."""
        self.canv.refer(self._name, self.width)
