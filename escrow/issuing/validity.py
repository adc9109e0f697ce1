"""When a certificate is valid: dates are derived, never computed by people."""

import datetime as dt
from dataclasses import dataclass

from escrow.errors import CertificateError

_SECOND = dt.timedelta(seconds=1)
_DAY = dt.timedelta(days=1)
LAST_YEAR = 9999  # RFC 5280, 4.1.2.5: four digits


@dataclass(frozen=True)
class Validity:
    """From the first second to the last, both included (RFC 5280, 4.1.2.5). In UTC, without fractions."""

    first: dt.datetime
    last: dt.datetime

    def __post_init__(self) -> None:
        for moment in (self.first, self.last):
            if moment.utcoffset() != dt.timedelta(0) or moment.microsecond:
                message = f"A certificate's time is in UTC and whole seconds, and {moment.isoformat()} is not."
                raise CertificateError(message)
        if self.last < self.first:
            message = f"A certificate cannot end at {self.last.isoformat()}, before {self.first.isoformat()}."
            raise CertificateError(message)

    def within(self, other: "Validity") -> bool:
        """Whether all of it lies in the other."""
        return other.first <= self.first and self.last <= other.last

    @property
    def whole_days(self) -> bool:
        """Whether it lasts a whole number of days: with one second more it would begin another day."""
        return not (self.last - self.first + _SECOND) % _DAY


def calendar_years(first: dt.datetime, years: int) -> Validity:
    """So many calendar years: the last second is the one before the anniversary.

    The anniversary of 29 February is 1 March where the year has no such day. Raises CertificateError beyond 9999.
    """
    if first.year + years > LAST_YEAR:
        message = f"{years} years from {first.year} end after {LAST_YEAR}, which no certificate can say."
        raise CertificateError(message)
    try:
        anniversary = first.replace(year=first.year + years)
    except ValueError:
        anniversary = first.replace(year=first.year + years, month=3, day=1)
    return Validity(first, anniversary - _SECOND)


def duration_of_days(first: dt.datetime, days: int) -> Validity:
    """As step counts: the last second is this many days after the first, so it lasts one second longer."""
    return Validity(first, first + dt.timedelta(days=days))
