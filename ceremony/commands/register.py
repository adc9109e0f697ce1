"""`escrow register`: begin a custody register, or enter what came after."""

from pathlib import Path

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.book import Book
from ceremony.custody.taking import ENTER, taken
from ceremony.run.session import SystemClock


@click.command(name="register")
@options.register
@click.argument("archive", type=options.PATH)
def command(register: Path, archive: Path) -> None:
    """Enter the ARCHIVE of any ceremony into the custody register in folder REGISTER; a set's begins it if need be.

    Of a set: who got which share, in which bag; one with a higher epoch supersedes the one before. Of a session: the
    new bags, the dates on which its certificate or CRL ends. Of a drill: level, result, time, and the bags that were
    seen or are new. The archive is audited first, and entered once, in the order in which ceremonies were held. The
    register is public but for names: 'register.toml' is for people, 'custody.jsonl' is the journal that counts.
    """
    event, fields = taken(archive)
    with Book(register, SystemClock(), begin=event == ENTER) as book:
        book.note(event, **fields)
        click.echo("\n".join(telling.taken(book, event, fields)))
