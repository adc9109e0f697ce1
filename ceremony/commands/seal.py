"""`escrow seal`: a CA's keys onto paper."""

import datetime as dt
import textwrap
from contextlib import nullcontext
from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.terminal import printers
from ceremony.terminal.console import Passwords, Progress, say
from escrow import documents, sealing, standalone
from escrow.authority import import_tree
from escrow.choice import EVERYTHING, Choice
from escrow.files import NewFiles
from escrow.issuing.make import generate
from escrow.issuing.profile import MAX_CA_NAME
from escrow.label import set_words
from escrow.manifest import Manifest, group_hex, is_printable
from escrow.note import Note
from escrow.paper.sheet import design_of
from escrow.policy import Policy
from escrow.share import Kind

_WIDTH = 79


class _How(options.Paper, printers.Attended):
    """The options that say what papers look like, and where they are printed."""


@click.command(name="seal")
@click.argument("steppath", required=False, type=options.PATH)
@click.option(
    "--generate",
    "generate_name",
    metavar="NAME",
    help="Make a new CA with this name instead of importing one.",
)
@click.option("--context", metavar="NAME", help="Which of the CAs in STEPPATH, if it has several.")
@click.option(
    "--key",
    "key_files",
    multiple=True,
    metavar="NAME=FILE",
    help="Take a key (root, intermediate, ssh-host, ...) from this file: one that is offline, or fed to step-ca.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="NAME",
    help="Seal although this key is not there, as one that never leaves its HSM. Once for each.",
)
@click.option("--threshold", required=True, type=int, metavar="K", help="How many shares a recovery needs.")
@click.option(
    "--custodian",
    "custodians",
    multiple=True,
    required=True,
    metavar="NAME",
    help="Who gets a share; once for each.",
)
@click.option(
    "--out",
    "out_directory",
    required=True,
    type=options.PATH,
    metavar="DIR",
    help="Where package.escrow is written, and shares/ unless they are printed.",
)
@options.paper
@options.discreet
@click.option("--specimen", is_flag=True, help="Practice: sheets are marked, and production refuses them.")
@options.password_files
@options.allow_disk
@printers.options
@printers.pause
def command(  # noqa: PLR0913 - one parameter an option
    *,
    steppath: Path | None,
    generate_name: str | None,
    context: str | None,
    key_files: tuple[str, ...],
    without: tuple[str, ...],
    threshold: int,
    custodians: tuple[str, ...],
    out_directory: Path,
    password_files: tuple[str, ...],
    specimen: bool,
    allow_disk: bool,
    discreet: bool,
    **how: Unpack[_How],
) -> None:
    """Seal the private keys of the CA at STEPPATH and make one share sheet for each custodian.

    Imports every private key, checks each against its certificate, encrypts them under a new wrapping key,
    splits that key, proves that all shares fit, and writes DIR/package.escrow and DIR/shares/share-X.pdf. Beside
    the package go the same on paper, DIR/package-sheets.pdf, and a decoder that needs Python only, DIR/decode.py.
    STEPPATH may also be the file that 'step-ca export' wrote. What is weak about the CA is said at the end, with what
    to do; nothing of it is changed. A key that is not there must be given (--key) or left out on purpose (--without).
    DIR/documents has what goes with the sheets and is not secret: a label and a receipt for each, a recovery card.
    With --printer or --device the sheets go to paper instead, one at a time, and are in no file anywhere.

    \u0008
    escrow seal ~/.step --threshold 2 --custodian Anna --custodian Bert --custodian Cleo --out /dev/shm/ceremony
    """
    if (steppath is None) == (generate_name is None):
        message = "Name a STEPPATH to import, or a new CA with --generate: one of the two."
        raise click.UsageError(message)
    if steppath is not None and out_directory.resolve().is_relative_to(steppath.resolve()):
        message = f"{out_directory} lies inside the CA's own tree, and would travel with its backups: name another."
        raise click.UsageError(message)
    if generate_name is not None and not (is_printable(generate_name) and len(generate_name) <= MAX_CA_NAME):
        message = f"A CA's name has 1 to {MAX_CA_NAME} printable characters: X.509 allows no more with what is added."
        raise click.UsageError(message)
    choice = Choice(context, _named(key_files), frozenset(without))
    if steppath is None and (password_files or choice != EVERYTHING):
        message = "--password-file, --context, --key and --without belong to a STEPPATH: a new CA needs none."
        raise click.UsageError(message)
    kind = Kind.SPECIMEN if specimen else Kind.PRODUCTION
    policy = Policy.plain(threshold, len(custodians))
    options.protect_process(kind)
    stationery = options.stationery(how, discreet=discreet)
    media = design_of(stationery, groups=False).media
    printouts = printers.printouts(how, media, kind, allow_disk=allow_disk)
    if not printouts:
        options.require_memory_backed(out_directory, allow_disk=allow_disk or specimen, what="shares")
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    order = sealing.Order(kind, policy, custodians, now, stationery)
    with Progress() as progress, printouts or nullcontext() as sheets, NewFiles(out_directory) as out:
        files = [sealing.PACKAGE_FILE, documents.PACKAGE_SHEETS_FILE, standalone.FILE]
        files += [f"{documents.FOLDER}/{name}" for name in documents.files(policy)]
        out.check_absent([*files, *(sealing.sheet_file(policy, p) for p in policy.positions if not sheets)])
        order.check_papers(generate_name or "CA")
        if steppath is not None:
            passwords = Passwords(options.read_passwords(password_files))
            authority = import_tree(steppath, passwords, progress, now, choice)
        else:
            authority = generate(str(generate_name), now, progress)
        manifest = sealing.seal(authority, order, out, progress, sheets)
        out.publish()
    _report(manifest, authority.notes, out_directory, imported=steppath is not None, printed=bool(printouts))


