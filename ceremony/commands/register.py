"""`escrow register`: begin a custody register, enter the next set, or a drill."""

from pathlib import Path

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.book import Book
from ceremony.custody.drilled import drilled, is_drill
from ceremony.custody.entering import entered
from ceremony.run.session import SystemClock


@click.command(name="register")
@options.register
@click.argument("archive", type=options.PATH)
def command(register: Path, archive: Path) -> None:
    """Enter the set of a ceremony's ARCHIVE into the custody register in folder REGISTER; begin it if need be.

    Or enter the drill of its ARCHIVE: level, result, time, and the bags that were seen or are new. The archive is
    audited first. A set with a higher epoch supersedes the one before. The register is public but for
    names: 'register.toml' is for people, 'custody.jsonl' is the journal that counts.
    """
    if is_drill(archive):
        fields = drilled(archive)
        with Book(register, SystemClock()) as book:
            book.note("drill", **fields)
            click.echo("\n".join(telling.drilled(book, fields["set_id"])))
        return
    fields = entered(archive)
    with Book(register, SystemClock(), begin=True) as book:
        book.note("enter", **fields)
        click.echo("\n".join(telling.entered(book)))
