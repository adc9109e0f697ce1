"""Exactly one printer, and it hangs on a cable."""

import re

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError
from escrow.printing.configuration import is_cable

_LINE = re.compile(r"device for (\S+): (\S+)")


@check(
    "printer",
    requirement="There is exactly one printer, and it is connected by cable.",
    measured="lpstat -v",
    remedy="Connect the printer by USB, start CUPS, remove all other printers: lpadmin -x NAME",
)
def printer(machine: Machine) -> Finding:
    """A printer that CUPS finds on a network, or that is a program, is one too many."""
    lines = [line for line in machine.execute(["lpstat", "-v"]).split("\n") if line.strip()]
    found = [_LINE.fullmatch(line.strip()) for line in lines]
    if None in found:
        message = "what lpstat says is not understood"
        raise UnreadableError(message)
    # What follows a question mark may be a serial number: nobody needs it.
    queues = {match[1]: match[2].partition("?")[0] for match in found if match}
    shown = listed([f"{name} ({uri})" for name, uri in queues.items()])
    if len(queues) != 1 or not all(map(is_cable, queues.values())):
        return failed(shown)
    return passed(shown)
