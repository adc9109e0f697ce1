"""`escrow remove-root-key`: the root's key away from the online CA, when it is safe on paper."""

from pathlib import Path

import click

from ceremony import options
from ceremony.terminal.console import Passwords, Progress, ask, say
from escrow import removal
from escrow.errors import RefusedError
from escrow.label import set_words
from escrow.recovery import read_package

_PHRASE = "remove the root key"


@click.command(name="remove-root-key")
@click.argument("key_file", metavar="FILE", type=options.PATH)
@click.argument("packages", metavar="PACKAGE...", nargs=-1, required=True, type=options.PATH)
@options.password_files
def command(key_file: Path, packages: tuple[Path, ...], *, password_files: tuple[str, ...]) -> None:
    """Overwrite and remove FILE, the root's private key, which step-ca never reads.

    Only if FILE holds the very root key that is in PACKAGE, which is opened with its password to see that; name every
    copy of the package, so that each is read. That the sheets are good only people know: it is asked for, and a phrase
    has to be typed at the terminal. Nothing does this unasked.

    \u0008
    escrow remove-root-key ~/.step/secrets/root_ca_key /media/one/package.escrow /media/two/package.escrow
    """
    with Progress() as progress:
        read = [read_package(path, progress) for path in packages]
    manifest = read[0].manifest
    options.protect_process(manifest.kind)
    passwords = Passwords(options.read_passwords(password_files))
    try:
        removable = removal.prove(key_file, read, passwords)
    finally:
        passwords.close()
    say(f"{key_file} is the root's key of {manifest.ca}, and is in the package, of which you showed {len(read)}.")
    say(f"Words of the set: {set_words(manifest.set_id)}")
    say("Remove it only if every sheet of this set was read back from paper, if a quorum of sheets has opened this")
    say("package (a ceremony's proof, or 'escrow recover'), and if the copies of the package are at their places.")
    say(removal.KEPT)
    if ask(f"Type '{_PHRASE}' if all of that holds; Enter leaves it: ").lower().split() != _PHRASE.split():
        message = f"Nothing was removed: {key_file} is as it was."
        raise RefusedError(message)
    removal.remove(removable)
    say(f"{key_file} was overwritten and removed. step-ca goes on without it.")
