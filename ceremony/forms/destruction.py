"""The certificate that a sheet, or a medium with a copy, was destroyed: one page, made from the register alone."""

from dataclasses import dataclass

from ceremony.custody.register import Copy, Held, ShareSet, Status
from escrow.label import Label, set_words, share_words
from escrow.manifest import group_hex
from escrow.paper.page import Fields
from escrow.paper.public import share
from escrow.paper.stationery import Design, Paper, Stationery
from escrow.paper.template import Form
from escrow.share import SHORT_SET_ID_LENGTH, Kind

_MARKED = frozenset({"what", "mark", "mark_name", "place", "place_name", "keeper", "was"})
_DONE = frozenset({"method", "by", "witness", "on"})
FORM = Form(
    "destruction",
    fields=_MARKED | _DONE | {"ca", "epoch", "created", "set_id_full", "set_words", "state", "meaning"},
    mandatory=_MARKED | _DONE | {"ca", "set_words", "state", "meaning"},
    phrases={
        "sheet": frozenset({"share"}),
        "copy_package": frozenset({"number"}),
        "copy_archive": frozenset({"number"}),
        "superseded": frozenset({"on"}),
        "current": frozenset(),
        **{f"{what}_{of}": frozenset() for what in ("mark", "place") for of in ("sheet", "copy")},
        "meaning_superseded": frozenset(),
        "meaning_current": frozenset({"margin"}),
    },
    kinds=frozenset({"check", "boxes", "field"}),
)


@dataclass(frozen=True)
class Destruction:
    """What was done: how, by whom, before whom, on which day; `margin` is what is left of the set in force."""

    method: str
    by: str
    witness: str
    on: str
    margin: int


def of_sheet(at: ShareSet, held: Held, done: Destruction, stationery: Stationery) -> bytes:
    """The certificate of a share's sheet, as a PDF. Raises TemplateError for what does not fit."""
    design = _design(at, stationery)
    words = share_words(Label.from_text(held.label).commitment)
    what = design.say("sheet", share=share(at.policy, held.position, design))
    return _render(design, at, done, _marked(design, "sheet", what, words, held.bag, held.holder.name, held.status))


def of_copy(at: ShareSet, number: int, label: str | None, done: Destruction, stationery: Stationery) -> bytes:
    """The certificate of a copy's medium, as a PDF; `label` is what stands on it. Raises TemplateError."""
    design = _design(at, stationery)
    copy: Copy = at.copies[number - 1]
    what = design.say(f"copy_{copy.of}", number=number)
    mark = f"{copy.medium}: {label}" if label else f"{copy.medium}:"
    return _render(design, at, done, _marked(design, "copy", what, mark, copy.site, None, copy.status))


def _marked(  # noqa: PLR0913, PLR0917 - what a thing is known by
    design: Design, kind: str, what: str, mark: str, place: str, keeper: str | None, status: Status
) -> Fields:
    return {
        "what": what,
        "mark": mark,
        "mark_name": design.say(f"mark_{kind}"),
        "place": place,
        "place_name": design.say(f"place_{kind}"),
        "keeper": keeper,
        "was": status.value,
    }


def _design(at: ShareSet, stationery: Stationery) -> Design:
    return stationery.design(FORM, groups=len(at.policy.groups) > 1)


def _render(design: Design, at: ShareSet, done: Destruction, marked: Fields) -> bytes:
    over = at.superseded
    fields = {
        **marked,
        "ca": at.ca,
        "epoch": str(at.epoch),
        "created": at.created.isoformat(),
        "set_id": group_hex(at.set_id[:SHORT_SET_ID_LENGTH]),
        "set_id_full": group_hex(at.set_id),
        "set_words": set_words(at.set_id),
        "state": design.say("superseded", on=over.isoformat()) if over else design.say("current"),
        "meaning": design.say("meaning_superseded") if over else design.say("meaning_current", margin=done.margin),
        "method": done.method,
        "by": done.by,
        "witness": done.witness,
        "on": done.on,
    }
    specimen = at.kind == Kind.SPECIMEN.value
    paper = Paper(design, len(design.body.pages), design.say("watermark") if specimen else "")
    for blocks in design.body.pages:
        paper.add(design, blocks, fields)
    return paper.finish()