def _named(key_files: tuple[str, ...]) -> dict[str, Path]:
    named = [entry.partition("=") for entry in key_files]
    for entry, (name, _, file) in zip(key_files, named, strict=True):
        if not name or not file:
            message = f"--key takes NAME=FILE, such as root=/media/root_ca_key; {entry!r} is not that."
            raise click.UsageError(message)
        if [other for other, _, _ in named].count(name) > 1:
            message = f"--key is given twice for {name}."
            raise click.UsageError(message)
    return {name: Path(file) for name, _, file in named}


def _report(manifest: Manifest, notes: tuple[Note, ...], out: Path, *, imported: bool, printed: bool) -> None:
    if manifest.kind is Kind.SPECIMEN and imported:
        say("CAREFUL: the keys are real. Specimen or not, two things open them: this package with these sheets.")
        say("Destroy both after practice, or practise with --generate or 'escrow rehearse'.")
    say(f"Sealed {', '.join(entry.name for entry in manifest.keys)} of {manifest.ca} ({manifest.kind.value}).")
    say(f"Set {group_hex(manifest.set_id)}, epoch {manifest.epoch}; a quorum is {manifest.policy}.")
    say(f"Words of the set, on every document: {set_words(manifest.set_id)}")
    say(f"Package: {out / sealing.PACKAGE_FILE}   Sheets: {'printed' if printed else out / 'shares'}")
    say(f"Labels, receipts and the recovery card, not secret: {out / documents.FOLDER}")
    if (out / documents.PACKAGE_SHEETS_FILE).exists():
        say(f"The package on paper, not secret: {out / documents.PACKAGE_SHEETS_FILE}")
    else:
        say("The package is too large for paper: keep package.escrow as a file, on several media.")
    say(f"Keep {standalone.FILE} beside every copy of the package: it decodes without this program.")
    first = "Now" if printed else "Now print each sheet, and"
    say(f"{first} read every printed sheet back with 'escrow check' before anybody leaves.")
    for note in notes:
        say(textwrap.fill(str(note), _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))
