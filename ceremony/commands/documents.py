"""`escrow documents`: what goes with the share sheets, once more."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.terminal.console import Progress, say
from escrow import documents
from escrow.files import NewFiles
from escrow.recovery import read_package


@click.command(name="documents")
@click.argument("package", type=options.PATH)
@click.option(
    "--custodian",
    "custodians",
    multiple=True,
    metavar="NAME",
    help="Who holds a share; once for each, in the order of the shares. Without, names are left blank.",
)
@click.option("--out", required=True, type=options.PATH, metavar="DIR", help="Where the documents are written.")
@options.paper
@options.discreet
def command(
    *, package: Path, custodians: tuple[str, ...], out: Path, discreet: bool, **paper: Unpack[options.Paper]
) -> None:
    """Make the documents that go with the share sheets of PACKAGE: labels, receipts, and the recovery card.

    PACKAGE is the package file, or scans of the package sheets. None of the documents is secret, and no share is
    needed for them.
    """
    stationery = options.stationery(paper, discreet=discreet)
    with Progress() as progress, NewFiles(out) as files:
        manifest = read_package(package, progress).manifest
        files.check_absent(documents.files(manifest.policy))
        for name, pdf in documents.make(manifest, custodians, stationery, progress):
            files.write(name, pdf)
        files.publish()
    say(f"Labels, receipts and the recovery card of {manifest.ca}: {out}")
