"""Subjects and name constraints: read from a line of text, checked, and turned into X.509 and back."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

# What may stand in a subject: the name of its OID in cryptography, and the most characters (RFC 5280, appendix A.1).
_TYPES: Mapping[str, tuple[str, int]] = {
    "C": ("COUNTRY_NAME", 2),
    "ST": ("STATE_OR_PROVINCE_NAME", 128),
    "L": ("LOCALITY_NAME", 128),
    "STREET": ("STREET_ADDRESS", 128),
    "O": ("ORGANIZATION_NAME", 64),
    "OU": ("ORGANIZATIONAL_UNIT_NAME", 64),
    "CN": ("COMMON_NAME", 64),
    "DC": ("DOMAIN_COMPONENT", 63),
    "serialNumber": ("SERIAL_NUMBER", 64),
    "organizationIdentifier": ("ORGANIZATION_IDENTIFIER", 64),
}
_KINDS = ("DNS", "IP", "email")
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,./:=?-]+")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_MAX_DNS = 253
# The second number is no longer than any that was given away: cryptography 50 panics where it overflows 128 bits.
_OID = re.compile(r"[0-2]\.(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,38})){1,30}")
_URL = re.compile(r"https?://[!-~]{1,500}")
_ESCAPED = re.compile(r"[\\,+]")


@dataclass(frozen=True)
class Attribute:
    """One attribute of a subject. Raises ValueError for what cannot stand in a certificate."""

    type: str
    value: str

    def __post_init__(self) -> None:
        if self.type not in _TYPES:
            message = f"begins with {self.type!r}: use one of {', '.join(_TYPES)}."
            raise ValueError(message)
        longest = _TYPES[self.type][1]
        if not 0 < len(self.value) <= longest or not self.value.isprintable() or self.value != self.value.strip():
            message = f"needs 1 to {longest} visible characters after {self.type}=, and no space at an end."
            raise ValueError(message)
        if self.type == "C" and not re.fullmatch("[A-Z]{2}", self.value):
            message = "needs a country code of two capital letters after C=, such as C=NZ (ISO 3166)."
            raise ValueError(message)
        if self.type == "DC" and not _LABEL.fullmatch(self.value):
            message = "needs one label of a domain after each DC=, such as DC=example."
            raise ValueError(message)
        if self.type == "serialNumber" and not _PRINTABLE.fullmatch(self.value):
            message = "needs plain letters, digits and signs after serialNumber= (PrintableString)."
            raise ValueError(message)

    @classmethod
    def of(cls, text: str) -> "Attribute":
        """From `CN=Example Root`. Raises ValueError."""
        kind, equals, value = text.partition("=")
        if not equals:
            message = "must be of the form TYPE=VALUE, such as CN=Example Root CA."
            raise ValueError(message)
        return cls(kind.strip(), value.strip())

    def __str__(self) -> str:
        return f"{self.type}={_ESCAPED.sub(lambda sign: chr(92) + sign[0], self.value)}"


@dataclass(frozen=True)
class Constraint:
    """A part of a name space: DNS:example.com (with all below), IP:10.0.0.0/8, email:example.com. Raises ValueError."""

    kind: str
    value: str

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            message = "must begin with DNS:, IP: or email:, such as DNS:example.com."
            raise ValueError(message)
        if self.kind == "IP":
            _check_network(self.value)
        elif self.kind == "DNS":
            _check_domain(self.value)
        else:
            local, at, domain = self.value.rpartition("@")
            if at and not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", local):
                message = "must be a mailbox, a host, or a domain with a dot before it, such as email:.example.com."
                raise ValueError(message)
            _check_domain(domain if at else domain.removeprefix("."))

    @classmethod
    def of(cls, text: str) -> "Constraint":
        """From `DNS:example.com`. Raises ValueError."""
        kind, _, value = text.partition(":")
        return cls(kind, value)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def check_oid(text: str) -> None:
    """Raise ValueError for what is no object identifier of an organisation or a standard (X.660, 6.2.1)."""
    from cryptography.x509 import ObjectIdentifier

    message = "must be an object identifier, such as 1.3.6.1.4.1.99999.1.1."
    if not _OID.fullmatch(text):
        raise ValueError(message)
    try:
        ObjectIdentifier(text)
    except ValueError:
        message += " Below 0 and 1 the second number is 39 at most, and all of it is 63 octets long at most."
        raise ValueError(message) from None


def check_url(text: str) -> None:
    """Raise ValueError for what no client can fetch."""
    if not _URL.fullmatch(text):
        message = "must be a URL that begins with http:// and has no space, such as http://pki.example.com/root.crl."
        raise ValueError(message)


def subject_text(attributes: Iterable[Attribute]) -> str:
    """A subject as people read it, in the certificate's order: `O=Example, CN=Example Root CA`."""
    return ", ".join(map(str, attributes))


def to_name(attributes: Iterable[Attribute]) -> "x509.Name":
    """A distinguished name, one attribute an RDN. Strings are UTF-8 but where RFC 5280 wants another type."""
    from cryptography import x509

    oids = {short: getattr(x509.NameOID, constant) for short, (constant, _) in _TYPES.items()}
    return x509.Name([x509.NameAttribute(oids[each.type], each.value) for each in attributes])


def name_text(name: "x509.Name") -> str:
    """What `subject_text` gives for the attributes of a name; several in one RDN are joined by +."""
    from cryptography.x509.oid import NameOID

    types = {getattr(NameOID, constant): short for short, (constant, _) in _TYPES.items()}

    def text(attribute: "x509.NameAttribute[str | bytes]") -> str:
        short, value = types.get(attribute.oid, attribute.oid.dotted_string), attribute.value
        shown = value if isinstance(value, str) else value.hex()
        return f"{short}={_ESCAPED.sub(lambda sign: chr(92) + sign[0], shown)}"

    return ", ".join("+".join(map(text, rdn)) for rdn in name.rdns)


def to_general_name(constraint: Constraint) -> "x509.GeneralName":
    """A base of a subtree."""
    from cryptography import x509

    if constraint.kind == "IP":
        return x509.IPAddress(ipaddress.ip_network(constraint.value))
    return (x509.DNSName if constraint.kind == "DNS" else x509.RFC822Name)(constraint.value)


def general_name_text(name: "x509.GeneralName") -> str:
    """What a constraint's text is, for a base of a subtree."""
    from cryptography import x509

    kinds = {x509.DNSName: "DNS", x509.RFC822Name: "email", x509.IPAddress: "IP"}
    return f"{kinds.get(type(name), type(name).__name__)}:{name.value}"


def _check_network(value: str) -> None:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        network = None
    if network is None or "/" not in value or str(network) != value:
        message = "must be a network with its length and no bit set beyond that, such as IP:10.0.0.0/8 or IP:fd00::/8."
        raise ValueError(message)


def _check_domain(value: str) -> None:
    if len(value) > _MAX_DNS or not all(map(_LABEL.fullmatch, value.split("."))):
        message = "must name a domain by labels of letters, digits and hyphens; what is below it is meant, too."
        raise ValueError(message)
