"""`escrow version`: which program this is, and whether it is as it was installed."""

import click

from ceremony import spoken
from ceremony.bundle import installed
from escrow import __version__
from escrow.errors import UsageError


@click.command(name="version")
@click.option("--self-check", is_flag=True, help="Compare everything that is installed with the bundle's manifest.")
def command(*, self_check: bool) -> None:
    """Show the version; with --self-check, compare every installed file with the bundle that it came from.

    Dependencies are compared too. Shows the words of the bundle's manifest, which stand on the printed script. A
    program that somebody changed could claim anything: what proves more is in LAPTOP.md. Exit status 1: a file differs.
    """
    click.echo(f"escrow {__version__}")
    if not self_check:
        return
    home = installed.home()
    if not home:
        message = (
            "This program was not installed from a bundle: there is no manifest to compare it with. 'escrow bundle' "
            "makes one."
        )
        raise UsageError(message)
    digest, count = installed.check(home)
    click.echo(f"{count} files are as the bundle had them. The bundle's words:")
    for row in spoken.rows_of(spoken.words_of(digest)):
        click.echo(f"  {row}")
