"""What the lints look for in the plan of a session alone: whether what it names by a hash is there."""

import hashlib
from collections.abc import Callable, Iterator

from ceremony.planning.lint_checks import Facts
from ceremony.planning.session_tables import Crl
from escrow.errors import FileError
from escrow.files import read_public

_NOBODYS = "0" * 64
_MAX_BYTES = 1 << 20


def hash_placeholder(facts: Facts) -> Iterator[str]:
    """No hash is still the one of the commented plan."""
    session = facts.plan.session
    if session and session.before == _NOBODYS:
        yield "archive under [before] is still a row of zeros."
    if session and getattr(session.task, "sha256", "") == _NOBODYS:
        yield "sha256 of what is certified is still a row of zeros."


def file_not_as_pinned(facts: Facts) -> Iterator[str]:
    """The file that is certified is there, and has its hash."""
    session = facts.plan.session
    if not session or isinstance(session.task, Crl) or session.file is None:
        return
    try:
        digest = hashlib.sha256(read_public(session.file, _MAX_BYTES)).hexdigest()
    except FileError as error:
        yield f"{error} It is looked for from the plan's folder, {session.folder}."
        return
    if session.task.sha256 not in {digest, _NOBODYS}:
        yield f"{session.file} has the SHA-256 {digest}, and the plan says {session.task.sha256}."


RULES: tuple[tuple[str, Callable[[Facts], Iterator[str]], str, str], ...] = (
    (
        "hash-placeholder",
        hash_placeholder,
        "The hash fixes what the people agree to: a row of zeros is the hash of nothing.",
        "Write what 'sha256sum' says of the file; 'escrow init --for ... --archive DIR' fills in that of the archive.",
    ),
    (
        "file-not-as-pinned",
        file_not_as_pinned,
        "The session would stop when it drafts what is to be signed, with everybody in the room.",
        "Lay the file where the plan names it, from the plan's own folder on, and look whose hash is right.",
    ),
)
"""The lints of sessions: id, check, reason, remedy. None is waived."""
