"""What a CA's certificates are to say, before any key is made. Plain data: nothing here needs a library."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from escrow.configuration import INTERMEDIATE_CERTIFICATE, INTERMEDIATE_KEY, ROOT_CERTIFICATE, ROOT_KEY
from escrow.errors import CertificateError
from escrow.issuing.naming import Attribute, Constraint
from escrow.issuing.validity import Validity, duration_of_days
from escrow.keys import Algorithm

KeyIdentifier = Literal["SHA-1", "SHA-256"]
"""How a key identifier is made of a public key: RFC 5280, 4.2.1.2 (1), or RFC 7093, 2 (1)."""

MAX_CA_NAME = 64 - len(" Intermediate CA")  # RFC 5280, appendix A.1: ub-common-name
SERIAL_OCTETS = 20  # the most that RFC 5280, 4.1.2.2, allows
_STEP_DAYS = 3650
_STEP_SERIAL_OCTETS = 16


@dataclass(frozen=True)
class Profile:
    """What one CA certificate is to say. All lists are in the order of the certificate."""

    name: str
    """`root`, `intermediate`, or `intermediate-2` and so on."""
    algorithm: Algorithm
    subject: tuple[Attribute, ...]
    validity: Validity
    path_length: int
    permitted: tuple[Constraint, ...] = ()
    excluded: tuple[Constraint, ...] = ()
    policies: tuple[str, ...] = ()
    crl: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    ocsp: tuple[str, ...] = ()
    key_identifier: KeyIdentifier = "SHA-1"
    serial_octets: int = SERIAL_OCTETS

    @property
    def certificate_file(self) -> str:
        """Where the certificate lies in the tree."""
        if self.name == "root":
            return ROOT_CERTIFICATE
        return _numbered(INTERMEDIATE_CERTIFICATE, self.name)

    @property
    def key_file(self) -> str:
        """Where the private key lies in the tree."""
        return ROOT_KEY if self.name == "root" else _numbered(INTERMEDIATE_KEY, self.name)


@dataclass(frozen=True)
class Profiles:
    """A whole CA: its name, a root, the intermediates that the root issues, and SSH's host and user keys if wanted.

    step-ca will sign with the first intermediate. Raises CertificateError for what cannot be a hierarchy.
    """

    name: str
    root: Profile
    intermediates: tuple[Profile, ...]
    ssh: Algorithm | None = None

    def __post_init__(self) -> None:
        if not self.intermediates or [each.name for each in self] != list(names(len(self.intermediates))):
            message = "A CA is a root and one or more intermediates, named by their numbers."
            raise CertificateError(message)

    def __iter__(self) -> Iterator[Profile]:
        yield self.root
        yield from self.intermediates


def names(intermediates: int) -> Iterator[str]:
    """The names of the profiles of a CA with so many intermediates."""
    yield "root"
    for number in range(1, intermediates + 1):
        yield "intermediate" if number == 1 else f"intermediate-{number}"


def subject_of(ca: str, role: str) -> tuple[Attribute, ...]:
    """The subject that `step ca init` gives."""
    return Attribute("O", ca), Attribute("CN", f"{ca} {role}")


def step_ca_init(name: str, now: dt.datetime) -> Profiles:
    """What `step ca init --name NAME` makes (measured with step 0.30.6), but for the string types of names.

    Its intermediate is made a second after the root and outlives it by that; here both begin and end together.
    """
    validity = duration_of_days(now, _STEP_DAYS)

    def profile(of: str, role: str, path_length: int) -> Profile:
        subject = subject_of(name, role)
        return Profile(of, "EC P-256", subject, validity, path_length, serial_octets=_STEP_SERIAL_OCTETS)

    return Profiles(name, profile("root", "Root CA", 1), (profile("intermediate", "Intermediate CA", 0),))


def _numbered(file: str, name: str) -> str:
    """certs/intermediate_ca.crt for the first, certs/intermediate_ca_2.crt for the second."""
    number = name.removeprefix("intermediate").removeprefix("-")
    return file.replace("intermediate_ca", f"intermediate_ca_{number}") if number else file
