"""What a root may sign on its own, behind one face: a certificate or a CRL is drafted, linted, checked and entered.

DER in, DER out: what is signed is known by its bytes alone.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from escrow import certificates
from escrow.errors import CertificateError
from escrow.inventory import Inventory, List, Spent, text_of
from escrow.issuing.fields import FIELDS, Fields, found
from escrow.issuing.lints import Finding
from escrow.issuing.request import Asked
from escrow.issuing.revocation import RevocationList, Revoked
from escrow.issuing.revocation import found as found_in_list
from escrow.issuing.signing import parts, try_out, try_out_list
from escrow.issuing.subordinate import Subordinate, algorithm_of

Rows = Sequence[tuple[str, str]]
"""Labels and texts, as people compare them."""


class Signable(ABC):
    """One thing to be signed."""

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
    def compare(self, der: bytes) -> None:
        """Check all but the signature: what it says, and that it fits the root. Raises CertificateError."""

    @abstractmethod
    def check(self, der: bytes) -> None:
        """Check what the root signed: all of it again, and the signature. Raises CertificateError."""

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
        return _rows(self.subordinate.planned, self.subordinate.public)

    def found(self, der: bytes) -> Rows:
        """See Signable."""
        certificate = _certificate(der)
        return _rows(found(certificate), certificates.public_key(certificate))

    def lint(self, der: bytes) -> Sequence[Finding]:
        """See Signable."""
        return self.subordinate.lint(_certificate(der))

    def compare(self, der: bytes) -> None:
        """See Signable."""
        wanted = dict(self.planned)
        if differing := [label for label, value in self.found(der) if wanted[label] != value]:
            message = f"The certificate is not as planned: {', '.join(differing)}. It is not used."
            raise CertificateError(message)
        certificate = _certificate(der)
        self.subordinate.compare(certificate)
        if certificate.serial_number in self.used:
            message = "The serial number was used before: the certificate is not used."
            raise CertificateError(message)

    def check(self, der: bytes) -> None:
        """See Signable."""
        self.compare(der)
        self.subordinate.check(_certificate(der))

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
        return list(self._notes())

    def _notes(self) -> Iterator[str]:
        if self.asked.not_taken:
            yield f"Asked for or there before, and not taken over: {', '.join(self.asked.not_taken)}."
        if self.asked.unproven:
            yield "Nobody has shown possession of this key: its certificate is signed by another one."
        planned = self.subordinate.planned
        for name in ("path_length", "usage", "last") if self.asked.original else ():
            if (was := self.asked.original[name]) != planned[name]:
                yield f"{FIELDS[name]}: the original says {was or 'nothing'}, and this {planned[name]}."


@dataclass(frozen=True)
class NewList(Signable):
    """The root's next CRL."""

    wanted: RevocationList
    more: tuple[Revoked, ...]
    taken_over: tuple[Revoked, ...] = ()
    """What the root revoked before there was an inventory."""
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

    def compare(self, der: bytes) -> None:
        """See Signable."""
        self.wanted.compare(_list(der))

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
        return (
            inventory.take_over(self.taken_over, ceremony)
            .revoke(self.more, ceremony)
            .publish(
                List(
                    self.wanted.number,
                    text_of(self.wanted.this_update),
                    text_of(self.wanted.next_update),
                    _sha256(der),
                    ceremony,
                )
            )
        )


def to_be_signed(der: bytes) -> str:
    """SHA-256 (hex) of the to-be-signed bytes."""
    return _sha256(parts(der)[0])


def _rows(fields: Fields, public: bytes) -> Rows:
    return [*((label, fields[name]) for name, label in FIELDS.items()), ("Key SHA-256", _grouped(_sha256(public)))]


def _grouped(digest: str) -> str:
    return " ".join(digest[start : start + 16] for start in range(0, len(digest), 16))


def _certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _list(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
