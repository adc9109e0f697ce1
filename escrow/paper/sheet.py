"""Render a share sheet as PDF. The bytes hold the share: call in a worker."""

from escrow.manifest import Manifest
from escrow.paper import public, share_code
from escrow.paper.layout import CODE_WIDTH, CODES, MARKS, TAKEN
from escrow.paper.page import Fields
from escrow.paper.stationery import PLAIN, Design, Paper, Stationery
from escrow.paper.template import Form
from escrow.share import Record, ssss_lines
from escrow.words import to_words

FORM = Form(
    "share",
    fields=public.SET | public.SHARE | {"k", "left", "right", "group_note"},
    mandatory=frozenset({"share", "share_words", "set_id", "set_id_hex", "set_words", "left", "right", "group_note"})
    | {"ca", "custodian", "policy", "k", "organisation", "contact"},
    phrases={
        "group_note": frozenset({"group", "threshold"}),
        "group_note_discreet": frozenset({"group"}),
        "group_note_of_one": frozenset({"group"}),
    },
    kinds=frozenset({"words"}),
    withheld=public.NAMING | {"k"},
)


def render(record: Record, manifest: Manifest, custodian: str, stationery: Stationery = PLAIN) -> bytes:
    """One share as a PDF of one page: the QR code in every corner, words, and the lines for ssss.

    Raises TemplateError when something does not fit where the template wants it.
    """
    design = design_of(stationery, groups=len(manifest.policy.groups) > 1)
    paper = Paper(design, 1, public.watermark(manifest, design))
    page = paper.add(design, design.body.blocks, _fields(record, manifest, custodian, design))
    modules = share_code.encode(record.to_text())
    for x, y in CODES:
        page.qr(x, y, CODE_WIDTH, modules)
    for x, y in MARKS:
        page.mark(x, y)
    for block in design.body.blocks:
        if block.kind == "words":
            page.words(block, to_words(record.encode()))
    return paper.finish()


def design_of(stationery: Stationery, *, groups: bool) -> Design:
    """The template of share sheets. Raises TemplateError."""
    return stationery.design(FORM, groups=groups, discreet=stationery.discreet, taken=TAKEN)


def _fields(record: Record, manifest: Manifest, custodian: str, design: Design) -> Fields:
    several = len(manifest.policy.groups) > 1
    threshold = manifest.policy.threshold
    note = ""
    if several and record.k == 1:
        note = design.say("group_note_of_one", group=record.group)
    elif several and design.discreet:
        note = design.say("group_note_discreet", group=record.group)
    elif several:
        note = design.say("group_note", group=record.group, threshold=threshold)
    left, right = ssss_lines(record)
    # A group of one needs no combining of its own: its lines go straight among the results of the groups.
    k = threshold if several and record.k == 1 else record.k
    own = {"k": str(k), "left": left, "right": right, "group_note": note}
    return {**public.of_share(manifest, record.position, custodian, design), **own}
