"""The fonts of every document: what they can show, and how they are made known to the library that draws."""

import unicodedata
from collections.abc import Iterable

from escrow.errors import TemplateError
from escrow.paper import source
from escrow.paper.block import Font

FONTS: dict[Font, str] = {"regular": "NotoSans-Regular", "bold": "NotoSans-Bold", "mono": "NotoSansMono-Regular"}


def prepare() -> None:
    """Load the fonts, once."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for font in FONTS.values():
        if font not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(font, source.directory() / "fonts" / f"{font}.ttf"))


def composed(text: str) -> str:
    """The text with letters and their accents in one (NFC): the fonts place no accents of their own."""
    return unicodedata.normalize("NFC", text)


def check_printable(name: str, what: str = "name") -> None:
    """Raise TemplateError if the fonts cannot show a name or another short text that somebody gave."""
    if not name.strip() or not name.isprintable():
        message = f"The {what} {name!r} cannot be printed: it is empty, or has control characters."
        raise TemplateError(message)
    if absent := _absent(composed(name), FONTS):
        message = f"The {what} {name!r} cannot be printed: the fonts lack {absent}."
        raise TemplateError(message)


def check_shown(text: str, font: Font, where: str) -> None:
    """Raise TemplateError, naming the place, if a font cannot show a text; nothing is printed as an empty box."""
    if absent := _absent(text, [font]):
        message = f"{where}: the fonts lack {absent}."
        raise TemplateError(message)


def is_shown(text: str) -> bool:
    """Whether every font can show a text."""
    return not _absent(text, FONTS)


def _absent(text: str, fonts: Iterable[Font]) -> str:
    """What at least one of the fonts cannot show, for a message."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    prepare()
    known = [pdfmetrics.getFont(FONTS[font]) for font in fonts]
    glyphs = [font.face.charToGlyph for font in known if isinstance(font, TTFont)]
    absent = sorted({c for c in text if not all(ord(c) in shown for shown in glyphs)})
    return ", ".join(f"{character!r} (U+{ord(character):04X})" for character in absent)
