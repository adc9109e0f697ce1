"""`escrow reissue`: one lost share is made again."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands.holding import hold_at_terminal
from ceremony.commands.run import printer_of
from ceremony.custody.drilled import noted
from ceremony.custody.reissued import require_lost
from ceremony.planning.plan import load
from ceremony.run import before
from ceremony.terminal import printers


@click.command(name="reissue")
@click.argument("plan_file", metavar="PLAN", type=options.PATH)
@click.option("--archive", required=True, type=options.PATH, metavar="DIR", help="The archive that PLAN follows.")
@click.option(
    "--register", type=options.PATH, metavar="REGISTER", help="Refuse what this custody register contradicts."
)
@click.option("--out", "out_directory", required=True, type=options.PATH, metavar="DIR", help="Its own folder.")
@click.option("--scans", type=options.PATH, metavar="DIR", help="Where the scanner's program writes, in memory.")
@options.camera
@click.option("--tray", type=options.PATH, metavar="DIR", help="Specimen only: sheets into a folder, nothing printed.")
@click.option("--rehearsal", type=options.PATH, metavar="DIR", help="Where the last rehearsal of PLAN was left.")
@printers.options
@options.allow_disk
def command(  # noqa: PLR0913 - one parameter an option
    *,
    plan_file: Path,
    archive: Path,
    register: Path | None,
    out_directory: Path,
    scans: Path | None,
    camera: Path | None,
    tray: Path | None,
    rehearsal: Path | None,
    allow_disk: bool,
    **printing: Unpack[printers.Printing],
) -> int:
    """Make the one lost share of PLAN again, from sheets of its group, as many as the threshold.

    The share is the very same, at its own index: the key of the package is not formed, no package is opened, the set
    stays what it is. The new sheet is printed, read back and bagged for the custodian whom PLAN names; the sheets that
    were read go into new bags. THE WRONG THING for a sheet that somebody may have seen: that one stays valid, and only
    a new set ends it. After a crash the same command goes on; a sheet of which nobody knows whether it came out is
    shredded first. 'escrow register' enters the archive. Exit status 0: closed, and copied.
    """
    plan = load(plan_file)
    if not plan.reissue:
        message = f"{plan_file} has no [reissue]: it is no plan of a reissue. See 'escrow init --for reissue'."
        raise click.UsageError(message)
    last = before.examined(plan, plan.reissue.before, archive, None)
    if register:
        require_lost(plan, plan.reissue, last.manifest, register)
        last = noted(last, register)
    return hold_at_terminal(
        plan,
        out_directory,
        scans=scans,
        camera=camera,
        rehearsal=rehearsal,
        password_files=(),
        allow_disk=allow_disk,
        printer=printer_of(plan, tray, printing, allow_disk=allow_disk),
        before=last,
    )
