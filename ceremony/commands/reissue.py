"""`escrow reissue`: one lost share is made again."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands import holding
from ceremony.custody.drilled import noted
from ceremony.custody.reissued import require_lost
from ceremony.planning.plan import load
from ceremony.run import before


@click.command(name="reissue")
@holding.common
@click.option("--archive", required=True, type=options.PATH, metavar="DIR", help="The archive that PLAN follows.")
@holding.printing
@options.noting
def command(
    *,
    plan_file: Path,
    out_directory: Path,
    archive: Path,
    register: Path | None,
    **given: Unpack[holding.Printed],
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
    return holding.hold_printing(plan, out_directory, given, before=last)
