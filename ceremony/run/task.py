"""What a session signs, from its plan: the file that the plan pins, and what is made of it."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ceremony.planning.plan import Plan, Session, parse
from ceremony.planning.profiles import begin_of
from ceremony.planning.session_tables import Crl, CrossSign, SignIntermediate
from ceremony.run.archive import MAX_FILE
from ceremony.run.before import ORIGIN, Before
from escrow.errors import FileError, PlanError
from escrow.files import read_public
from escrow.issuing.draft import Named
from escrow.issuing.naming import Attribute, Constraint, to_name
from escrow.issuing.previous import Previous, read_list
from escrow.issuing.profile import Profile
from escrow.issuing.request import read_authority, read_request
from escrow.issuing.revocation import RevocationList, Revoked
from escrow.issuing.subordinate import Subordinate
from escrow.issuing.validity import calendar_years
from escrow.signable import NewCertificate, NewList, Signable, to_be_signed


@dataclass(frozen=True)
class Input:
    """A file that something is made of: its name in the archive, and what is in it. Its hash is the plan's."""

    name: str
    content: bytes


_KEPT_AS = {SignIntermediate: "request.csr", Crl: "previous.crl", CrossSign: "certificate.crt"}
"""What the file of each kind of session is called in the archive."""


def signable(plan: Plan, session: Session, before: Before, given: Input | None, at: dt.datetime) -> Signable:
    """What a plan's session signs; `at` is the time that a CRL says. Raises PlanError, CertificateError."""
    task = session.task
    if isinstance(task, Crl):
        return _list(before, _revoked(session), _previous(task, before, given), (at, task.days), plan.ceremony.id)
    if given is None:
        message = "The file that is to be certified is missing."
        raise PlanError(message)
    if isinstance(task, SignIntermediate):
        asked = read_request(given.content, given.name, task.key_identifier)
        named = asked.named
        if task.subject:
            named = Named(to_name(map(Attribute.of, task.subject)), named.public, named.key_identifier)
        file = "intermediate"
    else:
        asked = read_authority(given.content, given.name)
        named, file = asked.named, "cross-signed"
    profile = Profile(
        "intermediate",
        asked.algorithm,
        (),
        calendar_years(begin_of(plan), task.years),
        task.path_length,
        tuple(map(Constraint.of, task.permitted)),
        tuple(map(Constraint.of, task.excluded)),
        task.policies,
        task.crl,
        task.issuers,
        task.ocsp,
    )
    return NewCertificate(Subordinate(before.root, profile, named), asked, file, before.inventory.serials)


def _previous(task: Crl, before: Before, given: Input | None) -> Previous | None:
    """What the root published before. Raises PlanError for a root that was imported, if the plan says nothing of it."""
    if given:
        return read_list(given.content, before.root, given.name)
    made = parse(before.origin, Path(ORIGIN))
    if made.ca.keys != "generate" and before.inventory.crl is None and not task.first:
        message = (
            "This root was imported, and may have published CRLs before: a new one without their entries would take "
            "revocations back. Name the last one under [crl] as previous, with previous_sha256; if this root never "
            "published a CRL, write first = true."
        )
        raise PlanError(message)
    return None


def _list(
    before: Before, more: tuple[Revoked, ...], previous: Previous | None, count: tuple[dt.datetime, int], ceremony: str
) -> NewList:
    """The next list, from a time on and for so many days."""
    taken_over = previous.revoked if previous else ()
    known = before.inventory.take_over(taken_over, ceremony).revoke(more, ceremony)
    earlier = [each for each in (before.inventory.last_update, previous and previous.this_update) if each]
    at, days = count
    wanted = RevocationList(
        before.root,
        max(known.next_number, previous.number + 1 if previous else 1),
        at,
        at + dt.timedelta(days=days),
        known.entries,
        max(earlier, default=None),
    )
    return NewList(wanted, more, taken_over)


def _revoked(session: Session) -> tuple[Revoked, ...]:
    return tuple(
        Revoked(int(each.serial, 16), dt.datetime.combine(each.date, dt.time(), dt.UTC), each.reason)
        for each in session.revoke
    )


def check_revoked(plan: Plan, session: Session, before: Before) -> None:
    """Raise InventoryError for what a session would revoke and is not known, or is revoked already."""
    before.inventory.revoke(_revoked(session), plan.ceremony.id)


def read_input(session: Session, kept: Path | None = None) -> Input | None:
    """The file that the plan names, or what was kept of it in a folder.

    Raises PlanError if it is not the one that the plan pins.
    """
    if session.file is None:
        return None
    name = _KEPT_AS[type(session.task)]
    path = kept / name if kept else session.file
    try:
        content = read_public(path, MAX_FILE)
    except FileError as error:
        message = f"{error} It is looked for from the plan's folder, {session.folder}."
        raise PlanError(message) from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != session.pinned:
        message = f"{path} is not the file that the plan names: its SHA-256 is {digest}, not {session.pinned}."
        raise PlanError(message)
    return Input(name, content)


def facts(signed: Signable, der: bytes) -> Mapping[str, Any]:
    """What the journal says of something to be signed."""
    return {"to_be_signed": to_be_signed(der), "what": signed.what, "number": signed.number(der)}
