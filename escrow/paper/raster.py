"""Turn a PDF into pictures, one a page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from escrow.errors import PageError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PAGES = 600
_MAX_SIDE = 8000
_POINTS_PER_INCH = 72
_POINTS_PER_MM = 72 / 25.4


def pictures(pdf: bytes, dpi: int) -> "Iterator[Image]":
    """Grey pictures of a PDF's pages. Raises PageError."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        encrypted = "password" in str(error).lower()
        message = "the PDF is encrypted: print or save it without a password." if encrypted else "the PDF is damaged."
        raise PageError(message) from None
    with document:
        check_number(len(document))
        for number in range(len(document)):
            try:
                page = document[number]
                scale = min(dpi / _POINTS_PER_INCH, _MAX_SIDE / max(page.get_size()))
                yield page.render(scale=scale, grayscale=True).to_pil()
            except (pypdfium2.PdfiumError, ValueError):
                message = f"page {number + 1} of the PDF is damaged."
                raise PageError(message) from None


def sizes(pdf: bytes) -> "list[tuple[float, float]]":
    """Width and height of each page of a PDF that is ours, in millimetres."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        return [
            (width / _POINTS_PER_MM, height / _POINTS_PER_MM)
            for width, height in (page.get_size() for page in document)
        ]


def check_number(pages: int) -> None:
    """Raise PageError for a file with more pages than are read at once."""
    if pages > MAX_PAGES:
        message = f"the file has {pages} pages and at most {MAX_PAGES} are read at once: split it."
        raise PageError(message)
