"""What the printing system keeps of a job: the spool, which must be memory, and the history, which must be off."""

import re

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError
from escrow.printing.configuration import DIRECTORY, FILES, SCHEDULER, SPOOL, spool_of, value_of

_FILES, _SCHEDULER = str(DIRECTORY / FILES), str(DIRECTORY / SCHEDULER)
_OFF = {"no", "off", "false", "disabled", "0"}


@check(
    "print-spool",
    requirement="Print jobs are spooled to memory.",
    measured=f"RequestRoot and TempDir in {_FILES}, /proc/self/mountinfo",
    remedy=f"As root: mount -t tmpfs tmpfs {SPOOL}; then start CUPS again.",
)
def print_spool(machine: Machine) -> Finding:
    """Both directories lie below the spool unless the file says otherwise."""
    text = machine.read(_FILES)
    if not re.search(r"^\s*#?\s*(?:RequestRoot|SystemGroup|LogFileGroup)\b", text, re.MULTILINE):
        message = f"{_FILES} is not understood"
        raise UnreadableError(message)
    places = [str(place) for place in spool_of(text)]
    kinds = [machine.holder(place) for place in places]
    value = listed([f"{place} on {mount.kind}" for place, mount in zip(places, kinds, strict=True)])
    return passed(value) if all(mount.in_memory for mount in kinds) else failed(value)


@check(
    "print-history",
    requirement="The printing system keeps no document that was printed, and says of each whether it was.",
    measured=f"PreserveJobFiles and PreserveJobHistory in {_SCHEDULER}",
    remedy=f"Write PreserveJobFiles No and PreserveJobHistory Yes into {_SCHEDULER}, as root; then start CUPS again. "
    "The program removes each of its jobs from the history itself.",
)
def print_history(machine: Machine) -> Finding:
    """Without a word CUPS keeps the history for ever and the files for a day (cupsd.conf(5)).

    Without a history nobody can tell a printed sheet from a lost one: `escrow.printing.queue` needs it.
    """
    text = machine.read(_SCHEDULER)
    files, history = (value_of(text, name) or "not set" for name in ("PreserveJobFiles", "PreserveJobHistory"))
    value = f"PreserveJobFiles: {files}, PreserveJobHistory: {history}"
    return passed(value) if files.lower() in _OFF and history.lower() not in _OFF else failed(value)
