"""`escrow package-sheets`: a package onto paper."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.terminal.console import Progress, say
from escrow.documents import make_package_sheets
from escrow.files import NewFiles
from escrow.recovery import read_package


@click.command(name="package-sheets")
@click.argument("package", type=options.PATH)
@click.option("--out", required=True, type=options.PATH, metavar="FILE.pdf", help="The PDF to make.")
@options.paper
def command(package: Path, out: Path, **paper: Unpack[options.Paper]) -> None:
    """Make the sheets of PACKAGE: its contents, its codes, and how to decode them without this program.

    Any 30 % of the codes may be lost. PACKAGE is the package file, or scans of older package sheets: so worn
    paper is made new. The sheets are not secret; keep them apart from the share sheets.
    """
    stationery = options.stationery(paper)
    with Progress() as progress, NewFiles(out.parent, "file") as files:
        files.check_absent([out.name])
        sealed = read_package(package, progress)
        progress("Making package sheets", 0, 1)
        files.write(out.name, make_package_sheets(sealed, stationery))
        progress("Making package sheets", 1, 1)
        files.publish()
    say(f"The sheets of {sealed.manifest.ca}, read back from their own picture: {out}")
    say("Print them, scan the paper, and check it with 'escrow inspect SCAN' before anybody leaves.")
