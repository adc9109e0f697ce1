"""`escrow report`: a sheet or a copy was lost, found, seen by somebody, or read back."""

import datetime as dt
from pathlib import Path

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.attesting import copy_named, position_named
from ceremony.custody.book import Book
from ceremony.custody.register import Status
from ceremony.rules.steps import key_of
from ceremony.run.session import SystemClock
from escrow.errors import UsageError

_OF_SHARES = {"lost": Status.LOST, "found": Status.HELD, "exposed": Status.EXPOSED}
_OF_COPIES = {"lost": Status.LOST, "found": Status.HELD, "read": Status.HELD}


@click.command(name="report")
@options.register
@click.argument("what")
@click.argument("happened", type=click.Choice(["lost", "found", "exposed", "read"]))
@click.option("--reason", required=True, metavar="TEXT", help="What happened, in a line.")
@click.option("--bag", default="", metavar="NUMBER", help="Of a share that was found: the number on the closed bag.")
@options.on
def command(  # noqa: PLR0913, PLR0917 - what happened, to what
    register: Path, what: str, happened: str, reason: str, bag: str, day: dt.date | None
) -> None:
    """Note in REGISTER what happened to WHAT: a share ("2", "1-2"), or a copy ("copy-1").

    lost: nobody knows where it is. found: it is there again, in its closed bag. exposed: somebody saw the sheet who is
    not its custodian, or the bag was opened when it should not have been: that stays so. A bag that was opened for a
    recovery is not this: note its new bag with 'escrow hand-over' to the same custodian. What a session or a drill
    opened, 'escrow register' enters from its archive.
    read: a copy was read back, byte for byte.
    """
    on = (day or options.today()).isoformat()
    with Book(register, SystemClock()) as book:
        set_id = book.current.set_id.hex()
        copy = copy_named(book.current, what)
        known = _OF_COPIES if copy else _OF_SHARES
        if happened not in known:
            message = f"{'A copy' if copy else 'A share'} is not {happened}: say {', '.join(known)}."
            raise UsageError(message)
        status = known[happened].value
        if copy:
            book.note("copy", set_id=set_id, copy=copy, status=status, reason=reason, on=on)
            click.echo(f"Copy {copy} of the {book.current.copies[copy - 1].of}: {happened}, noted.")
        else:
            position = position_named(book.current, what)
            if status == Status.HELD.value and not bag:
                message = "Give --bag: the number on the closed bag. If it is open, or another one, report it exposed."
                raise UsageError(message)
            book.note("report", set_id=set_id, share=key_of(position), status=status, reason=reason, bag=bag, on=on)
            click.echo("\n".join(telling.reported(book, position)))
        click.echo("\n".join(telling.head(book)))
