"""`escrow recovery-runbook`: RECOVERY.md onto paper."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.terminal.console import say
from escrow.files import NewFiles


@click.command(name="recovery-runbook")
@click.option("--out", required=True, type=options.PATH, metavar="FILE.pdf", help="The PDF to write.")
@options.paper
def command(*, out: Path, **paper: Unpack[options.Paper]) -> None:
    """Print the recovery runbook: what to do when the CA is lost, for a team that has never seen any of this.

    It is the file RECOVERY.md of this program. Keep it on paper where the recovery card is: on the day there may be no
    screen to read it on. It is no secret.
    """
    from ceremony.forms.recovery_runbook import document

    with NewFiles(out.parent, "file") as files:
        files.check_absent([out.name])
        files.write(out.name, document(options.stationery(paper)))
        files.publish()
    say(f"The recovery runbook: {out}")
