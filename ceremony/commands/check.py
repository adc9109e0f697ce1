"""`escrow check`: are these sheets good?"""

import json
from pathlib import Path

import click

from ceremony import options
from ceremony.terminal.camera import show_shares
from ceremony.terminal.console import Progress
from ceremony.terminal.sheets import type_shares
from escrow.gather import Collection
from escrow.recovery import gather, read_package, still_needed


@click.command(name="check")
@click.argument("package", type=options.PATH)
@options.pages
@options.camera
@options.type_shares
@options.as_json
def command(package: Path, pages: tuple[Path, ...], *, camera: Path | None, by_hand: bool, as_json: bool) -> int:
    """Read share sheets from PAGES, and check each against PACKAGE, without recombining anything.

    PAGES are PDF, PNG, JPEG, TIFF or text files: any number of sheets, in any order and rotation; '-' is text on
    standard input. Shares may be shown to a camera, too (--camera), or typed (--type). Exit status 0 only if every
    share found is valid. PACKAGE may be scans of the package sheets: a PDF, a picture, or a directory.
    """
    options.require_source(pages, (), camera=camera, by_hand=by_hand)
    with Progress() as progress:
        manifest = read_package(package, progress, pages).manifest
    options.protect_process(manifest.kind)
    with Progress() as progress:
        collection = gather(manifest, pages, keep=False, progress=progress)
        if camera:
            show_shares(collection, camera, until_quorum=False)
        if by_hand:
            type_shares(collection, until_quorum=False)
    click.echo(json.dumps(_result(collection), indent=2) if as_json else _describe(collection))
    return 1 if collection.problems else 0


def _result(collection: Collection) -> dict[str, object]:
    return {
        "shares": [
            {"x": v.x, "group": v.group, "valid": v.valid, "problem": v.problem, "page": v.page}
            for v in collection.verdicts
        ],
        "quorum": collection.missing == 0,
        "missing": collection.missing,
    }


def _describe(collection: Collection) -> str:
    lines = [str(verdict) for verdict in collection.verdicts]
    lines.append(still_needed(collection) if collection.missing else "The valid shares are a quorum.")
    return "\n".join(lines)
