"""`escrow templates`: our templates, for an organisation to change."""

from pathlib import Path

import click

from ceremony import options
from ceremony.terminal.console import say
from escrow.files import NewFiles
from escrow.paper import source


@click.command(name="templates")
@click.option("--out", required=True, type=options.PATH, metavar="DIR", help="Where the templates are written.")
def command(out: Path) -> None:
    """Copy the templates of all documents, and a README that says how to change words, places, sizes and logo.

    Change what you like, remove what you leave as it is, and give DIR to other commands with --templates.
    """
    with NewFiles(out) as files:
        for path in sorted([*source.directory().glob("*.toml"), source.directory() / "README.md"]):
            files.write(path.name, path.read_bytes())
        files.publish()
    say(f"The templates, for you to change: {out}. Try them with 'escrow documents PACKAGE --templates {out} ...'.")
