"""What a session may sign, behind one face: a certificate or a CRL is drafted, shown, linted, checked and entered."""

import datetime as dt
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ceremony.planning.plan import Plan, Session
from ceremony.planning.tables import Crl, SignIntermediate
from ceremony.run.archive import MAX_FILE
from ceremony.run.before import Before
from escrow import certificates
from escrow.errors import CertificateError, PlanError
from escrow.files import read_public
from escrow.inventory import Inventory, List, Spent, text_of
from escrow.issuing.draft import Named
from escrow.issuing.fields import FIELDS, found
from escrow.issuing.lints import Finding
from escrow.issuing.naming import Attribute, Constraint, to_name
from escrow.issuing.profile import Profile
from escrow.issuing.request import Asked, read_authority, read_request
from escrow.issuing.revocation import RevocationList, Revoked
from escrow.issuing.revocation import found as found_in_list
from escrow.issuing.signing import parts, try_out, try_out_list
from escrow.issuing.subordinate import Subordinate, algorithm_of
from escrow.issuing.validity import calendar_years

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Input:
    """A file that something is made of: its name in the archive, and what is in it. Its hash is the plan's."""

    name: str
    content: bytes


class Signable(ABC):
    """One thing to be signed. DER in, DER out: what is signed is known by its bytes alone."""

    what: str
    """What the inventory calls it: certificate or CRL."""

    @abstractmethod
    def try_out(self) -> bytes:
        """What a throw-away key signed. Numbers are drawn here, and only here."""

    @property
    @abstractmethod
    def planned(self) -> Rows:
        """What it is to say; without numbers that are drawn."""

    @abstractmethod
    def found(self, der: bytes) -> Rows:
        """What it says, in the same words."""

    @abstractmethod
    def lint(self, der: bytes) -> Sequence[Finding]:
        """What lint finds in it."""

    @abstractmethod
    def check(self, der: bytes) -> None:
        """Check what the root signed. Raises CertificateError."""

    @abstractmethod
    def number(self, der: bytes) -> str:
        """The number that it uses up: a serial in hex, or a CRL's."""

    @abstractmethod
    def files(self, der: bytes) -> Mapping[str, bytes]:
        """How it is written for those who use it."""

    @abstractmethod
    def enter(self, inventory: Inventory, der: bytes, ceremony: str) -> Inventory:
        """The inventory with it."""

    @property
    def notes(self) -> Sequence[str]:
        """What people should know of it."""
        return ()

    def spend(self, inventory: Inventory, der: bytes, ceremony: str, digest: str) -> Inventory:
        """The inventory when nobody knows whether it was signed: its number is never used again."""
        return inventory.spend(Spent(self.what, self.number(der), digest, ceremony))


@dataclass(frozen=True)
class NewCertificate(Signable):
    """A certificate for a request or another CA."""

    subordinate: Subordinate
    asked: Asked
    file: str
    used: frozenset[int]
    what = "certificate"

    def try_out(self) -> bytes:
        """See Signable."""
        drafts = [self.subordinate.draft(self.used)]
        (tried,) = try_out(drafts, algorithm_of(self.subordinate.root))
        return tried.public_bytes(serialization.Encoding.DER)

    @property
    def planned(self) -> Rows:
        """See Signable."""
        fields = self.subordinate.planned
        return [(label, fields[name]) for name, label in FIELDS.items()]

    def found(self, der: bytes) -> Rows:
        """See Signable."""
        fields = found(_certificate(der))
        return [(label, fields[name]) for name, label in FIELDS.items()]

    def lint(self, der: bytes) -> Sequence[Finding]:
        """See Signable."""
        return self.subordinate.lint(_certificate(der))

    def check(self, der: bytes) -> None:
        """See Signable."""
        certificate = _certificate(der)
        self.subordinate.check(certificate)
        if certificate.serial_number in self.used:
            message = "The serial number was used before: the certificate is not used."
            raise CertificateError(message)

    def number(self, der: bytes) -> str:
        """See Signable."""
        return f"{_certificate(der).serial_number:x}"

    def files(self, der: bytes) -> Mapping[str, bytes]:
        """See Signable."""
        return {f"issued/{self.file}.crt": certificates.to_pem(_certificate(der))}

    def enter(self, inventory: Inventory, der: bytes, ceremony: str) -> Inventory:
        """See Signable."""
        return inventory.issue([_certificate(der)], ceremony)

    @property
    def notes(self) -> Sequence[str]:
        """See Signable."""
        if not self.asked.not_taken:
            return ()
        return [f"Asked for or there before, and not taken over: {', '.join(self.asked.not_taken)}."]


@dataclass(frozen=True)
class NewList(Signable):
    """The root's next CRL."""

    wanted: RevocationList
    more: tuple[Revoked, ...]
    what = "CRL"

    def try_out(self) -> bytes:
        """See Signable."""
        return try_out_list(self.wanted.draft(), algorithm_of(self.wanted.root))

    @property
    def planned(self) -> Rows:
        """See Signable."""
        return self.wanted.planned

    def found(self, der: bytes) -> Rows:
        """See Signable."""
        return found_in_list(_list(der))

    def lint(self, der: bytes) -> Sequence[Finding]:
        """See Signable."""
        return self.wanted.lint(der)

    def check(self, der: bytes) -> None:
        """See Signable."""
        self.wanted.check(_list(der))

    def number(self, der: bytes) -> str:  # noqa: ARG002 - it is planned
        """See Signable."""
        return str(self.wanted.number)

    def files(self, der: bytes) -> Mapping[str, bytes]:
        """See Signable."""
        return {"issued/root.crl": der, "issued/root.crl.pem": _list(der).public_bytes(serialization.Encoding.PEM)}

    def enter(self, inventory: Inventory, der: bytes, ceremony: str) -> Inventory:
        """See Signable."""
        return inventory.revoke(self.more, ceremony).publish(
            List(
                self.wanted.number,
                text_of(self.wanted.this_update),
                text_of(self.wanted.next_update),
                _sha256(der),
                ceremony,
            )
        )


def signable(plan: Plan, session: Session, before: Before, given: Input | None, at: dt.datetime) -> Signable:
    """What a plan's session signs; `at` is the time that a CRL says. Raises PlanError, CertificateError."""
    begin = dt.datetime.combine(plan.ceremony.date, dt.time(), dt.UTC)
    task = session.task
    if isinstance(task, Crl):
        more = tuple(
            Revoked(int(each.serial, 16), dt.datetime.combine(each.date, dt.time(), dt.UTC), each.reason)
            for each in session.revoke
        )
        known = before.inventory.revoke(more, plan.ceremony.id)
        wanted = RevocationList(
            before.root, before.inventory.next_number, at, at + dt.timedelta(days=task.days), known.entries
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
        file,
        asked.algorithm,
        (),
        calendar_years(begin, task.years),
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
    if _sha256(content) != task.sha256:
        message = f"{path} is not the file that the plan names: its SHA-256 is {_sha256(content)}, not {task.sha256}."
        raise PlanError(message)
    return Input("request.csr" if isinstance(task, SignIntermediate) else "certificate.crt", content)


def to_be_signed(der: bytes) -> str:
    """SHA-256 (hex) of the to-be-signed bytes."""
    return _sha256(parts(der)[0])


def facts(signed: Signable, der: bytes) -> Mapping[str, Any]:
    """What the journal says of something to be signed."""
    return {"to_be_signed": to_be_signed(der), "what": signed.what, "number": signed.number(der)}


def _certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _list(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
