"""`escrow recover`: a CA back from paper, into a STEPPATH or straight into step-ca."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from ceremony import options
from ceremony.terminal.camera import show_shares
from ceremony.terminal.console import Progress, ask_new_password, ask_password, say
from ceremony.terminal.sheets import type_shares
from escrow import recovery, start
from escrow.configuration import CONFIG
from escrow.errors import UsageError
from escrow.files import NewFiles
from escrow.gather import STANDARD_INPUT, Collection
from escrow.manifest import Manifest
from escrow.memory import Secret, become
from escrow.package import Package
from escrow.passwords import read_password
from escrow.token import Token, fitting

_NEEDED = ("intermediate", "ssh-host", "ssh-user")
_COMMAND = "command to execute"


class _Recover(click.Command):
    """With --exec, what follows -- is the command to execute, and no page."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = args[: args.index("--")] if "--" in args else args
        if "--exec" in own:
            ctx.meta[_COMMAND] = args[len(own) + 1 :]
            args = own
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[--exec -- COMMAND]"]


@click.command(name="recover", cls=_Recover)
@click.argument("package", type=options.PATH)
@options.pages
@options.camera
@options.type_shares
@click.option("--to", "target", type=options.PATH, metavar="DIR", help="The STEPPATH to make.")
@click.option("--only", multiple=True, metavar="NAME", help="Restore this key only; may be given several times.")
@click.option(
    "--exec",
    "execute",
    is_flag=True,
    help="Instead of --to: become step-ca, by the command after --, with its keys handed over in memory.",
)
@options.password_files
@click.option("--token", "label", metavar="LABEL", help="With --to: the keys into this PKCS#11 token, not into files.")
@click.option("--module", type=options.PATH, metavar="FILE.so", help="The module that drives the token.")
@click.option("--pin-file", metavar="FILE", help="Take the token's PIN from here, as with --password-file; else asked.")
@click.option("--pin-source", default="", metavar="FILE", help="Where step-ca, on its machine, will read the PIN.")
def command(  # noqa: PLR0913, PLR0917 - what the command line has
    package: Path,
    pages: tuple[Path, ...],
    target: Path | None,
    only: tuple[str, ...],
    password_files: tuple[str, ...],
    label: str | None,
    module: Path | None,
    pin_file: str | None,
    pin_source: str,
    *,
    camera: Path | None,
    by_hand: bool,
    execute: bool,
) -> None:
    """Restore the CA in PACKAGE from a quorum of share sheets read from PAGES.

    PAGES are PDF, PNG, JPEG, TIFF or text files; '-' is text on standard input. Shares may be shown to a camera,
    too (--camera), or typed (--type).

    With --to, writes certs/, secrets/ and config/ so that step-ca starts from DIR, with the keys encrypted under a
    new password. PACKAGE is the package file, or scans of the package sheets: a PDF, a picture, or a directory of
    them. A root key is usually not wanted on the online host: use --only intermediate.

    With --token and --module, the keys with which step-ca signs go into a PKCS#11 token or HSM, and ca.json in DIR
    takes them from there. The root key does not, unless you name it with --only.

    With --exec -- step-ca ca.json, no key is written anywhere: the program becomes step-ca, which gets the keys
    that ca.json names through memory. The certificates and the database are those that ca.json names.
    """
    options.require_source(pages, password_files, camera=camera, by_hand=by_hand)
    if execute == bool(target):
        message = "Say where to: either --to DIR, or --exec -- and the command that starts step-ca."
        raise click.UsageError(message)
    if execute and (only or password_files):
        message = "With --exec there is nothing to choose: step-ca gets the keys that its configuration names."
        raise click.UsageError(message)
    token = _token(label, module, pin_file, pin_source, password_files, execute=execute)
    with Progress() as progress:
        sealed = recovery.read_package(package, progress, pages)
    sources = _Sources(sealed, pages, camera, by_hand)
    if target:
        read = [package, *(page for page in pages if page != STANDARD_INPUT), *([camera] if camera else [])]
        if target.resolve() in {path.resolve().parent for path in read}:
            message = f"{target} is where the package or a page lies: name a directory of its own for the CA."
            raise click.UsageError(message)
        if token:
            _restore_to_token(sources, target, only, token, pin_file)
        else:
            _restore(sources, target, only, password_files)
    else:
        _execute(sources, click.get_current_context().meta[_COMMAND])


