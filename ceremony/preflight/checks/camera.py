"""A camera or a scanner reads the sheets back."""

from ceremony.preflight.finding import Finding, Status, check, listed, passed, warned
from ceremony.preflight.machine import Machine


@check(
    "camera",
    requirement="A camera or a scanner is there to read sheets back.",
    measured="/dev/video*",
    remedy="Connect a camera; or scan the sheets and hand in the files: every command reads PDF and pictures.",
    unreadable=Status.WARN,
)
def camera(machine: Machine) -> Finding:
    """Files do as well, so this only warns."""
    found = [name for name in machine.names("/dev") if name.startswith("video") and name[5:].isdigit()]
    return passed(listed(found)) if found else warned("none: pages are read from files")
