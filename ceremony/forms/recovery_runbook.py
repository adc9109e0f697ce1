"""The recovery runbook on paper: RECOVERY.md, with the header and footer of all papers."""

from pathlib import Path

from ceremony.forms.letterhead import Letterhead
from escrow.paper.stationery import Stationery
from escrow.paper.template import PAPER

SOURCE = Path(__file__).parent.parent / "RECOVERY.md"
PDF_FILE = "recovery-runbook.pdf"
_TITLE, _SECRECY = "Recovery runbook", "NOT SECRET"


def document(stationery: Stationery) -> bytes:
    """The PDF; the same bytes each time. Raises TemplateError."""
    from ceremony.forms.markdown import story

    frame = stationery.frame("runbook")
    organisation = stationery.organisation or frame.phrases["no_organisation"]
    letterhead = Letterhead(organisation, "", "", PAPER[stationery.size], specimen=False, frame=frame)
    source = SOURCE.read_text("utf-8")
    return letterhead.render(_TITLE, _SECRECY, story(source, letterhead.width))
