"""`escrow hand-over`: a share passes to another custodian."""

import datetime as dt
from pathlib import Path

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.attesting import position_named
from ceremony.custody.book import Book
from ceremony.rules.steps import key_of
from ceremony.run.session import SystemClock


@click.command(name="hand-over")
@options.register
@click.argument("share")
@click.option("--to", "name", required=True, metavar="NAME", help="Who keeps it from now on.")
@click.option("--manager", required=True, metavar="NAME", help="Who could order that person to hand it over.")
@click.option("--unit", required=True, metavar="TEXT", help="Of which unit that person is.")
@click.option("--site", required=True, metavar="TEXT", help="Where the share will lie.")
@click.option("--deputy", default="", metavar="NAME", help="Who may fetch it when the custodian cannot.")
@click.option("--bag", required=True, metavar="NUMBER", help="The closed bag's number: the old one, or a new one.")
@options.on
def command(  # noqa: PLR0913, PLR0917 - a custodian has all this
    register: Path,
    share: str,
    name: str,
    manager: str,
    unit: str,
    site: str,
    deputy: str,
    bag: str,
    day: dt.date | None,
) -> None:
    """Note in REGISTER that SHARE passed to another custodian. Whoever had it before stays in the register for ever."""
    on = (day or options.today()).isoformat()
    to = {"holder": name, "manager": manager, "unit": unit, "site": site, "deputy": deputy}
    with Book(register, SystemClock()) as book:
        position = position_named(book.current, share)
        book.note("hand over", set_id=book.current.set_id.hex(), share=key_of(position), bag=bag, on=on, **to)
        click.echo("\n".join([*telling.handed_over(book, position), *telling.head(book)]))
