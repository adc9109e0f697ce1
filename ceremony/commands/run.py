"""`escrow run`: hold a ceremony."""

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands.holding import hold_at_terminal
from ceremony.planning.plan import Plan, load
from ceremony.run.paper import Tray
from ceremony.terminal import printers
from escrow.paper.sheet import design_of
from escrow.printing import Printer
from escrow.share import Kind


@click.command(name="run")
@click.argument("plan_file", metavar="PLAN", type=options.PATH)
@click.option("--out", "out_directory", required=True, type=options.PATH, metavar="DIR", help="The ceremony's folder.")
@click.option("--scans", type=options.PATH, metavar="DIR", help="Where the scanner's program writes, in memory.")
@options.camera
@click.option("--tray", type=options.PATH, metavar="DIR", help="Specimen only: sheets into a folder, nothing printed.")
@click.option("--rehearsal", type=options.PATH, metavar="DIR", help="Where the last rehearsal of this plan was left.")
@printers.options
@options.password_files
@options.allow_disk
def command(  # noqa: PLR0913 - one parameter an option
    plan_file: Path,
    out_directory: Path,
    scans: Path | None,
    camera: Path | None,
    *,
    tray: Path | None,
    rehearsal: Path | None,
    password_files: tuple[str, ...],
    allow_disk: bool,
    **printing: Unpack[printers.Printing],
) -> int:
    """Hold the ceremony of PLAN, step by step, as its printed script says. Needs a terminal.

    Sheets go to --printer or --device, and come back by --scans or --camera.
    DIR gets public records only: journal, package, certificates, documents, and at the end the signed archive.
    After a crash or a loss of power the same command goes on, from the journal and from paper. After the end it copies
    the archive to the media that the plan names, and may be given again for that. Exit status 0: closed, and copied.
    """
    plan = load(plan_file)
    if plan.follows:
        message = "This plan is held by another command: escrow sign-intermediate, crl, cross-sign, drill, reissue or recovery."
        raise click.UsageError(message)
    return hold_at_terminal(
        plan,
        out_directory,
        scans=scans,
        camera=camera,
        rehearsal=rehearsal,
        password_files=password_files,
        allow_disk=allow_disk,
        printer=printer_of(plan, tray, printing, allow_disk=allow_disk),
    )


def printer_of(
    plan: Plan, tray: Path | None, printing: printers.Printing, *, allow_disk: bool
) -> Callable[[], Printer]:
    """What prints a ceremony's sheets, made when it is needed. Raises UsageError unless one of the three was named."""
    if (tray is None) == (printing["printer"] is None and printing["device"] is None):
        message = "Name one of --printer, --device and --tray."
        raise click.UsageError(message)
    kind = plan.ceremony.kind
    if tray is not None and kind is Kind.PRODUCTION:
        message = "--tray is for specimen ceremonies: production prints on paper."
        raise click.UsageError(message)
    media = design_of(plan.stationery, groups=len(plan.groups) > 1).media
    return lambda: Tray(tray) if tray else printers.printer(printing, media, kind, allow_disk=allow_disk)
