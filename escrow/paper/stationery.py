"""How an organisation wants its papers: its templates, its name, its paper; and documents begun on them."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from escrow.errors import TemplateError, UsageError
from escrow.memory.signals import signals_held
from escrow.paper import source, template
from escrow.paper.block import Area, Block
from escrow.paper.fonts import check_printable
from escrow.paper.page import Document, Fields, Modules, Page
from escrow.paper.template import PAPER, Form, Size, Template

PageSize = Literal["A4", "Letter"]

_PAGE = frozenset({"organisation", "secrecy", "title", "page", "pages"})
_OF_SET, _OF_CEREMONY = frozenset({"set_id"}), frozenset({"ceremony", "plan_words"})
_COMMON = Form(
    "common",
    fields=_PAGE | _OF_SET | _OF_CEREMONY,
    mandatory=_PAGE,
    phrases={
        "blank": frozenset(),
        "no_organisation": frozenset(),
        "watermark": frozenset(),
        "test_page": frozenset(),
        "production": frozenset(),
        "specimen": frozenset(),
        "policy": frozenset({"k", "n"}),
        "policy_of_groups": frozenset({"threshold", "number", "groups"}),
        "policy_group": frozenset({"k", "n"}),
        "policy_separator": frozenset(),
        "share": frozenset({"x", "n"}),
        "share_in_group": frozenset({"x", "n", "group"}),
        "share_discreet": frozenset({"x"}),
        "share_in_group_discreet": frozenset({"x", "group"}),
    },
)


@dataclass(frozen=True)
class Stationery:
    """What is the same on all papers of a set. Empty texts are blanks on paper, to be filled in by hand.

    A template in `templates` replaces ours of the same name. `discreet` share sheets and labels name nobody.
    Raises UsageError for what cannot be printed.
    """

    templates: Path | None = None
    size: PageSize = "A4"
    organisation: str = ""
    contact: str = ""
    discreet: bool = False

    def __post_init__(self) -> None:
        for what, text in (("organisation", self.organisation), ("contact", self.contact)):
            try:
                if text:
                    check_printable(text, what)
            except TemplateError as error:
                raise UsageError(str(error)) from None
        if self.templates and not self.templates.is_dir():
            message = (
                f"{self.templates} is not a directory: name one with templates, or make it with 'escrow templates'."
            )
            raise UsageError(message)

    def design(
        self, form: Form, *, groups: bool = False, discreet: bool = False, taken: Collection[Area] = ()
    ) -> "Design":
        """The template of a form, and what it shares with all others. What is `taken` lies where it lies.

        Raises TemplateError.
        """
        facts = {name for name, holds in (("groups", groups), ("discreet", discreet)) if holds}
        withheld = form.withheld if discreet else frozenset()
        form = replace(form, fields=form.fields | _PAGE | _OF_SET, withheld=withheld)
        body = self._load(form, facts, taken)
        nameless = frozenset({"organisation"}) if discreet else frozenset()
        common = self._load(replace(_COMMON, withheld=_OF_CEREMONY | nameless), facts, paper=body.paper)
        return Design(body, common, self, discreet=discreet, fixed=bool(taken))

    def frame(self, of: Literal["ceremony", "runbook"] = "ceremony") -> Template:
        """The header and footer of documents that are of no set, and the phrases of all. Raises TemplateError."""
        return self._load(replace(_COMMON, withheld=_OF_SET), {of})

    def _load(
        self, form: Form, facts: AbstractSet[str], taken: Collection[Area] = (), paper: Size | None = None
    ) -> Template:
        return template.load(source.find(f"{form.name}.toml", self.templates), form, facts, taken, paper)


PLAIN = Stationery()
"""Our templates, A4, and lines to fill in."""


def media(size: Size) -> str:
    """What CUPS calls paper of this size, in millimetres, to a tenth."""
    rounded = round(size[0], 1), round(size[1], 1)
    names = [name for name, known in PAPER.items() if known == rounded]
    return names[0] if names else f"Custom.{rounded[0]:g}x{rounded[1]:g}mm"


@dataclass(frozen=True)
class Design:
    """A document's template, and the header, footer and phrases that all documents share."""

    body: Template
    common: Template
    stationery: Stationery
    discreet: bool
    fixed: bool

    def say(self, phrase: str, **fields: str | int) -> str:
        """A phrase with its fields filled in."""
        known: Mapping[str, str] = {**self.common.phrases, **self.body.phrases}
        return known[phrase].format_map(fields)

    @property
    def size(self) -> Size:
        """Width and height of the paper, in millimetres."""
        return self.body.paper or PAPER[self.stationery.size]

    @property
    def media(self) -> str:
        """What CUPS calls the paper."""
        return media(self.size)

    @property
    def origin(self) -> tuple[float, float]:
        """Where the template's edges lie: what is made for all usual papers stands in the middle of each."""
        if self.body.paper or self.fixed:
            return 0, 0
        return centred(self.size)


def centred(size: Size) -> tuple[float, float]:
    """Where the edges of what is made for all usual papers lie on one of them, in millimetres."""
    room = [min(lengths) for lengths in zip(*PAPER.values(), strict=True)]
    return (size[0] - room[0]) / 2, (size[1] - room[1]) / 2


class Paper:
    """A document of so many pages that is being made, each with the header and footer of all documents.

    Signals wait while a page is drawn: reportlab catches whatever is raised in some places, an interrupt too.
    """

    def __init__(self, design: Design, pages: int, watermark: str) -> None:
        with signals_held():
            self._document = Document(design.body.title)
        self._pages, self._watermark = pages, watermark
        self._number = 0

    def add(self, design: Design, blocks: Iterable[Block], fields: Fields, codes: Iterable[Modules] = ()) -> Page:
        """Add a page of these blocks. The codes fill its qr blocks in order; words are left to the caller."""
        with signals_held():
            return self._add(design, blocks, fields, codes)

    def _add(self, design: Design, blocks: Iterable[Block], fields: Fields, codes: Iterable[Modules]) -> Page:
        self._number += 1
        page = self._document.add_page(design.size, design.say("blank"), self._watermark, design.origin)
        own = {
            "organisation": design.stationery.organisation or design.say("no_organisation"),
            "secrecy": design.body.secrecy,
            "title": design.body.title,
            "page": str(self._number),
            "pages": str(self._pages),
        }
        rest = iter(codes)
        for block in (*(design.common.blocks if design.body.frame else ()), *blocks):
            if block.kind != "qr":
                page.draw(block, {**fields, **own})
            elif code := next(rest, None):
                page.qr(block.x, block.y, block.width, code)
        return page

    def finish(self) -> bytes:
        """The document as a PDF."""
        with signals_held():
            return self._document.finish()
