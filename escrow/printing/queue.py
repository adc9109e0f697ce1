"""A printer by its name in CUPS: one job at a time, watched to its end and purged, however it ends."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from escrow.errors import EscrowError, FileError, PrintError, RefusedError, SpoolError
from escrow.memory import LastWill, signals_held
from escrow.printing.configuration import is_cable
from escrow.printing.cups import ANSWER_WITHIN, POLL, Cups, find, start
from escrow.printing.destination import SHEET, Write

PATIENCE = 300.0
"""Seconds for one sheet: time enough to put paper in."""

_OPTIONS = (
    "print-scaling=none",
    "fit-to-page=false",
    "number-up=1",
    "sides=one-sided",
    "job-sheets=none,none",  # no banner page
    "job-hold-until=no-hold",
)


class Queue:
    """A print queue of the CUPS of this machine. Behind a network only if that is allowed."""

    def __init__(
        self, cups: Cups, name: str, media: str, *, network_allowed: bool = False, patience: float = PATIENCE
    ) -> None:
        self._cups = cups
        self._name = name
        self._media = media
        self._network_allowed = network_allowed
        self._patience = patience

    def check(self) -> None:
        """Raise RefusedError unless the printer is there, on a cable, ready, and no job waits for it."""
        find("lp")
        name, printer = self._name, self._cups.printer(self._name)
        if not printer:
            message = f"CUPS knows no printer {name}: 'lpstat -e' lists those it knows."
            raise RefusedError(message)
        scheme = printer["device-uri"].partition(":")[0]
        if not (self._network_allowed or is_cable(printer["device-uri"])):
            message = (
                f"{name} is reached by '{scheme}', not by a cable of this machine (usb, parallel, serial), and what is "
                "between may keep the sheets. Use a printer with a cable, or allow the network explicitly."
            )
            raise RefusedError(message)
        if printer["printer-is-accepting-jobs"] != "true":
            message = f"{name} accepts no jobs{_words(printer)}. See why, then, as root: cupsaccept {name}"
            raise RefusedError(message)
        if printer["printer-state"] == "stopped":
            message = f"{name} is stopped{_words(printer)}. Mend it, then, as root: cupsenable {name}"
            raise RefusedError(message)
        if printer["queued-job-count"] != "0":
            message = f"Other jobs wait for {name}. Let them be printed, or remove them: cancel -a {name}"
            raise RefusedError(message)

    def print(self, write: Write, title: str = SHEET, media: str | None = None) -> None:
        """Print what `write` writes. Raises PrintError with the printer's reason; SpoolError if the job stays."""
        jobs: list[str] = []
        with ExitStack() as undo:
            will = LastWill(self._cups.purge)  # killed, this process could not take its job back
            undo.callback(will.revoke)
            undo.callback(self._take_back, jobs)
            self._send(write, ["-t", title, "-o", f"media={media or self._media}"], jobs, will)
            self._wait(jobs[0])

    def _send(self, write: Write, job: Sequence[str], jobs: list[str], will: LastWill) -> None:
        """Start `lp`, learn the number of its job while there is nothing in it, then have the document written."""
        options = [part for option in _OPTIONS for part in ("-o", option)]
        command = [find("lp"), "-h", str(self._cups.socket), "-d", self._name, *job, "-n", "1", *options]
        with start(command, output=subprocess.DEVNULL) as lp:
            try:
                jobs.append(self._made_by(lp))
                will.add(jobs[0])
                broken = _write_into(lp, write)
                words = lp.communicate(timeout=self._patience)[1].decode(errors="replace").strip()
            except subprocess.TimeoutExpired:
                lp.kill()
                words = broken = f"not within {self._patience:.0f} seconds."
            except BaseException:
                lp.kill()  # before it takes the end of the pipe for the end of the document
                raise
        if broken or lp.returncode:
            message = f"CUPS did not take the sheet: {words or broken}"
            raise PrintError(message)

    def _made_by(self, lp: "subprocess.Popen[bytes]") -> str:
        """The number of the job that `lp` makes before it reads its document. There was none when we checked."""
        deadline = time.monotonic() + ANSWER_WITHIN
        while not (jobs := self._cups.own_jobs(self._name)):
            if lp.poll() is not None or time.monotonic() > deadline:
                lp.kill()
                words = lp.communicate()[1].decode(errors="replace").strip()
                message = f"CUPS did not take the sheet: {words or 'no answer.'}"
                raise PrintError(message)
            time.sleep(POLL)
        if len(jobs) > 1:
            message = f"Another job came to {self._name} at the same moment: let nobody else print until this is done."
            raise PrintError(message)
        return jobs[0]

    def _wait(self, number: str) -> None:
        """Wait until the job is completed (RFC 8011, section 5.3.7). Raises PrintError if it never will be."""
        deadline = time.monotonic() + self._patience
        while (job := self._cups.job(number)).get("job-state") != "completed":
            printer = self._cups.printer(self._name)
            if not job:
                message = (
                    "CUPS has forgotten the job, so nobody knows whether all of it was printed. Somebody removed it, "
                    "or cupsd.conf lacks 'PreserveJobHistory Yes'."
                )
                raise PrintError(message)
            if job["job-state"] not in {"pending", "processing"}:
                message = f"the job is {job['job-state']}{_words(job, printer)}."
                raise PrintError(message)
            if printer.get("printer-state") == "stopped":
                message = f"{self._name} stopped{_words(printer)}. Mend it, then, as root: cupsenable {self._name}"
                raise PrintError(message)
            if time.monotonic() > deadline:
                message = f"{self._name} has not done it within {self._patience:.0f} seconds{_words(printer)}."
                raise PrintError(message)
            time.sleep(POLL)

    def _take_back(self, jobs: Sequence[str]) -> None:
        """Purge the job: its document, its history, and what is still being printed of it."""
        try:
            with signals_held():
                self._cups.purge([*jobs] or self._cups.own_jobs(self._name))
        except EscrowError as error:
            message = (
                f"CUPS may keep a copy of the sheet, because its job could not be purged: {error} Stop CUPS, and "
                f"destroy what is in {self._cups.spool[0]}."
            )
            raise SpoolError(message) from None


def _write_into(lp: "subprocess.Popen[bytes]", write: Write) -> str:
    """Have the document written; return what went wrong with the pipe, which `lp` itself explains better."""
    try:
        write(cast("IO[bytes]", lp.stdin).fileno(), Path("lp"))
    except FileError as error:
        return str(error)
    return ""


def _words(*said: Mapping[str, str]) -> str:
    """What a printer says about itself, in brackets."""
    keys = ("job-printer-state-message", "printer-state-message", "printer-state-reasons")
    words = dict.fromkeys(one[key] for one in said for key in keys if one.get(key) not in {None, "", "none"})
    return f" ({', '.join(words)})" if words else ""
