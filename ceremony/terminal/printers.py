"""Printing sheets: which printer was asked for, and the person beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import click

from ceremony.options import PATH
from ceremony.terminal.console import Progress, ask, has_terminal, say
from escrow.errors import RefusedError
from escrow.printing import Device, Printer, Printouts, Queue
from escrow.printing.configuration import DIRECTORY
from escrow.printing.cups import Cups
from escrow.share import Kind


class Printing(TypedDict):
    """The values of the options."""

    printer: str | None
    device: Path | None
    cups: Path
    allow_network_printer: bool


class Attended(Printing):
    """The same, where the person beside the printer is asked about each sheet."""

    no_pause: bool


def pause(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that prints without a pause."""
    text = "Print sheet after sheet without asking anybody to take it."
    return click.option("--no-pause", is_flag=True, help=text)(command)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where sheets are printed."""
    for option in (
        click.option("--allow-network-printer", is_flag=True, help="Print also where no cable of this machine leads."),
        click.option(
            "--cups",
            type=PATH,
            default=DIRECTORY,
            show_default=True,
            metavar="DIR",
            help="Where cupsd.conf and cups-files.conf of this machine's CUPS are.",
        ),
        click.option(
            "--device", type=PATH, metavar="DEVICE", help="Write the sheets to a PDF printer, such as /dev/usb/lp0."
        ),
        click.option("--printer", metavar="NAME", help="Print the sheets by CUPS, one at a time. No file is written."),
    ):
        command = option(command)
    return command


def printouts(printing: Attended, media: str, kind: Kind, *, allow_disk: bool) -> Printouts | None:
    """What prints the sheets; nothing if they are to be files. Raises UsageError, RefusedError."""
    if printing["printer"] is None and printing["device"] is None:
        if printing["no_pause"] or printing["allow_network_printer"]:
            message = "--no-pause and --allow-network-printer belong to --printer or --device."
            raise click.UsageError(message)
        return None
    made = printer(printing, media, kind, allow_disk=allow_disk)
    if not (printing["no_pause"] or has_terminal()):
        message = "There is no terminal to ask at for each sheet: give --no-pause, and stand beside the printer."
        raise click.UsageError(message)
    attend = _Attendant(pause=not printing["no_pause"])
    return Printouts(made, attend)


def printer(printing: Printing, media: str, kind: Kind, *, allow_disk: bool) -> Printer:
    """The printer that was named. Raises UsageError unless it is exactly one, RefusedError."""
    name, device = printing["printer"], printing["device"]
    if (name is None) == (device is None):
        message = "Name a --printer or a --device: one of the two."
        raise click.UsageError(message)
    if device is not None:
        return Device(device)
    cups = Cups(printing["cups"])
    _check_spool(cups, kind, allow_disk=allow_disk)
    return Queue(cups, str(name), media, network_allowed=printing["allow_network_printer"])


def _check_spool(cups: Cups, kind: Kind, *, allow_disk: bool) -> None:
    if allow_disk:
        return
    try:
        cups.check_spool()
    except RefusedError as error:
        if kind is Kind.PRODUCTION:
            message = f"{error}\nOr give --allow-disk if you know that this is what you want."
            raise RefusedError(message) from None
        say(f"SPECIMEN material where production would refuse:\n  {error}")


class _Attendant:
    """Asks the person beside the printer about each sheet."""

    def __init__(self, *, pause: bool) -> None:
        self._pause = pause

    def __call__(self, label: str, problem: str | None) -> bool:
        """Whether to print the sheet again. After a problem, without a terminal, never."""
        if problem is not None:
            if not has_terminal():
                return False
            Progress.make_room()
            say(f"{label} is spoilt: {problem}\nDestroy what came out of the printer.")
            return _choose("Press Enter to print it again, or type 'stop' to give up: ", {"": True, "stop": False})
        if not self._pause:
            return False
        question = f"{label}: take your sheet, press Enter ('print' if it is spoilt): "
        spoilt = _choose(question, {"": False, "print": True})
        if spoilt:
            say("Destroy the bad one.")
        return spoilt


def _choose(question: str, answers: dict[str, bool]) -> bool:
    while (answer := ask(question).lower()) not in answers:
        say(f"'{answer}' is not one of the answers.")
    return answers[answer]
