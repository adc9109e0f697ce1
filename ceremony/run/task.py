"""What a session signs, from its plan: the file that the plan pins, and what is made of it."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ceremony.planning.plan import Plan, Session
from ceremony.planning.profiles import begin_of
from ceremony.planning.session_tables import Crl, SignIntermediate
from ceremony.run.archive import MAX_FILE
from ceremony.run.before import Before
from escrow.errors import PlanError
from escrow.files import read_public
from escrow.issuing.draft import Named
from escrow.issuing.naming import Attribute, Constraint, to_name
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


def signable(plan: Plan, session: Session, before: Before, given: Input | None, at: dt.datetime) -> Signable:
    """What a plan's session signs; `at` is the time that a CRL says. Raises PlanError, CertificateError."""
    task = session.task
    if isinstance(task, Crl):
        more = tuple(
            Revoked(int(each.serial, 16), dt.datetime.combine(each.date, dt.time(), dt.UTC), each.reason)
            for each in session.revoke
        )
        known = before.inventory.revoke(more, plan.ceremony.id)
        wanted = RevocationList(
            before.root,
            before.inventory.next_number,
            at,
            at + dt.timedelta(days=task.days),
            known.entries,
            before.inventory.last_update,
        )
        return NewList(wanted, more)
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


def read_input(session: Session) -> Input | None:
    """The file that the plan names. Raises PlanError if it is not the one that the plan pins."""
    task = session.task
    if isinstance(task, Crl):
        return None
    path = task.csr if isinstance(task, SignIntermediate) else task.certificate
    content = read_public(path, MAX_FILE)
    digest = hashlib.sha256(content).hexdigest()
    if digest != task.sha256:
        message = f"{path} is not the file that the plan names: its SHA-256 is {digest}, not {task.sha256}."
        raise PlanError(message)
    return Input("request.csr" if isinstance(task, SignIntermediate) else "certificate.crt", content)


def facts(signed: Signable, der: bytes) -> Mapping[str, Any]:
    """What the journal says of something to be signed."""
    return {"to_be_signed": to_be_signed(der), "what": signed.what, "number": signed.number(der)}
