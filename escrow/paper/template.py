"""Templates: the words and the geometry of a document, read from a TOML file and checked.

A template says nothing about what a share is; code says nothing about where a word stands, or how it is put.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from escrow.errors import TemplateError
from escrow.paper.block import Area, Block, BlockKind, is_number, overlap, parse
from escrow.paper.source import Source, fields_of, read

Size = tuple[float, float]
PAPER: Mapping[str, Size] = {"A4": (210.0, 297.0), "Letter": (215.9, 279.4)}
"""Width and height in millimetres."""
CONDITIONS = frozenset({"ceremony", "discreet", "groups", "runbook"})
"""What a block's `when` may ask for; with `not` before it, for the opposite."""

_DATA: AbstractSet[BlockKind] = frozenset({"qr", "words"})  # of which not every document has some
_MIN_PAPER = 50.0


@dataclass(frozen=True)
class Form:
    """What a document offers its template, and what the template must not leave out.

    `fields` are what its texts may show; `mandatory` ones must be shown, and blocks of the `kinds` must be there.
    `phrases` are the wordings that code chooses from, each with the fields that it shows. `withheld` are the
    fields that blocks for other documents may show, and those for this one must not.
    """

    name: str
    fields: AbstractSet[str]
    mandatory: AbstractSet[str] = frozenset()
    phrases: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    kinds: AbstractSet[BlockKind] = frozenset()
    withheld: AbstractSet[str] = frozenset()


