"""Options that several commands share, and what their values mean."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_args

import click

from ceremony.terminal.console import say
from escrow.errors import RefusedError
from escrow.files import is_memory_backed
from escrow.memory import Secret, protect
from escrow.paper.camera import find
from escrow.paper.stationery import PageSize, Stationery
from escrow.passwords import read_password
from escrow.share import Kind


class _GivenPath(click.Path):
    """A path that is not empty: an unset shell variable must not mean the current directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        if value == "":
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


PATH = _GivenPath(path_type=Path)

password_files = click.option(
    "--password-file",
    "password_files",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Take the password from a file, '-' for standard input, /dev/fd/N for a descriptor; NAME= for one key only.",
)
allow_disk = click.option(
    "--allow-disk",
    is_flag=True,
    help="Write secrets to a disk although they can be read from it after deletion.",
)
discreet = click.option(
    "--discreet",
    is_flag=True,
    help="Share sheets and labels name no person, no CA, no organisation, no contact and no threshold.",
)
register = click.argument("register", type=PATH)
noting = click.option(
    "--register",
    type=PATH,
    metavar="REGISTER",
    help="Take bags and holders from this custody register: both may have changed since.",
)
on = click.option(
    "--on",
    "day",
    callback=lambda _, __, given: given and _day(given),
    metavar="DATE",
    help="When it was, if not today.",
)
as_of = click.option(
    "--on",
    "day",
    callback=lambda _, __, given: given and _day(given),
    metavar="DATE",
    help="As of this day, also one to come, if not today.",
)
pages = click.argument("pages", nargs=-1, type=PATH)
type_shares = click.option(
    "--type",
    "by_hand",
    is_flag=True,
    help="Type, paste or scan shares at the terminal, after PAGES have been read.",
)
camera = click.option(
    "--camera",
    is_flag=False,
    flag_value="0",
    metavar="[DEVICE]",
    callback=lambda _, __, given: None if given is None else find(given),
    help="Show the sheets to a camera (a number, /dev/videoN, or the path of a video; without one the first camera).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")


def today() -> dt.date:
    """The day it is here."""
    return dt.datetime.now(dt.UTC).astimezone().date()


def _day(given: str) -> dt.date:
    try:
        return dt.date.fromisoformat(given)
    except ValueError:
        message = f"{given} is no date: write it as 2030-12-31."
        raise click.BadParameter(message) from None


class Paper(TypedDict):
    """What the options of `paper` give."""

    page_size: PageSize
    templates: Path | None
    organisation: str
    contact: str


def paper(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command has that makes documents."""
    for add in reversed(_PAPER):
        command = add(command)
    return command


_PAPER = (
    click.option(
        "--page-size",
        type=click.Choice(get_args(PageSize)),
        default="A4",
        show_default=True,
        help="Paper of the sheets, unless a template says otherwise.",
    ),
    click.option(
        "--templates",
        type=PATH,
        metavar="DIR",
        help="Templates here replace those of the same name ('escrow templates' copies all).",
    ),
    click.option("--organisation", default="", metavar="TEXT", help="Whose CA it is; else a line to fill in."),
    click.option(
        "--contact",
        default="",
        metavar="TEXT",
        help="Whom to call about a loss or a recovery; else a line to fill in.",
    ),
)


def stationery(given: Paper, *, discreet: bool = False) -> Stationery:
    """What the documents are made on. Raises UsageError."""
    return Stationery(given["templates"], given["page_size"], given["organisation"], given["contact"], discreet)


def protect_process(kind: Kind) -> None:
    """Lock and harden this process. Production refuses a machine that lacks something; practice only says so."""
    shortcomings = protect(required=kind is Kind.PRODUCTION)
    if shortcomings:
        say("SPECIMEN material on a machine where production would refuse:")
        for shortcoming in shortcomings:
            say(f"  {shortcoming}")


def require_memory_backed(directory: Path, *, allow_disk: bool, what: str) -> None:
    """Raise RefusedError if secrets would be written to something that keeps what is deleted."""
    if not allow_disk and not is_memory_backed(directory):
        message = (
            f"{directory} is on a disk, and {what} may be read from a disk long after deletion. Use a directory on a "
            "memory-backed file system such as /dev/shm, or give --allow-disk if you know that this is what you want."
        )
        raise RefusedError(message)


def require_source(pages: Sequence[Path], password_files: Sequence[str], *, camera: Path | None, by_hand: bool) -> None:
    """Raise UsageError unless shares come from somewhere, and standard input is read for one thing only."""
    if not pages and not camera and not by_hand:
        message = "Name the PAGES to read, or give --camera to show them, or --type to type the shares."
        raise click.UsageError(message)
    sources = [source.rpartition("=")[2] for source in (*map(str, pages), *password_files)]
    if sources.count("-") > 1:
        message = "Standard input is read once: '-' stands for one thing only."
        raise click.UsageError(message)


def read_passwords(sources: Sequence[str]) -> dict[str | None, Secret]:
    """Read the passwords given with --password-file: by the name of a key, or under None for all others."""
    passwords: dict[str | None, Secret] = {}
    for source in sources:
        match = re.match(r"([A-Za-z0-9_.-]+)=(.+)", source)
        name, file = (match[1], match[2]) if match and not Path(source).exists() else (None, source)
        if name in passwords:
            message = f"--password-file is given twice for {name or 'all keys'}."
            raise click.UsageError(message)
        passwords[name] = read_password(file)
    return passwords
