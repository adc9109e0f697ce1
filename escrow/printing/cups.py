"""The CUPS of this machine, asked by IPP (RFC 8011): what it knows of printers and jobs, and how to purge a job.

By `ipptool`, because `lpstat` does not tell the state of a job, and `cancel -x` of CUPS 2.4 purges nothing: it
sends "purge-jobs" where Cancel-Job reads "purge-job".
"""

import csv
import io
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from escrow.errors import RefusedError, SpoolError
from escrow.files import is_memory_backed
from escrow.printing.configuration import FILES, SCHEDULER, spool_of, values_of

ANSWER_WITHIN = 30.0
"""Seconds for what needs no paper."""
PURGED_WITHIN = 60.0
"""Seconds; cupsd gives what prints a job 30 to end (JobKillDelay) before it kills it."""
POLL = 0.1
"""Seconds from one look at CUPS to the next."""

_PACKAGES = {"lp": "cups-client", "ipptool": "cups-ipp-utils"}


def start(command: Sequence[str], *, output: int) -> "subprocess.Popen[bytes]":
    """Start a program that reads a pipe. It inherits its pipes, and nothing else of this process."""
    return subprocess.Popen(  # noqa: S603 - a program of CUPS by its full path, without a shell
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": os.defpath, "HOME": "/nonexistent"},  # nobody's lpoptions, no CUPS_SERVER
        cwd="/",
        start_new_session=True,  # a signal from the terminal is for our process to answer
    )


class Cups:
    """The CUPS whose cupsd.conf and cups-files.conf are in a directory. Raises RefusedError if it is not there."""

    def __init__(self, configuration: Path) -> None:
        self.socket = _socket(configuration / SCHEDULER)
        self.spool = _spool(configuration / FILES)

    def check_spool(self) -> None:
        """Raise RefusedError if documents that are being printed lie on a disk."""
        for directory in self.spool:
            if not is_memory_backed(directory):
                message = (
                    f"CUPS keeps what it prints in {directory}, which is on a disk, and a sheet may be read from a "
                    f"disk long after deletion. As root: mount -t tmpfs tmpfs {directory} && systemctl restart cups"
                )
                raise RefusedError(message)

    def printer(self, name: str) -> dict[str, str]:
        """The state of a printer by attributes; nothing if there is none of this name."""
        shown = (
            *("device-uri", "printer-state", "printer-state-message", "printer-state-reasons"),
            *("printer-is-accepting-jobs", "queued-job-count"),
        )
        found = self._ask("Get-Printer-Attributes", _printer_uri(name), *(f"DISPLAY {key}" for key in shown))
        return found[0] if found else {}

    def job(self, number: str) -> dict[str, str]:
        """The state of a job by attributes; nothing if there is none of this number."""
        shown = ("job-id", "job-state", "job-printer-state-message")
        found = self._ask("Get-Job-Attributes", _job_uri(number), *(f"DISPLAY {key}" for key in shown))
        return found[0] if found else {}

    def own_jobs(self, printer: str) -> list[str]:
        """The numbers of this account's jobs at a printer that have not ended."""
        wanted = ("ATTR boolean my-jobs true", "ATTR keyword requested-attributes job-id", "DISPLAY job-id")
        return [found["job-id"] for found in self._ask("Get-Jobs", _printer_uri(printer), *wanted)]

    def purge(self, numbers: Sequence[str]) -> None:
        """End jobs and remove their documents and history; some may be gone already. Raises SpoolError if one stays."""
        deadline = time.monotonic() + PURGED_WITHIN
        while left := [number for number in numbers if self.job(number)]:
            if time.monotonic() > deadline:
                message = f"job {', '.join(left)} is still there."
                raise SpoolError(message)
            for number in left:  # again and again: one that is being printed is only cancelled the first time
                self._ask("Cancel-Job", _job_uri(number), "ATTR boolean purge-job true")
            time.sleep(POLL)

    def _ask(self, operation: str, target: str, *lines: str) -> list[dict[str, str]]:
        """Make one request; return what is to be displayed of each printer or job in the answer."""
        head = ("ATTR charset attributes-charset utf-8", "ATTR language attributes-natural-language en")
        user = "ATTR name requesting-user-name $user"
        request = ("{", f"OPERATION {operation}", "GROUP operation-attributes-tag", *head, target, user, *lines, "}")
        # The socket and no name of a host: never another machine's CUPS, whatever client.conf says.
        command = [find("ipptool"), "-c", f"ipp://{quote(str(self.socket), safe='')}/", "/dev/stdin"]
        with start(command, output=subprocess.PIPE) as ipptool:
            try:
                out, words = ipptool.communicate("\n".join(request).encode(), timeout=ANSWER_WITHIN)
            except subprocess.TimeoutExpired:
                ipptool.kill()
                out, words = b"", b"timeout"
            except BaseException:
                ipptool.kill()
                raise
        if ipptool.returncode and words:  # without words it is CUPS that says no, and that shows
            message = f"CUPS does not answer at {self.socket}: start it, as root: systemctl start cups"
            raise RefusedError(message)
        return list(csv.DictReader(io.StringIO(out.decode(errors="replace"))))


def find(program: str) -> str:
    """Where a program of CUPS is. Raises RefusedError, naming its package."""
    found = shutil.which(program, path=os.defpath)
    if not found:
        message = f"The program {program} is missing: on Debian and Ubuntu, apt install {_PACKAGES[program]}"
        raise RefusedError(message)
    return found


def _printer_uri(name: str) -> str:
    return f"ATTR uri printer-uri ipp://localhost/printers/{quote(name, safe='')}"


def _job_uri(number: str) -> str:
    return f"ATTR uri job-uri ipp://localhost/jobs/{number}"


def _socket(file: Path) -> Path:
    found = [value for value in values_of(_read(file), "Listen") if value.startswith("/")]
    if not found:
        message = f"CUPS listens at no local socket: {file} lacks a line such as 'Listen /run/cups/cups.sock'."
        raise RefusedError(message)
    return Path(found[0])


def _spool(file: Path) -> tuple[Path, ...]:
    spool, temporary = spool_of(_read(file))
    return (spool,) if temporary.is_relative_to(spool) else (spool, temporary)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError as error:
        message = (
            f"The configuration of CUPS cannot be read ({file}: {error.strerror}), so nobody knows where it keeps what "
            "it prints. Is CUPS installed, and are you root?"
        )
        raise RefusedError(message) from None