@dataclass(frozen=True)
class Template:
    """A document's title, secrecy and phrases, and the blocks of each of its pages.

    `paper` is None for the usual sizes. With `frame`, the header and footer of all documents stand on its pages.
    """

    title: str
    secrecy: str
    paper: Size | None
    frame: bool
    pages: tuple[tuple[Block, ...], ...]
    phrases: Mapping[str, str]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of all pages."""
        return tuple(block for page in self.pages for block in page)


def load(
    path: Path,
    form: Form,
    facts: AbstractSet[str] = frozenset(),
    taken: Iterable[Area] = (),
    paper: Size | None = None,
) -> Template:
    """Read a template for what is so: `facts`, some of CONDITIONS. Blocks that are for the opposite are left out.

    The template's own paper comes before the given one; with neither it must fit on all of PAPER. Raises
    TemplateError, naming file and line, for whatever is missing, unknown, of the wrong type, off the paper, or over
    what is `taken`.
    """
    source = read(path)
    _check_top(source)
    paper = _paper(source, taken) or paper
    phrases = _phrases(source, form)
    pages: list[list[Block]] = [[]]
    for entry, line in zip(source.content["block"], source.tables["block"], strict=True):
        block, when = parse(entry, source, line)
        used = fields_of(block.text, block.where) | fields_of(block.value, block.where)
        _check_fields(used, form.fields, f"{block.where}: the text")
        if not _holds(when, facts, block.where):
            continue
        if shown := used & form.withheld:
            kind = "discreet" if "discreet" in facts else "ceremony's" if "ceremony" in facts else "set's"
            message = f"{block.where}: the text shows {{{min(shown)}}}, which a {kind} document leaves out."
            raise TemplateError(message)
        if block.kind == "page":
            pages.append([])
        else:
            _check_place(block, paper, taken)
            pages[-1].append(block)
    top = source.content
    frame = top.get("frame", True)
    template = Template(top["title"], top["secrecy"], paper, frame, tuple(map(tuple, pages)), phrases)
    _check_complete(template, form, source)
    return template


def _check_top(source: Source) -> None:
    known: Mapping[str, type | tuple[type, ...]] = {
        "title": str,
        "secrecy": str,
        "page": (str, list),
        "frame": bool,
        "phrases": dict,
        "block": list,
    }
    for name in source.content:
        if name not in known:
            message = f"{source.where_key(name)}: a template has no {name!r}, only {', '.join(known)}."
            raise TemplateError(message)
    for name, kind in known.items():
        if name in {"title", "secrecy", "block"} and not source.content.get(name):
            message = f"{source.where_key(name)}: the template lacks {name!r}."
            raise TemplateError(message)
        if name in source.content and not isinstance(source.content[name], kind):
            message = f"{source.where_key(name)}: {name!r} is of the wrong type."
            raise TemplateError(message)
    if len(source.content["block"]) != len(source.tables.get("block", ())):
        message = f"{source.where_key('block')}: each block begins with a line of its own, [[block]]."
        raise TemplateError(message)


def _paper(source: Source, taken: Iterable[Area]) -> Size | None:
    given = source.content.get("page")
    if given is None:
        return None
    if isinstance(given, str) and given in PAPER:
        return PAPER[given]
    if isinstance(given, list) and len(given) == 2 and all(is_number(n, _MIN_PAPER) for n in given):  # noqa: PLR2004 - width, height
        size = float(given[0]), float(given[1])
        if all(x + width <= size[0] and y + height <= size[1] for x, y, width, height in taken):
            return size
    names = ", ".join(map(repr, PAPER))
    message = f"{source.where_key('page')}: page is {names} or [width, height] in millimetres, with room for all."
    raise TemplateError(message)


def _phrases(source: Source, form: Form) -> Mapping[str, str]:
    given: Mapping[str, Any] = source.content.get("phrases", {})
    for name in [*given, *form.phrases]:
        where = source.where_key(name, "phrases")
        if name not in form.phrases:
            message = f"{where}: this document has no phrase {name!r}, only {', '.join(form.phrases) or 'none'}."
            raise TemplateError(message)
        if not isinstance(given.get(name), str):
            message = f"{where}: the phrase {name!r} is missing, or no text."
            raise TemplateError(message)
        used = fields_of(given[name], where)
        _check_fields(used, form.phrases[name], f"{where}: the phrase")
        if lacking := form.phrases[name] - used:
            message = f"{where}: the phrase {name!r} must show {{{min(lacking)}}}."
            raise TemplateError(message)
    return dict(given)


def _check_fields(used: AbstractSet[str], known: AbstractSet[str], what: str) -> None:
    if unknown := used - known:
        message = f"{what} uses {{{min(unknown)}}}, which this document does not have."
        raise TemplateError(message)


def _holds(when: Sequence[str], facts: AbstractSet[str], where: str) -> bool:
    for condition in when:
        if condition.removeprefix("not ") not in CONDITIONS:
            message = f"{where}: when is {condition!r} and must be {', '.join(sorted(CONDITIONS))}, or not one of them."
            raise TemplateError(message)
    return all((c.removeprefix("not ") in facts) != c.startswith("not ") for c in when)


def _check_place(block: Block, paper: Size | None, taken: Iterable[Area]) -> None:
    x, y, width, height = block.area
    for right, bottom in [paper] if paper else PAPER.values():
        if x + width > right or y + height > bottom:
            message = f"{block.where}: the block ends at {x + width:g}, {y + height:g} mm, outside the paper."
            raise TemplateError(message)
    for area in taken:
        if overlap(block.area, area):
            message = f"{block.where}: the block lies over the code or mark at {area[0]:g}, {area[1]:g}."
            raise TemplateError(message)


def _check_complete(template: Template, form: Form, source: Source) -> None:
    blocks = template.blocks
    shown = {name for block in blocks for text in (block.text, block.value) for name in fields_of(text, block.where)}
    if lacking := form.mandatory - form.withheld - shown:
        message = f"{source.where(1)}: no block shows {{{min(lacking)}}}, and this document must."
        raise TemplateError(message)
    if absent := form.kinds - {block.kind for block in blocks}:
        message = f"{source.where(1)}: no block is of the kind {min(absent)!r}, and this document needs one."
        raise TemplateError(message)
    for block in blocks:
        if block.kind in _DATA - form.kinds:
            message = f"{block.where}: this document has nothing to show in a block of the kind {block.kind!r}."
            raise TemplateError(message)
