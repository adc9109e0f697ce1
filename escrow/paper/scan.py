"""Read the codes on pages: PDF, PNG, JPEG or TIFF, any number of pages, in any rotation.

Pages hold shares: call in a worker. The libraries here parse whatever a scanner or a stranger made.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from escrow.errors import PageError
from escrow.paper.raster import check_number, pictures

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FILE = 64 << 20
MAX_PIXELS = 120_000_000

Reader = Callable[["Image"], tuple[str, ...]]
"""Gives the texts of the codes in a grey picture."""

_DPI = 200
_IMAGE_FORMATS = ("PNG", "JPEG", "TIFF")
_INK_LEVEL, _BLANK_SHARE = 128, 0.0005


@dataclass(frozen=True)
class Page:
    """The texts of the QR codes on one page, and whether the page is empty. Pages count from 1."""

    number: int
    texts: tuple[str, ...]
    is_blank: bool


def prepare() -> None:
    """Load the libraries once, before workers are forked that need them."""
    import pypdfium2  # noqa: F401 - loaded for the workers
    import zxingcpp  # noqa: F401 - loaded for the workers
    from PIL import Image

    Image.init()


def read_codes(image: "Image") -> tuple[str, ...]:
    """The texts of all QR codes in a grey picture, each once, in the order found."""
    return tuple(dict.fromkeys(text for text, _ in _codes(image)))


def read_downwards(image: "Image") -> tuple[str, ...]:
    """The same from top to bottom."""
    return tuple(dict.fromkeys(text for text, _ in sorted(_codes(image), key=lambda code: code[1])))


def _codes(image: "Image") -> list[tuple[str, int]]:
    """The text of each code, and how far from the top it is."""
    import zxingcpp

    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [(code.text, code.position.top_left.y) for code in found if code.valid]


def scan(content: bytes, read: Reader = read_codes) -> Iterator[Page]:
    """Read a file page by page. Raises PageError."""
    if not content:
        message = "the file is empty."
        raise PageError(message)
    if content.startswith(b"STEP-CA ESCROW PACKAGE"):
        message = "this is a package, not a page: it comes first, the pages after it."
        raise PageError(message)
    if content.startswith(b"%PDF"):
        yield from _scan_pdf(content, read)
    else:
        yield from _scan_images(content, read)


def _scan_pdf(content: bytes, read: Reader) -> Iterator[Page]:
    for number, image in enumerate(pictures(content, _DPI), 1):
        yield Page(number, read(image), _is_blank(image))


def _scan_images(content: bytes, read: Reader) -> Iterator[Page]:
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    number = 0
    try:
        with Image.open(io.BytesIO(content), formats=_IMAGE_FORMATS) as file:
            check_number(getattr(file, "n_frames", 1))
            for number, frame in enumerate(ImageSequence.Iterator(file), 1):
                ImageOps.exif_transpose(frame, in_place=True)  # not as a copy: 100 MB of a page at 600 dpi
                image = frame.convert("L")
                yield Page(number, read(image), _is_blank(image))
    except UnidentifiedImageError:
        message = "the file is neither PDF nor PNG, JPEG or TIFF, or it is damaged."
        raise PageError(message) from None
    except Image.DecompressionBombError:
        message = f"the image has more than {MAX_PIXELS // 10**6} million pixels: scan it at 200 to 600 dpi."
        raise PageError(message) from None
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
    ) as error:
        # Whatever Pillow's decoders meet in a damaged file.
        message = f"image {max(number, 1)} is damaged ({type(error).__name__})."
        raise PageError(message) from None


def _is_blank(image: "Image") -> bool:
    histogram = image.histogram()
    return sum(histogram[:_INK_LEVEL]) < _BLANK_SHARE * sum(histogram)
