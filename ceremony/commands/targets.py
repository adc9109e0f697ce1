"""Where `escrow recover` brings keys to: each target, and what is said when it was reached. No command."""

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
from escrow.gather import Collection
from escrow.manifest import Manifest
from escrow.memory import Secret, become
from escrow.online.recipient import Recipient
from escrow.package import README_MEMBER, Package
from escrow.passwords import read_password
from escrow.token import SIGNING, Token, fitting


@dataclass(frozen=True)
class Sources:
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


def to_tree(sources: Sources, target: Path, only: tuple[str, ...], password_files: tuple[str, ...]) -> None:
    """A STEPPATH with the keys under a new password."""
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


def to_recipient(sources: Sources, target: Path, only: tuple[str, ...], to: Recipient) -> None:
    """One file that only a recipient's key opens."""
    manifest = sources.sealed.manifest
    recovery.check_names(manifest, only)
    options.protect_process(manifest.kind)
    say(f"Only this key ({to.kind}) will open it; compare with whoever has the private half: {to.fingerprint}")
    with Progress() as progress, NewFiles(target) as out:
        out.check_absent([recovery.RECOVERED, README_MEMBER])
        members = sources.open(progress)
        recovery.restore_to_recipient(manifest, members, only, to, out=out, progress=progress)
        for member in members.values():
            member.close()
        out.publish()
    restored = [entry.name for entry in manifest.keys if not only or entry.name in only]
    say(f"Restored {', '.join(restored)} of {manifest.ca} to {target / recovery.RECOVERED}.")
    say("README.txt beside it says how it is opened.")
    _say_what_is_not()


def to_token(sources: Sources, target: Path, only: tuple[str, ...], token: Token, pin_file: str | None) -> None:
    """The keys into a token, the rest into a STEPPATH."""
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
    say("step-ca has to be one that was built with PKCS#11 (CGO_ENABLED=1).")
    _say_what_is_not()


def to_program(sources: Sources, words: list[str]) -> NoReturn:
    """No file at all: become step-ca, which gets the keys through memory."""
    manifest = sources.sealed.manifest
    options.protect_process(manifest.kind)
    prepared = start.prepare(words, manifest)
    with Progress() as progress:
        members = sources.open(progress)
        handed = start.hand_over(prepared, manifest, members, progress)
    for note in prepared.notes:
        say(note)
    _say_what_is_not()
    say(f"Becoming {words[0]} with {', '.join(prepared.places)} of {manifest.ca}, which no file holds.")
    try:
        become(handed.command, handed.descriptors)
    except OSError as error:
        message = f"{words[0]} cannot be executed: {error.strerror}."
        raise UsageError(message) from None


def _report(manifest: Manifest, only: tuple[str, ...], target: Path) -> None:
    restored = [entry.name for entry in manifest.keys if not only or entry.name in only]
    absent = [entry.name for entry in manifest.keys if entry.name in SIGNING and entry.name not in restored]
    say(f"Restored {', '.join(restored)} of {manifest.ca} to {target}.")
    tree = shlex.quote(str(target.absolute()))
    if CONFIG not in manifest.files:
        say(f"There was no {CONFIG} in escrow: write one before step-ca can start.")
    elif absent:
        say(f"step-ca does not start without {', '.join(absent)}, which {CONFIG} names. To have them too, recover")
        say("again into another directory, with --only for each key that you want.")
    else:
        say(f"Start it with:  STEPPATH={tree} step-ca {tree}/{CONFIG}")
    _say_what_is_not()


def _say_what_is_not() -> None:
    """What nobody gets back by this, and what has to follow."""
    say("Not in escrow, and so not restored: the database with issued and revoked certificates, the number of the last")
    say("CRL, ACME accounts and provisioners managed remotely. Restore db/ from its own backup before you start.")
    say(
        "Afterwards: new bags for every sheet that was read. A quorum was in one room, and its sheets were open: make a"
    )
    say("new set soon ('escrow refresh'). If somebody may have a key, that is not enough: see RECOVERY.md.")
