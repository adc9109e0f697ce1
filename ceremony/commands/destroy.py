"""`escrow destroy`: a sheet, or a medium with a copy, was destroyed before a witness."""

import datetime as dt
from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.attesting import copy_named, position_named, set_named
from ceremony.custody.book import Book
from ceremony.custody.register import Register, ShareSet, Status
from ceremony.custody.status import standing
from ceremony.forms import destruction
from ceremony.forms.destruction import Destruction
from ceremony.planning.odds import person
from ceremony.rules.steps import key_of
from ceremony.run.session import SystemClock
from escrow.errors import RefusedError, UsageError
from escrow.files import NewFiles


@click.command(name="destroy")
@options.register
@click.argument("what")
@click.option("--set", "which", metavar="WORDS|HEX", help="Of which set, by its words or id, if not the one in force.")
@click.option("--by", required=True, metavar="NAME", help="Who destroyed it.")
@click.option("--witness", required=True, metavar="NAME", help="Who watched, from the closed bag to the end.")
@click.option("--method", required=True, metavar="TEXT", help="How, in a line: 'cross-cut, P-5', 'burnt', 'broken'.")
@click.option("--label", metavar="TEXT", help="Of a copy: what stands on its medium.")
@click.option("--out", required=True, type=options.PATH, metavar="FILE.pdf", help="The certificate to be signed.")
@click.option("--in-force", is_flag=True, help="It is of the set in force, which can spare it: this is meant.")
@options.on
@options.paper
def command(  # noqa: PLR0913 - what was destroyed, by whom, how
    *,
    register: Path,
    what: str,
    which: str | None,
    by: str,
    witness: str,
    method: str,
    label: str | None,
    out: Path,
    in_force: bool,
    day: dt.date | None,
    **paper: Unpack[options.Paper],
) -> None:
    """Note in REGISTER that WHAT was destroyed, and make the certificate.

    WHAT is a share's sheet ("2", "1-2"), or a copy's medium ("copy-1"). Enough is: paper cross-cut to P-5 or finer, or
    burnt; a medium broken, each chip or platter. Of the set in force only with --in-force: the margin falls. What was
    destroyed stays destroyed; a share can be made again.
    """
    if person(by) == person(witness):
        message = "Nobody is their own witness: name two people."
        raise UsageError(message)
    on = (day or options.today()).isoformat()
    with Book(register, SystemClock()) as book, NewFiles(out.parent, "file") as files:
        files.check_absent([out.name])
        at = set_named(book.register, which) if which else book.current
        copy = copy_named(at, what)
        event, thing = ("copy", {"copy": copy}) if copy else ("report", {"share": key_of(position_named(at, what))})
        fields = {"set_id": at.set_id.hex(), "on": on, "status": Status.DESTROYED.value, **thing}
        fields["reason"] = f"{method}; by {by}, witnessed by {witness}"
        left = _margin(book.after(event, **fields))
        if not at.superseded and not in_force:
            raise RefusedError(_of_force(book.register, at, what, left))
        done = Destruction(method, by, witness, on, left)
        stationery = options.stationery(paper)
        if copy:
            pdf = destruction.of_copy(at, copy, label, done, stationery)
        else:
            pdf = destruction.of_sheet(at, at.shares[position_named(at, what)], done, stationery)
        files.write(out.name, pdf)
        book.note(event, **fields)
        files.publish()
        click.echo(f"The certificate, to be signed by both: {out}")
        click.echo("\n".join(telling.destroyed(book, at, what, left)))


def _margin(register: Register) -> int:
    found = standing(register, options.today())
    return found.margin if found else 0


def _of_force(register: Register, at: ShareSet, what: str, left: int) -> str:
    older = "; ".join(telling.named(each) for each in register.older())
    return (
        f"{what} is of the set in force, {telling.named(at)}: destroyed, it restores nothing, and the margin falls "
        f"from {_margin(register)} to {left}. If this is meant, give --in-force. "
        + (f"If it is of an older set, give --set: {older}." if older else "There is no older set in this register.")
    )
