"""Render a share sheet as PDF. The bytes hold the share: call in a worker."""

from collections.abc import Mapping

from escrow.manifest import Manifest, group_hex
from escrow.paper import share_code, template
from escrow.paper.layout import CODE_WIDTH, CODES, MARKS, TAKEN
from escrow.paper.page import Document, PageSize
from escrow.share import Kind, Record, ssss_lines
from escrow.words import to_words

_FIELDS = frozenset(
    {
        "ca",
        "custodian",
        "share",
        "k",
        "policy",
        "set_id",
        "set_id_hex",
        "epoch",
        "created",
        "left",
        "right",
        "group_note",
    }
)


def render(record: Record, manifest: Manifest, custodian: str, size: PageSize = "A4") -> bytes:
    """One share as a PDF of one page: the QR code in every corner, words, and the lines for ssss.

    Raises TemplateError when something does not fit where the template wants it.
    """
    design = template.load("share", _FIELDS, TAKEN)
    document = Document(design.title, size)
    page = document.add_page(specimen=record.kind is Kind.SPECIMEN)
    modules = share_code.encode(record.to_text())
    for x, y in CODES:
        page.qr(x, y, CODE_WIDTH, modules)
    for x, y in MARKS:
        page.mark(x, y)
    fields = _fields(record, manifest, custodian)
    for block in design.blocks:
        match block.kind:
            case "text":
                page.text(block, fields)
            case "rule":
                page.rule(block)
            case "words":
                page.words(block, to_words(record.encode()))
    return document.finish()


def _fields(record: Record, manifest: Manifest, custodian: str) -> Mapping[str, str]:
    several = len(manifest.policy.groups) > 1
    of = f"{record.x} of {manifest.policy.groups[record.group - 1].shares}"
    note = ""
    if several and record.k == 1:
        note = (
            f"This share is all of group {record.group}: its lines are the group's result already, numbered as such. "
            "Enter them with the results of the other groups, made in the same way from their sheets."
        )
    elif several:
        note = (
            f"This share is in group {record.group}. The first two commands give the group's part; do them for each "
            f"group, then again with the results, {record.group}-RESULT for this one, with "
            f"-t {manifest.policy.threshold}."
        )
    left, right = ssss_lines(record)
    # A group of one needs no combining of its own: its lines go straight among the results of the groups.
    k = manifest.policy.threshold if several and record.k == 1 else record.k
    return {
        "ca": manifest.ca,
        "custodian": custodian,
        "share": f"{of}, group {record.group}" if several else of,
        "k": str(k),
        "policy": str(manifest.policy) + (" shares" if not several else ""),
        "set_id": group_hex(manifest.short_set_id),
        "set_id_hex": manifest.set_id.hex(),
        "epoch": str(manifest.epoch),
        "created": manifest.created[:10],
        "left": left,
        "right": right,
        "group_note": note,
    }
