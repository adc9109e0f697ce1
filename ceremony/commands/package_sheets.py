"""`escrow package-sheets`: a package onto paper."""

from pathlib import Path
from typing import get_args

import click

from ceremony import options
from ceremony.console import Progress, say
from escrow.files import NewFiles
from escrow.paper.page import PageSize
from escrow.recovery import read_package
from escrow.sealing import make_package_sheets


@click.command(name="package-sheets")
@click.argument("package", type=options.PATH)
@click.option("--out", required=True, type=options.PATH, metavar="FILE.pdf", help="The PDF to make.")
@click.option(
    "--page-size",
    type=click.Choice(get_args(PageSize)),
    default="A4",
    show_default=True,
    help="Paper of the sheets.",
)
def command(package: Path, out: Path, page_size: PageSize) -> None:
    """Make the sheets of PACKAGE: its contents, its codes, and how to decode them without this program.

    Any 30 % of the codes may be lost. PACKAGE is the package file, or scans of older package sheets: so worn
    paper is made new. The sheets are not secret; keep them apart from the share sheets.
    """
    with Progress() as progress, NewFiles(out.parent) as files:
        files.check_absent([out.name])
        sealed = read_package(package, progress)
        progress("Making package sheets", 0, 1)
        files.write(out.name, make_package_sheets(sealed, page_size))
        progress("Making package sheets", 1, 1)
        files.publish()
    say(f"The sheets of {sealed.manifest.ca}, read back from their own picture: {out}")
    say("Print them, scan the paper, and check it with 'escrow inspect SCAN' before anybody leaves.")