@dataclass(frozen=True)
class _Sources:
    """A package, and where its shares come from."""

    sealed: Package
    pages: tuple[Path, ...]
    camera: Path | None
    by_hand: bool

    def open(self, progress: Progress) -> Mapping[str, Secret]:
        """Gather a quorum and open the package."""
        collection = recovery.gather(self.sealed.manifest, self.pages, keep=True, progress=progress)
        if self.camera and _more(collection):
            show_shares(collection, self.camera, until_quorum=True)
        if self.by_hand and _more(collection):
            type_shares(collection, until_quorum=True)
        for verdict in collection.verdicts:
            if verdict.valid:  # which one is wrong is said by what follows
                say(str(verdict))
        recovery.require_quorum(collection)
        with recovery.recombine(collection) as wrapping_key:
            collection.close()
            return recovery.open_checked(self.sealed, wrapping_key)


def _more(collection: Collection) -> bool:
    return bool(collection.missing and not collection.problems)


def _restore(sources: _Sources, target: Path, only: tuple[str, ...], password_files: tuple[str, ...]) -> None:
    manifest = sources.sealed.manifest
    recovery.check_names(manifest, only)
    options.protect_process(manifest.kind)
    given = options.read_passwords(password_files)
    if set(given) - {None}:
        message = "The restored keys get one new password: give --password-file without the name of a key."
        raise click.UsageError(message)
    with Progress() as progress, NewFiles(target) as out:
        recovery.check_target(out, manifest)
        members = sources.open(progress)
        with given.get(None) or ask_new_password("the restored keys") as password:
            recovery.restore(manifest, members, only, password, out=out, progress=progress)
        for member in members.values():
            member.close()
        out.publish()
    _report(manifest, only, target)


def _token(  # noqa: PLR0913 - the options that belong together
    label: str | None,
    module: Path | None,
    pin_file: str | None,
    pin_source: str,
    password_files: tuple[str, ...],
    *,
    execute: bool,
) -> Token | None:
    """The token that the options mean. Raises UsageError for half of it."""
    if not label and not module:
        if pin_file or pin_source:
            message = "A PIN belongs to a token: name it with --token and --module."
            raise click.UsageError(message)
        return None
    if not (label and module) or execute or password_files:
        message = "A token takes --token and --module, with --to, and no password: its keys are in no file."
        raise click.UsageError(message)
    return Token(module.absolute(), label, pin_source)


def _restore_to_token(
    sources: _Sources, target: Path, only: tuple[str, ...], token: Token, pin_file: str | None
) -> None:
    manifest = sources.sealed.manifest
    recovery.check_names(manifest, only)
    fitting(manifest.keys, only)
    options.protect_process(manifest.kind)
    with Progress() as progress, NewFiles(target) as out:
        recovery.check_target(out, manifest)
        with read_password(pin_file) if pin_file else ask_password(f"PIN of the token {token.label}: ") as pin:
            members = sources.open(progress)
            stored = recovery.restore_to_token(manifest, members, only, token, pin, out=out, progress=progress)
        for member in members.values():
            member.close()
    say(f"Stored {', '.join(stored)} of {manifest.ca} in the token {token.label}.")
    say(f"Everything else that step-ca needs is in {target}.")
    if not token.pin_source:
        say(f"{CONFIG} does not say where the PIN is: add ?pin-source=FILE to kms.uri before step-ca can start.")
    say("Not in escrow, and so not restored: the database with issued and revoked certificates, ACME accounts and")
    say("provisioners managed remotely. step-ca has to be one that was built with PKCS#11 (CGO_ENABLED=1).")


def _execute(sources: _Sources, words: list[str]) -> NoReturn:
    manifest = sources.sealed.manifest
    options.protect_process(manifest.kind)
    prepared = start.prepare(words, manifest)
    with Progress() as progress:
        members = sources.open(progress)
        handed = start.hand_over(prepared, manifest, members, progress)
    for note in prepared.notes:
        say(note)
    say(f"Becoming {words[0]} with {', '.join(prepared.places)} of {manifest.ca}, which no file holds.")
    try:
        become(handed.command, handed.descriptors)
    except OSError as error:
        message = f"{words[0]} cannot be executed: {error.strerror}."
        raise UsageError(message) from None


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
