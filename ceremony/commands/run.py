"""`escrow run`: hold a ceremony."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands import holding
from ceremony.planning.plan import load


@click.command(name="run")
@holding.common
@holding.printing
@options.password_files
def command(
    plan_file: Path,
    out_directory: Path,
    *,
    password_files: tuple[str, ...],
    **given: Unpack[holding.Printed],
) -> int:
    """Hold the ceremony of PLAN, step by step, as its printed script says. Needs a terminal.

    Sheets go to --printer or --device, and come back by --scans or --camera.
    DIR gets public records only: journal, package, certificates, documents, and at the end the signed archive.
    After a crash or a loss of power the same command goes on, from the journal and from paper. After the end it copies
    the archive to the media that the plan names, and may be given again for that. Exit status 0: closed, and copied.
    """
    plan = load(plan_file)
    if plan.follows:
        message = (
            "This plan is held by another command: escrow sign-intermediate, crl, cross-sign, drill, reissue, refresh "
            "or recovery."
        )
        raise click.UsageError(message)
    return holding.hold_printing(plan, out_directory, given, password_files)
