"""The documents beside a share sheet: label, receipt, recovery card. Nothing in them is secret.

They are made from the manifest, which is public, and from names. No function here is ever given a share.
"""

from collections.abc import Iterable

from escrow import standalone
from escrow.label import Label
from escrow.manifest import Manifest
from escrow.paper import public, qr
from escrow.paper.page import Fields, Modules
from escrow.paper.public import UNKNOWN, Keeping, PlannedSet
from escrow.paper.stationery import Design, Paper, Stationery
from escrow.paper.template import Form
from escrow.policy import Position

COPIES = ("custodian", "ceremony_file", "manager")

LABEL = Form(
    "label",
    fields=public.SET | public.SHARE,
    mandatory=frozenset({"share", "share_words", "set_id", "set_words"}),
    kinds=frozenset({"qr", "boxes"}),
    withheld=public.NAMING,
)
RECEIPT = Form(
    "receipt",
    fields=public.SET | public.SHARE | {"copy", "countersign"},
    mandatory=frozenset({"share", "share_words", "set_id", "set_words", "ca", "custodian", "contact", "copy"}),
    phrases={
        **{f"{what}_{copy}": frozenset() for what in ("copy", "countersign") for copy in COPIES},
        "reserve": frozenset({"copy"}),
    },
    kinds=frozenset({"check", "boxes", "field"}),
)
CARD = Form(
    "recovery-card",
    fields=public.SET | {"k", "threshold", "decoder", "decoder_hash"},
    mandatory=frozenset({"ca", "policy", "set_id_hex", "set_words", "contact", "decoder", "decoder_hash"}),
)


def label(manifest: Manifest, position: Position, custodian: str | None, stationery: Stationery) -> bytes:
    """The label of the bag that a share is in, as a PDF, with a code that attests which share is inside."""
    design = _design(LABEL, manifest, stationery, discreet=stationery.discreet)
    code = qr.modules(Label.of(manifest, position).to_text(), "Q")
    return _render(design, manifest, [public.of_share(manifest, position, custodian, design)], [code])


def receipt(
    manifest: Manifest,
    position: Position,
    custodian: str | None,
    stationery: Stationery,
    keeping: Keeping = UNKNOWN,
) -> bytes:
    """The receipt for a share as a PDF: copies that say whose they are."""
    design = _design(RECEIPT, manifest, stationery)
    fields = public.of_share(manifest, position, custodian, design, keeping)
    copies = [{**fields, **_of_copy(copy, design)} for copy in COPIES]
    return _render(design, manifest, copies)


def blank_receipt(
    planned: PlannedSet, position: Position, custodian: str, stationery: Stationery, keeping: Keeping
) -> bytes:
    """The receipt for a share that is yet to be made, in reserve: the set and the words are filled in by hand."""
    design = stationery.design(RECEIPT, groups=len(planned.policy.groups) > 1)
    fields = public.of_share_to_come(planned, position, custodian, design, keeping)
    own = [_of_copy(copy, design) for copy in COPIES]
    copies = [{**fields, **each, "copy": design.say("reserve", copy=each["copy"])} for each in own]
    return _render(design, planned, copies)


def recovery_card(manifest: Manifest, stationery: Stationery) -> bytes:
    """What a reader without any context needs to begin a recovery, as a PDF."""
    design = _design(CARD, manifest, stationery)
    fields = {
        **public.of_set(manifest, design),
        "k": str(manifest.policy.groups[0].threshold),
        "threshold": str(manifest.policy.threshold),
        "decoder": standalone.FILE,
        "decoder_hash": _in_rows(standalone.fingerprint()),
    }
    return _render(design, manifest, [fields])


def check(stationery: Stationery, *, groups: bool) -> None:
    """Read every template of these documents. Raises TemplateError."""
    for form in (LABEL, RECEIPT, CARD):
        stationery.design(form, groups=groups, discreet=form is LABEL and stationery.discreet)


def _design(form: Form, manifest: Manifest, stationery: Stationery, *, discreet: bool = False) -> Design:
    return stationery.design(form, groups=len(manifest.policy.groups) > 1, discreet=discreet)


def _render(
    design: Design, of: Manifest | PlannedSet, copies: Iterable[Fields], codes: Iterable[Modules] = ()
) -> bytes:
    """All pages of the template for each of the copies."""
    pages = [(blocks, fields) for fields in copies for blocks in design.body.pages]
    paper = Paper(design, len(pages), public.watermark(of, design))
    for blocks, fields in pages:
        paper.add(design, blocks, fields, codes)
    return paper.finish()


def _of_copy(copy: str, design: Design) -> dict[str, str]:
    """What one copy of a receipt has for itself."""
    return {"copy": design.say(f"copy_{copy}"), "countersign": design.say(f"countersign_{copy}")}


def _in_rows(digits: str) -> str:
    """Two rows of digits in groups of four, to be compared box by box."""
    groups = [digits[start : start + 4] for start in range(0, len(digits), 4)]
    half = len(groups) // 2
    return " ".join(groups[:half]) + "\n" + " ".join(groups[half:])
