"""What is in a PDF: its texts by two programs, its codes, its metadata, and every stream without its compression."""

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from helpers import need, run

from escrow.paper.raster import pictures
from escrow.paper.scan import read_codes


def text_by_pdfium(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document).replace("\r", "")


def text_by_poppler(path: Path) -> str:
    need("pdftotext")
    return run("pdftotext", "-layout", path, "-").expect().out


def codes(pdf: bytes) -> list[str]:
    return [text for image in pictures(pdf, 200) for text in read_codes(image)]


def metadata(path: Path) -> str:
    """The document information and the XMP."""
    need("pdfinfo")
    return run("pdfinfo", path).expect().out + run("pdfinfo", "-meta", path).expect().out


def streams(pdf: bytes) -> Iterator[bytes]:
    """The file itself, and each of its streams as it is and without its filters."""
    yield pdf
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\n?endstream", pdf, re.DOTALL):
        content = match[1]
        if content.endswith(b"~>"):
            content = base64.a85decode(content.removesuffix(b"~>"))
        yield content
        try:
            yield zlib.decompress(content)
        except zlib.error:
            continue  # not compressed
