"""What the files of CUPS say: cupsd.conf(5), cups-files.conf(5); and which devices are at the end of a cable."""

import re
from collections.abc import Iterator
from pathlib import Path

DIRECTORY = Path("/etc/cups")
SCHEDULER, FILES = "cupsd.conf", "cups-files.conf"
SPOOL = Path("/var/spool/cups")
"""Where documents lie while they are printed, unless cups-files.conf says otherwise."""

# The backends that speak to a cable: CUPS's own, HP's and Gutenprint's. A file counts if it is the device itself.
_CABLE = re.compile(
    r"(usb|parallel|serial|gutenprint\d+\+usb):.*|hp:/(usb|par)/.*|file:(//)?/dev/(usb/)?lp\d+(\?.*)?", re.DOTALL
)


def is_cable(uri: str) -> bool:
    """Whether the device with this URI is at the end of a cable of this machine. A printer on a network is not."""
    return _CABLE.fullmatch(uri) is not None


def values_of(text: str, name: str) -> list[str]:
    """The values of a directive, in order. Letter case of its name does not matter."""
    return [value for found, value in _directives(text) if found.lower() == name.lower()]


def value_of(text: str, name: str) -> str:
    """The value of a directive that counts: the last; empty if there is none."""
    return next(reversed(values_of(text, name)), "")


def spool_of(files: str) -> tuple[Path, Path]:
    """Where documents that are printed lie, and where filters put what they need, by the text of cups-files.conf."""
    spool = Path(value_of(files, "RequestRoot") or SPOOL)
    return spool, Path(value_of(files, "TempDir") or spool / "tmp")


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each directive outside of sections such as <Location />, as `cupsFileGetConf` reads them."""
    within = False
    for line in text.splitlines():
        words = re.sub(r"(?<!\\)#.*", "", line).split(None, 1)
        if words and words[0].startswith("<"):
            within = not words[0].startswith("</")
        elif len(words) > 1 and not within:
            yield words[0], words[1].strip()
