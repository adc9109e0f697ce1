"""`escrow bundle`: everything for a machine without a network, in one folder."""

from collections.abc import Sequence
from pathlib import Path

import click

from ceremony import options, spoken
from ceremony.bundle.lock import PROCESSORS, PYTHONS, Target
from ceremony.terminal.console import Progress, say
from escrow.errors import RefusedError, UsageError
from escrow.files import NewFiles, read_public

_MAX = 1 << 28


@click.command(name="bundle")
@click.option("--out", required=True, type=options.PATH, metavar="DIR", help="The bundle: a folder that is not there.")
@click.option("--python", "pythons", multiple=True, type=click.Choice(PYTHONS), help="For this Python (3.11 and 3.13).")
@click.option("--arch", "processors", multiple=True, type=click.Choice(PROCESSORS), help="For this processor (x86_64).")
@click.option(
    "--document",
    "documents",
    multiple=True,
    type=options.PATH,
    metavar="PATH",
    help="Bring a file along, or all of a folder: the plan, and what 'escrow script' made of it.",
)
@click.option(
    "--deb", "packages", multiple=True, type=options.PATH, metavar="FILE", help="Bring a Debian package along."
)
def command(
    out: Path, pythons: Sequence[str], processors: Sequence[str], documents: Sequence[Path], packages: Sequence[Path]
) -> None:
    """Put the program and all it needs into folder DIR, for a stick; on a machine with a network, from a checkout.

    The wheels of all dependencies are fetched by pip and compared with the hashes of the lock. The same commit gives
    the same bundle, byte for byte. On the offline machine: 'python3 -I install.py --into ~/escrow'.
    """
    from ceremony.bundle import make, own

    targets = [
        Target(python, processor)
        for python in dict.fromkeys(pythons or ("3.11", "3.13"))
        for processor in dict.fromkeys(processors or ("x86_64",))
    ]
    extra = {**_brought("documents", documents), **_brought("debian", packages)}
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        message = f"{out} is there already: name a folder that is not, or an empty one."
        raise RefusedError(message)
    with Progress() as progress, NewFiles(out, public=True) as files:
        digest = make.make(own.source(), targets, extra, files, progress)
        files.publish()
    say(f"The bundle: {out}, for {', '.join(target.name for target in targets)}.")
    say("The words of its MANIFEST.sha256, to be written onto the script by hand:")
    for row in spoken.rows_of(spoken.words_of(digest)):
        say(f"  {row}")
    say(f"  {digest.hex()}")


def _brought(folder: str, paths: Sequence[Path]) -> dict[str, bytes]:
    """What is brought along, by its name in a folder of the bundle."""
    files = [each for path in paths for each in (sorted(path.iterdir()) if path.is_dir() else [path])]
    found = {f"{folder}/{path.name}": read_public(path, _MAX) for path in files}
    if len(found) != len(files):
        message = f"Two files for {folder}/ have the same name: rename one, or leave it out."
        raise UsageError(message)
    return found
