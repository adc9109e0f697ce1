"""The root's list of what it has revoked (CRL version 2, RFC 5280, 5): all of it each time, never a delta."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from cryptography import x509

from escrow.certificates import public_key
from escrow.errors import CertificateError
from escrow.issuing.lints import Finding, lint_list
from escrow.issuing.naming import name_text
from escrow.issuing.reasons import Known
from escrow.issuing.subordinate import issuer_of
from escrow.keys import parse_public


@dataclass(frozen=True)
class Revoked:
    """One entry: which certificate, since when, why."""

    serial: int
    date: dt.datetime
    reason: Known


@dataclass(frozen=True)
class RevocationList:
    """What the list is to say."""

    root: x509.Certificate
    number: int
    this_update: dt.datetime
    next_update: dt.datetime
    revoked: tuple[Revoked, ...]
    last: dt.datetime | None = None
    """The `this_update` of the list before, if there is one."""

    @property
    def planned(self) -> Sequence[tuple[str, str]]:
        """What it is to say, in words that people compare."""
        return [
            ("Issuer", name_text(self.root.subject)),
            ("Number", str(self.number)),
            ("This update", _time(self.this_update)),
            ("Next update", _time(self.next_update)),
            *((f"Revoked {n}", _entry(each)) for n, each in enumerate(self.revoked, 1)),
            ("Entries", str(len(self.revoked))),
        ]

    def draft(self) -> x509.CertificateRevocationListBuilder:
        """Everything but the signature."""
        issuer = issuer_of(self.root)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.name)
            .last_update(self.this_update)
            .next_update(self.next_update)
            .add_extension(x509.AuthorityKeyIdentifier(issuer.key_identifier, None, None), critical=False)
            .add_extension(x509.CRLNumber(self.number), critical=False)
        )
        for each in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial).revocation_date(each.date)
            if each.reason != "unspecified":  # which is said by saying nothing (RFC 5280, 5.3.1)
                entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags[_flag(each.reason)]), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder

    def lint(self, der: bytes) -> tuple[Finding, ...]:
        """What is found in it, signed by whatever key."""
        return lint_list("CRL", der)

    def compare(self, crl: x509.CertificateRevocationList) -> None:
        """Check that it says what was planned and may be said, signed by whatever key. Raises CertificateError."""
        if problems := list(self._problems()):
            message = f"This CRL is not to be signed: {'; '.join(problems)}."
            raise CertificateError(message)
        if list(found(crl)) != list(self.planned):
            message = "The CRL is not as planned: it is not used."
            raise CertificateError(message)

    def _problems(self) -> Iterator[str]:
        """Why nobody, or not everybody, would take the list as it is meant."""
        if not _may_sign_lists(self.root):
            yield "the root's certificate does not allow it to sign CRLs (key usage without cRLSign)"
        end = self.root.not_valid_after_utc
        if self.this_update > end:
            yield f"the root has expired on {_time(end)}, and nobody takes a list of it: a new root is needed"
        elif self.next_update > end:
            yield f"it would count until {_time(self.next_update)}, and the root until {_time(end)}: plan fewer days"
        if self.last and self.this_update < self.last:
            yield f"the last one is of {_time(self.last)}, and it is {_time(self.this_update)}: set the clock"
        for each in self.revoked:
            if each.date > self.this_update:
                yield (
                    f"{each.serial:x} would be revoked at {_time(each.date)}, and it is {_time(self.this_update)}: "
                    "set the clock, or plan an earlier date"
                )

    def check(self, crl: x509.CertificateRevocationList) -> None:
        """Check that it says what was planned, and that the root signed it. Raises CertificateError."""
        self.compare(crl)
        if not crl.is_signature_valid(parse_public(public_key(self.root))):
            message = "The signature of the CRL is not the root's: it is not used."
            raise CertificateError(message)


def found(crl: x509.CertificateRevocationList) -> Sequence[tuple[str, str]]:
    """What a list says, in the same words as `planned`."""
    entries = [_found(entry) for entry in crl]
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    return [
        ("Issuer", name_text(crl.issuer)),
        ("Number", str(number)),
        ("This update", _time(crl.last_update_utc)),
        ("Next update", _time(crl.next_update_utc) if crl.next_update_utc else "none"),
        *((f"Revoked {n}", text) for n, text in enumerate(entries, 1)),
        ("Entries", str(len(entries))),
    ]


def _may_sign_lists(root: x509.Certificate) -> bool:
    try:
        return root.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True  # without it, any use is allowed (RFC 5280, 4.2.1.3 and 6.3.3 (f))


def reason_of(entry: x509.RevokedCertificate) -> Known:
    """Why a list says that it was revoked; it may say what it must not."""
    try:
        return cast("Known", entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value)
    except x509.ExtensionNotFound:
        return "unspecified"


def _found(entry: x509.RevokedCertificate) -> str:
    return f"{entry.serial_number:x}, {_time(entry.revocation_date_utc)}, {reason_of(entry)}"


def _entry(revoked: Revoked) -> str:
    return f"{revoked.serial:x}, {_time(revoked.date)}, {revoked.reason}"


def _flag(reason: Known) -> str:
    return next(flag.name for flag in x509.ReasonFlags if flag.value == reason)


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
