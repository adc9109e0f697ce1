"""The blocks of a template: each is one thing on a page, checked when it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from escrow.errors import TemplateError
from escrow.paper import image
from escrow.paper.source import Source

if TYPE_CHECKING:
    from PIL.Image import Image

BlockKind = Literal["text", "rule", "box", "field", "boxes", "check", "image", "qr", "words", "page"]
Font = Literal["regular", "bold", "mono"]
Align = Literal["left", "center", "right"]
Area = tuple[float, float, float, float]
"""Left, top, width and height in millimetres."""


LEADING = 1.3
"""The height of a line of text, in sizes."""

_PLACE = {"at", "width"}
KEYS: Mapping[str, tuple[set[str], set[str]]] = {
    "text": (_PLACE | {"text"}, {"height", "size", "font", "align"}),
    "rule": (_PLACE, {"dash"}),
    "box": (_PLACE | {"height"}, {"dash"}),
    "field": (_PLACE | {"height", "text"}, {"value", "size", "font"}),
    "boxes": (_PLACE | {"height", "text"}, {"size"}),
    "check": (_PLACE | {"height", "text"}, {"size", "box"}),
    "image": (_PLACE | {"height", "file"}, {"align"}),
    "qr": (_PLACE, set()),
    "words": (_PLACE | {"height"}, {"size"}),
    "page": (set(), set()),  # what follows stands on a new page
}
"""Which keys a block of each kind must have, and which it may."""
_NUMBERS = {"width", "height", "size", "box"}
_MAX = 1200.0


@dataclass(frozen=True)
class Block:
    """One thing on a page. Lengths in millimetres from the left and top edge, size in points."""

    kind: BlockKind
    where: str
    x: float = 0
    y: float = 0
    width: float = 0
    height: float | None = None
    size: float = 10
    font: Font = "regular"
    align: Align = "left"
    text: str = ""
    value: str = ""
    box: float = 0
    dash: bool = False
    image: "Image | None" = None

    @property
    def area(self) -> Area:
        """What the block takes on the page. A text without a height is one line."""
        line = self.size * LEADING * 25.4 / 72 if self.text else 0.0
        return self.x, self.y, self.width, self.width if self.kind == "qr" else self.height or line


def parse(entry: Mapping[str, Any], source: Source, line: int) -> tuple[Block, Sequence[str]]:
    """A block, and when it is shown. Raises TemplateError, naming file and line."""
    where = source.where(line)
    kind = entry.get("kind", "missing")
    if not isinstance(kind, str) or kind not in KEYS:
        message = f"{where}: kind is {kind!r} and must be one of {', '.join(KEYS)}."
        raise TemplateError(message)
    must, may = KEYS[kind]
    missing, unknown = must - set(entry), set(entry) - must - may - {"kind", "when"}
    if missing or unknown:
        what = f"lacks {', '.join(sorted(missing))}" if missing else f"has the unknown {', '.join(sorted(unknown))}"
        message = f"{where}: the block {what}."
        raise TemplateError(message)
    values = {name: value for name, value in entry.items() if name not in {"at", "file", "when"}}
    for name, value in entry.items():
        _check_value(name, value, where)
        if name in {"text", "value"}:
            values[name] = value.strip("\n")
    if "at" in entry:
        values["x"], values["y"] = map(float, entry["at"])
    if "file" in entry:
        values["image"] = image.load(source.path.parent / entry["file"], where)
    when = entry.get("when", [])
    return Block(where=where, **values), [when] if isinstance(when, str) else when


def overlap(one: Area, other: Area) -> bool:
    """Whether two areas have a part in common."""
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))


def _check_value(name: str, value: object, where: str) -> None:
    choices = {"font": get_args(Font), "align": get_args(Align), "dash": (True, False), "kind": tuple(KEYS)}
    if name in choices:
        good, what = value in choices[name], f"one of {', '.join(map(str, choices[name]))}"
    elif name == "at":
        good, what = isinstance(value, list) and len(value) == 2 and all(is_number(v, -1) for v in value), "two numbers"  # noqa: PLR2004 - x, y
    elif name in _NUMBERS:
        good, what = is_number(value), "a number above 0, and not too large"
    elif name == "when":
        good = isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value))
        what = "a text or an array of texts"
    elif name == "file":
        good = isinstance(value, str) and value not in {"", ".", ".."} and "/" not in value
        what = "the name of a file beside the template"
    else:
        good, what = isinstance(value, str), "a text"
    if not good:
        message = f"{where}: {name} is {value!r} and must be {what}."
        raise TemplateError(message)


def is_number(value: object, least: float = 0) -> bool:
    """Whether this is a length in millimetres, or a size in points, above `least`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least < value <= _MAX
