"""What an online CA is to be: plain data, checked. Nothing here needs a library."""

import re
from dataclasses import dataclass

from escrow.errors import TreeError

DEFAULT_ADDRESS, DEFAULT_PLACE, DEFAULT_PROVISIONER = ":443", "/etc/step-ca", "admin"

_NAME = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):(\d{1,5})")
_PLACE = re.compile(r"(/[A-Za-z0-9._@+-]+)+")
_PROVISIONER = re.compile(r"[A-Za-z0-9._@+-]{1,60}")
_MAX_PLACE = 60
_PORTS = 65535
_USUAL_PORT = 443


@dataclass(frozen=True)
class Settings:
    """How step-ca will run: the names it answers to, where it listens, where its tree will lie on its machine.

    `provisioner` is the name of the one that works with a password. Raises TreeError for what step-ca could not use.
    """

    dns: tuple[str, ...]
    address: str = DEFAULT_ADDRESS
    place: str = DEFAULT_PLACE
    provisioner: str = DEFAULT_PROVISIONER
    acme: bool = True

    def __post_init__(self) -> None:
        if not self.dns:
            message = "An online CA answers to a name: give at least one."
            raise TreeError(message)
        for name in self.dns:
            check_name(name)
        check_address(self.address)
        check_place(self.place)
        check_provisioner(self.provisioner)

    @property
    def url(self) -> str:
        """Where clients find it: by its first name."""
        port = int(self.address.rpartition(":")[2])
        host = f"[{self.dns[0]}]" if ":" in self.dns[0] else self.dns[0]
        return f"https://{host}" + (f":{port}" if port != _USUAL_PORT else "")


def check_name(text: str) -> None:
    """Raise TreeError for what is no DNS name or IP address."""
    if not _NAME.fullmatch(text):
        message = "must be a DNS name or an IP address, such as ca.example.com."
        raise TreeError(message)


def check_address(text: str) -> None:
    """Raise TreeError for what step-ca cannot listen on."""
    match = _ADDRESS.fullmatch(text)
    if not match or not 0 < int(match[1]) <= _PORTS:
        message = "must be a host and a port, such as :443 or 10.0.0.5:8443."
        raise TreeError(message)


def check_place(text: str) -> None:
    """Raise TreeError for what is no whole path of plain characters."""
    if not _PLACE.fullmatch(text) or len(text) > _MAX_PLACE or "/../" in f"{text}/" or "/./" in f"{text}/":
        message = f"must be a whole path of at most {_MAX_PLACE} plain characters, such as /etc/step-ca."
        raise TreeError(message)


def check_provisioner(text: str) -> None:
    """Raise TreeError for a name that would have to be quoted on a command line."""
    if not _PROVISIONER.fullmatch(text):
        message = "must be letters, digits and . _ @ + -, such as admin."
        raise TreeError(message)
