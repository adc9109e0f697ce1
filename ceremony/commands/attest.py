"""`escrow attest`: a custodian showed the closed bag."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.attesting import by_label, labels_in, position_named
from ceremony.custody.book import Book
from ceremony.rules.steps import key_of
from ceremony.run.session import SystemClock
from escrow.errors import UsageError


@click.command(name="attest")
@options.register
@click.argument("share", required=False)
@click.option("--bag", metavar="NUMBER", help="The number on the bag that was shown.")
@click.option("--label", "text", metavar="LABEL1:...", help="The text of the label's code.")
@click.option(
    "--scan", "scans", multiple=True, type=options.PATH, metavar="FILE", help="A picture or PDF of the label."
)
@options.on
def command(  # noqa: PLR0913, PLR0917 - what was shown, and how
    register: Path, share: str | None, bag: str | None, text: str | None, scans: Sequence[Path], day: dt.date | None
) -> None:
    """Note in REGISTER that the custodian of SHARE showed the bag, closed, with its sheet unopened inside.

    Give the bag's number, or what the label's public code says (--label, --scan: several labels at once). A number
    that is not the register's is refused: it may mean that the sheet was taken out. The label is public, and its code
    has no number of a bag: scan the label on the bag, not a file of it, and prefer the number.
    """
    if bool(share and bag) + bool(text) + bool(scans) != 1 or (bag and not share):
        message = "Give SHARE with --bag, or --label, or --scan."
        raise UsageError(message)
    on = (day or options.today()).isoformat()
    with Book(register, SystemClock()) as book:
        if share and bag:
            shown = [(position_named(book.current, share), bag, "bag")]
        else:
            texts = [text] if text else labels_in(scans)
            shown = [
                (position, book.current.shares[position].bag, "label") for position in by_label(book, texts, share)
            ]
        for position, number, how in shown:
            set_id = book.current.set_id.hex()
            book.note("attest", set_id=set_id, share=key_of(position), bag=number, how=how, on=on)
            click.echo("\n".join(telling.attested(book, position)))
        click.echo("\n".join(telling.head(book)))
