"""What the lints look for in the plan of what follows an archive: whether what it names by a hash is there."""

import hashlib
from collections.abc import Iterator

from ceremony.planning.draft import NOBODYS
from ceremony.planning.lint_checks import Facts
from escrow.errors import FileError
from escrow.files import read_public

_MAX_BYTES = 1 << 20


def hash_placeholder(facts: Facts) -> Iterator[str]:
    """No hash is still the one of the commented plan."""
    session = facts.plan.session
    if facts.plan.follows == NOBODYS:
        yield "archive under [before] is still a row of zeros."
    if session and session.pinned == NOBODYS:
        yield "sha256 of what is certified is still a row of zeros."


def text_placeholder(facts: Facts) -> Iterator[str]:
    """What happened was filled in."""
    plan = facts.plan
    texts = {
        "reason under [refresh]": plan.refresh and plan.refresh.reason,
        "why under [reissue]": plan.reissue and plan.reissue.why,
        "incident under [recovery]": plan.recovery and plan.recovery.incident,
        "called_by under [recovery]": plan.recovery and plan.recovery.called_by,
    }
    yield from (f"{name} is still '{text}'." for name, text in texts.items() if text and not text.strip(". "))


def custodian_agreed(facts: Facts) -> Iterator[str]:
    """Nobody who keeps a share is one of those who agree that the keys are brought back."""
    if recovery := facts.plan.recovery:
        keepers = {custodian.name for custodian in facts.plan.custodians}
        yield from (f"{name} agreed to the recovery, and keeps a share." for name in recovery.agreed if name in keepers)


def file_not_as_pinned(facts: Facts) -> Iterator[str]:
    """The file that is certified is there, and has its hash."""
    session = facts.plan.session
    if not session or session.file is None:
        return
    try:
        digest = hashlib.sha256(read_public(session.file, _MAX_BYTES)).hexdigest()
    except FileError as error:
        yield f"{error} It is looked for from the plan's folder, {session.folder}."
        return
    if session.pinned not in {digest, NOBODYS}:
        yield f"{session.file} has the SHA-256 {digest}, and the plan says {session.pinned}."
