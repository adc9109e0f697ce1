"""`escrow register`: begin a custody register, or enter the next set."""

from pathlib import Path

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.book import Book
from ceremony.custody.entering import entered
from ceremony.run.session import SystemClock


@click.command(name="register")
@options.register
@click.argument("archive", type=options.PATH)
def command(register: Path, archive: Path) -> None:
    """Enter the set of a ceremony's ARCHIVE into the custody register in folder REGISTER; begin it if need be.

    The archive is audited first. A set with a higher epoch supersedes the one before. The register is public but for
    names: 'register.toml' is for people, 'custody.jsonl' is the journal that counts.
    """
    fields = entered(archive)
    with Book(register, SystemClock(), begin=True) as book:
        book.note("enter", **fields)
        click.echo("\n".join(telling.entered(book)))
