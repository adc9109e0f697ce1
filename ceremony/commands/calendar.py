"""`escrow calendar`: a plan's dates for everybody's calendar."""

from pathlib import Path

import click

from ceremony import options
from ceremony.planning.calendar import calendar
from ceremony.planning.plan import load
from ceremony.terminal.console import say
from escrow.files import NewFiles


@click.command(name="calendar")
@click.argument("plan", type=options.PATH)
@click.option("--out", type=options.PATH, metavar="FILE.ics", help="Write to a new file, not to standard output.")
def command(plan: Path, out: Path | None) -> None:
    """Make a calendar of PLAN: ceremony, rehearsal, standby day, yearly attestations and drills, end of retention.

    Times are local to the ceremony's place. A discreet plan's calendar names nobody. The same plan gives the same
    calendar; a changed plan's entries are new ones: delete the old.
    """
    made = calendar(load(plan))
    if out is None:
        click.echo(made, nl=False)
        return
    with NewFiles(out.parent, "file") as files:
        files.write(out.name, made)
        files.publish()
    say(f"The calendar: {out}")
