"""Render the handover sheet of an online CA as PDF. The bytes hold its passwords: call in a worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from escrow.manifest import Manifest
from escrow.online.settings import Settings
from escrow.online.tree import KEYS, PROVISIONER
from escrow.paper import public, qr
from escrow.paper.stationery import PLAIN, Paper, Stationery
from escrow.paper.template import Form

_OF_CA = frozenset({"ca", "organisation", "contact", "url", "provisioner"})
FORM = Form(
    "handover",
    fields=public.SET
    | {"folder", "place", "url", "provisioner", "fingerprint"}
    | {f"{name}_{what}" for name in ("keys", "provisioner") for what in ("rows", "checks")},
    mandatory=frozenset({"ca", "folder", "place", "fingerprint"})
    | {f"{name}_{what}" for name in ("keys", "provisioner") for what in ("rows", "checks")},
    kinds=frozenset({"qr"}),
    withheld=_OF_CA,
)


@dataclass(frozen=True)
class Handover:
    """What a handover sheet is of: the set that the CA is sealed in, the folder with its tree, and its root."""

    manifest: Manifest
    folder: str
    settings: Settings
    root: str
    """The fingerprint of the root's certificate, as hex."""


@dataclass(frozen=True)
class Shown:
    """A password as it stands on the sheet: its rows, the word that checks each, and all of it for a code."""

    rows: Sequence[str]
    checks: Sequence[str]
    text: str


def render(handover: Handover, passwords: Mapping[str, Shown], stationery: Stationery = PLAIN) -> bytes:
    """The passwords of a tree as a PDF of one page.

    Raises TemplateError when something does not fit where the template wants it.
    """
    design = stationery.design(FORM, discreet=stationery.discreet)
    digits = [handover.root[start : start + 8] for start in range(0, len(handover.root), 8)]
    fields = {
        **public.of_set(handover.manifest, design),
        "folder": handover.folder,
        "place": handover.settings.place,
        "url": handover.settings.url,
        "provisioner": handover.settings.provisioner,
        "fingerprint": " ".join(digits),
    }
    for field, name in (("keys", KEYS), ("provisioner", PROVISIONER)):
        fields |= {
            f"{field}_rows": "\n".join(passwords[name].rows),
            f"{field}_checks": "\n".join(passwords[name].checks),
        }
    codes = [qr.modules(passwords[name].text, "Q") for name in (KEYS, PROVISIONER)]
    paper = Paper(design, len(design.body.pages), public.watermark(handover.manifest, design))
    for blocks in design.body.pages:
        paper.add(design, blocks, fields, codes)
    return paper.finish()
