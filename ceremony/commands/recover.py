"""`escrow recover`: a CA back from paper."""

import shlex
from pathlib import Path

import click

from ceremony import options
from ceremony.terminal.camera import show_shares
from ceremony.terminal.console import Progress, ask_new_password, say
from ceremony.terminal.sheets import type_shares
from escrow import recovery
from escrow.configuration import CONFIG
from escrow.files import NewFiles
from escrow.gather import STANDARD_INPUT
from escrow.manifest import Manifest

_NEEDED = ("intermediate", "ssh-host", "ssh-user")


@click.command(name="recover")
@click.argument("package", type=options.PATH)
@options.pages
@options.camera
@options.type_shares
@click.option("--to", "target", required=True, type=options.PATH, metavar="DIR", help="The STEPPATH to make.")
@click.option("--only", multiple=True, metavar="NAME", help="Restore this key only; may be given several times.")
@options.password_files
def command(  # noqa: PLR0913 - what the command line has
    package: Path,
    pages: tuple[Path, ...],
    target: Path,
    only: tuple[str, ...],
    password_files: tuple[str, ...],
    *,
    camera: Path | None,
    by_hand: bool,
) -> None:
    """Restore the CA in PACKAGE from a quorum of share sheets read from PAGES.

    PAGES are PDF, PNG, JPEG, TIFF or text files; '-' is text on standard input. Shares may be shown to a camera,
    too (--camera), or typed (--type).

    Writes certs/, secrets/ and config/ so that step-ca starts from DIR, with the keys encrypted under a new
    password. PACKAGE is the package file, or scans of the package sheets: a PDF, a picture, or a directory of
    them. A root key is usually not wanted on the online host: use --only intermediate.
    """
    options.require_source(pages, password_files, camera=camera, by_hand=by_hand)
    with Progress() as progress:
        sealed = recovery.read_package(package, progress, pages)
    manifest = sealed.manifest
    recovery.check_names(manifest, only)
    read = [package, *(page for page in pages if page != STANDARD_INPUT), *([camera] if camera else [])]
    if target.resolve() in {path.resolve().parent for path in read}:
        message = f"{target} is where the package or a page lies: name a directory of its own for the CA."
        raise click.UsageError(message)
    options.protect_process(manifest.kind)
    given = options.read_passwords(password_files)
    if set(given) - {None}:
        message = "The restored keys get one new password: give --password-file without the name of a key."
        raise click.UsageError(message)
    with Progress() as progress, NewFiles(target) as out:
        recovery.check_target(out, manifest)
        collection = recovery.gather(manifest, pages, keep=True, progress=progress)
        if camera and collection.missing and not collection.problems:
            show_shares(collection, camera, until_quorum=True)
        if by_hand and collection.missing and not collection.problems:
            type_shares(collection, until_quorum=True)
        for verdict in collection.verdicts:
            if verdict.valid:  # which one is wrong is said by what follows
                say(str(verdict))
        recovery.require_quorum(collection)
        with recovery.recombine(collection) as wrapping_key:
            collection.close()
            members = recovery.open_checked(sealed, wrapping_key)
        with given.get(None) or ask_new_password("the restored keys") as password:
            recovery.restore(manifest, members, only, password, out=out, progress=progress)
        for member in members.values():
            member.close()
        out.publish()
    _report(manifest, only, target)


def _report(manifest: Manifest, only: tuple[str, ...], target: Path) -> None:
    restored = [entry.name for entry in manifest.keys if not only or entry.name in only]
    absent = [entry.name for entry in manifest.keys if entry.name in _NEEDED and entry.name not in restored]
    say(f"Restored {', '.join(restored)} of {manifest.ca} to {target}.")
    say("Not in escrow, and so not restored: the database with issued and revoked certificates, ACME accounts and")
    say("provisioners managed remotely. Restore db/ from its own backup before you start.")
    tree = shlex.quote(str(target.absolute()))
    if CONFIG not in manifest.files:
        say(f"There was no {CONFIG} in escrow: write one before step-ca can start.")
    elif absent:
        say(f"step-ca does not start without {', '.join(absent)}, which {CONFIG} names. To have them too, recover")
        say("again into another directory, with --only for each key that you want.")
    else:
        say(f"Start it with:  STEPPATH={tree} step-ca {tree}/{CONFIG}")
