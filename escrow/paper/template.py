"""Templates: the words and the geometry of a document, read from a TOML file and checked.

A template says nothing about what a share is; code says nothing about where a word stands.
"""

import re
import string
import tomllib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from escrow.errors import TemplateError

BlockKind = Literal["text", "rule", "qr", "words"]
Font = Literal["regular", "bold", "mono"]
Align = Literal["left", "center", "right"]

LEADING = 1.3
"""The height of a line of text, in sizes."""

Area = tuple[float, float, float, float]
"""Left, top, width and height in millimetres."""

_REQUIRED = {"kind", "at", "width"}
_OPTIONAL = {"height", "size", "font", "align", "text"}


@dataclass(frozen=True)
class Block:
    """One thing on a page. Lengths in millimetres from the left and top edge, size in points."""

    kind: BlockKind
    x: float
    y: float
    width: float
    height: float | None
    size: float
    font: Font
    align: Align
    text: str

    @property
    def area(self) -> Area:
        """What the block takes on the page. A text without a height is one line."""
        line = self.size * LEADING * 25.4 / 72 if self.text else 0.0
        return self.x, self.y, self.width, self.width if self.kind == "qr" else self.height or line


@dataclass(frozen=True)
class Template:
    """A document of one page."""

    title: str
    blocks: tuple[Block, ...]


def directory() -> Path:
    """Where the templates are: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).parent.parent
    installed = here / "templates"
    return installed if installed.is_dir() else here.parent / "templates"


def load(name: str, fields: AbstractSet[str], taken: Iterable[Area] = ()) -> Template:
    """Read the template `name`, whose texts may use the `fields` and keep out of what is `taken`.

    Raises TemplateError, naming file and line, for whatever is missing, unknown, of the wrong type, or in the way.
    """
    path = directory() / f"{name}.toml"
    text = path.read_text("utf-8")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: {error}"
        raise TemplateError(message) from None
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*block\s*\]\]", line)]
    if set(content) != {"title", "block"} or not isinstance(content["title"], str):
        message = f"{path}: a template has a title and blocks, and nothing else"
        raise TemplateError(message)
    blocks = [
        _block(entry, fields, f"{path}, line {line}") for entry, line in zip(content["block"], lines, strict=True)
    ]
    for block, line in zip(blocks, lines, strict=True):
        for area in taken:
            if overlap(block.area, area):
                message = f"{path}, line {line}: the block lies over the code or mark at {area[0]:g}, {area[1]:g}"
                raise TemplateError(message)
    return Template(content["title"], tuple(blocks))


def overlap(one: Area, other: Area) -> bool:
    """Whether two areas have a part in common."""
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))


def _block(entry: dict[str, Any], fields: AbstractSet[str], where: str) -> Block:
    missing, unknown = _REQUIRED - set(entry), set(entry) - _REQUIRED - _OPTIONAL
    if missing or unknown:
        what = f"lacks {', '.join(sorted(missing))}" if missing else f"has the unknown {', '.join(sorted(unknown))}"
        message = f"{where}: the block {what}"
        raise TemplateError(message)
    choices = {"kind": get_args(BlockKind), "font": get_args(Font), "align": get_args(Align)}
    for name, allowed in choices.items():
        if name in entry and entry[name] not in allowed:
            message = f"{where}: {name} is {entry[name]!r} and must be one of {', '.join(allowed)}"
            raise TemplateError(message)
    try:
        text = entry.get("text", "").strip("\n")
        used = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    except (AttributeError, ValueError):
        message = f"{where}: text is a text, with braces in pairs around the name of a field"
        raise TemplateError(message) from None
    for field in used:
        if field not in fields:
            message = f"{where}: the text uses {{{field}}}, which this document does not have"
            raise TemplateError(message)
    try:
        x, y = map(float, entry["at"])
        return Block(
            entry["kind"],
            x,
            y,
            float(entry["width"]),
            float(entry["height"]) if "height" in entry else None,
            float(entry.get("size", 10)),
            entry.get("font", "regular"),
            entry.get("align", "left"),
            text,
        )
    except (TypeError, ValueError):
        message = f"{where}: at is two numbers; width, height and size are numbers"
        raise TemplateError(message) from None
