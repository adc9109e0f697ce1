"""The inventory of a root: what it has issued and revoked, and the numbers that are used up. `encode` <-> `decode`.

A plain file beside the journal, canonical JSON. Each ceremony with the root leaves a new one, which names the archive
that it follows and only ever adds: a serial number or CRL number that stands in it is never used again.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from cryptography import x509

from escrow.certificates import fingerprint
from escrow.errors import InventoryError
from escrow.issuing.naming import name_text
from escrow.issuing.reasons import KNOWN, Known
from escrow.issuing.revocation import Revoked
from escrow.manifest import TIME

FILE = "inventory.json"
FORMAT, VERSION = "step-ca escrow inventory", 1


@dataclass(frozen=True)
class Issued:
    """A certificate that the root signed. Serial in hex; times in UTC; `ceremony` is the id of its plan."""

    serial: str
    subject: str
    sha256: str
    not_after: str
    ceremony: str


@dataclass(frozen=True)
class Entry:
    """A certificate that the root revoked."""

    serial: str
    date: str
    reason: Known
    ceremony: str


@dataclass(frozen=True)
class List:
    """The last CRL."""

    number: int
    this_update: str
    next_update: str
    sha256: str
    ceremony: str


@dataclass(frozen=True)
class Spent:
    """A serial or CRL number of a ceremony that was aborted: whether the key had signed it by then, nobody knows."""

    what: str
    number: str
    to_be_signed: str
    ceremony: str


@dataclass(frozen=True)
class Inventory:
    """All of it. `root` is the SHA-256 of the root's certificate, `before` of the list of the archive that it follows.

    Hashes are lower-case hex.
    """

    root: str
    before: str | None
    issued: tuple[Issued, ...] = ()
    revoked: tuple[Entry, ...] = ()
    crl: List | None = None
    spent: tuple[Spent, ...] = ()

    def encode(self) -> bytes:
        """The canonical text: JSON, keys sorted, indented by one space, UTF-8, one newline at the end."""
        fields = asdict(self) | {"format": FORMAT, "version": VERSION}
        return json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """The inverse of `encode`. Raises InventoryError for anything that it does not make."""
        try:
            fields: dict[str, Any] = json.loads(content)
            known = fields.pop("format"), fields.pop("version")
            found = cls(
                fields["root"],
                fields["before"],
                tuple(Issued(**each) for each in fields["issued"]),
                tuple(Entry(**each) for each in fields["revoked"]),
                List(**fields["crl"]) if fields["crl"] else None,
                tuple(Spent(**each) for each in fields["spent"]),
            )
            if (
                known != (FORMAT, VERSION)
                or found.encode() != content
                or any(e.reason not in KNOWN for e in found.revoked)
            ):
                raise ValueError  # noqa: TRY301 - as whatever else is wrong with it
            _ = found.serials, found.next_number, found.entries, found.last_update
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            message = f"{FILE} is not what a ceremony left: it was changed. Use another copy of the archive."
            raise InventoryError(message) from None
        return found

    @property
    def serials(self) -> frozenset[int]:
        """Every serial number that is used up."""
        spent = (each.number for each in self.spent if each.what == "certificate")
        return frozenset(int(serial, 16) for serial in (*(each.serial for each in self.issued), *spent))

    @property
    def next_number(self) -> int:
        """The number of the next CRL: greater than every one that was used (RFC 5280, 5.2.3)."""
        spent = (int(each.number) for each in self.spent if each.what == "CRL")
        return max((self.crl.number if self.crl else 0, *spent)) + 1

    @property
    def last_update(self) -> dt.datetime | None:
        """The `this_update` of the last CRL, if there is one."""
        return _moment(self.crl.this_update) if self.crl else None

    @property
    def entries(self) -> tuple[Revoked, ...]:
        """What the next CRL begins with."""
        return tuple(Revoked(int(each.serial, 16), _moment(each.date), each.reason) for each in self.revoked)

    def issue(self, certificates: Iterable[x509.Certificate], ceremony: str) -> "Inventory":
        """With more certificates. Raises InventoryError for a serial number that is used up."""
        found = self
        for certificate in certificates:
            if certificate.serial_number in found.serials:
                message = f"The serial number {certificate.serial_number:x} was used before."
                raise InventoryError(message)
            entry = Issued(
                f"{certificate.serial_number:x}",
                name_text(certificate.subject) or "(empty)",
                fingerprint(certificate),
                text_of(certificate.not_valid_after_utc),
                ceremony,
            )
            found = replace(found, issued=(*found.issued, entry))
        return found

    def revoke(self, more: Iterable[Revoked], ceremony: str) -> "Inventory":
        """With more revocations. Raises InventoryError for what was not issued, or is revoked already.

        What an aborted session spent may have been issued, so it can be revoked, too.
        """
        found = self
        for each in more:
            if each.serial not in self.serials:
                message = f"The root has issued no certificate {each.serial:x}: nothing is revoked that is not known."
                raise InventoryError(message)
            if each.serial in {int(entry.serial, 16) for entry in found.revoked}:
                message = f"The certificate {each.serial:x} is revoked already."
                raise InventoryError(message)
            entry = Entry(f"{each.serial:x}", text_of(each.date), each.reason, ceremony)
            found = replace(found, revoked=(*found.revoked, entry))
        return found

    def take_over(self, entries: Iterable[Revoked], ceremony: str) -> "Inventory":
        """With what a list says that the root published before: whatever it is, issued here or not."""
        revoked = {int(each.serial, 16) for each in self.revoked}
        more = (
            Entry(f"{each.serial:x}", text_of(each.date), each.reason, ceremony)
            for each in entries
            if each.serial not in revoked
        )
        return replace(self, revoked=(*self.revoked, *more))

    def publish(self, crl: List) -> "Inventory":
        """With another CRL. Raises InventoryError for a number that was used before."""
        if crl.number < self.next_number:
            message = f"The CRL number {crl.number} was used before."
            raise InventoryError(message)
        return replace(self, crl=crl)

    def spend(self, spent: Spent) -> "Inventory":
        """With a number that may have been used."""
        return replace(self, spent=(*self.spent, spent))

    def problems_after(self, earlier: "Inventory", archive: str) -> Iterator[str]:
        """Why this cannot follow an earlier inventory, whose archive's list has this hash."""
        if self.before != archive:
            yield "it does not follow this archive"
        if self.root != earlier.root:
            yield "it is of another root"
        for what, own, was in (
            ("issued", self.issued, earlier.issued),
            ("revoked", self.revoked, earlier.revoked),
            ("spent", self.spent, earlier.spent),
        ):
            if own[: len(was)] != was:
                yield f"what was {what} before is not there as it was"
        if self.crl != earlier.crl and (self.crl is None or self.crl.number < earlier.next_number):
            yield "the number of its CRL was used before"


def text_of(moment: dt.datetime) -> str:
    """A time, UTC, to the second."""
    return moment.astimezone(dt.UTC).strftime(TIME)


def _moment(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, TIME).replace(tzinfo=dt.UTC)
