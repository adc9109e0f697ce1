"""`escrow recover`: a CA back from paper, into a STEPPATH, a token, a recipient's hands, or straight into step-ca."""

from pathlib import Path

import click

from ceremony import options
from ceremony.commands import targets
from ceremony.commands.targets import Sources
from ceremony.terminal.console import Progress
from escrow import recovery
from escrow.errors import CertificateError
from escrow.files import read_public
from escrow.gather import STANDARD_INPUT
from escrow.online import recipient
from escrow.online.recipient import Recipient
from escrow.token import Token

_COMMAND = "command to execute"
_MAX_PEM = 1 << 16


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
@click.option(
    "--recipient",
    "recipient_file",
    type=options.PATH,
    metavar="FILE.pem",
    help="With --to: one file that only the private half of this public key, or certificate's key, opens.",
)
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
    recipient_file: Path | None,
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

    With --recipient, no key is written in clear and none under a password: DIR gets recovered.cms, encrypted to a
    public key (RSA of 3072 bits or more, or P-256, P-384, P-521), and README.txt, which says how openssl opens it.

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
    to = _recipient(recipient_file, token, password_files, execute=execute)
    with Progress() as progress:
        sealed = recovery.read_package(package, progress, pages)
    sources = Sources(sealed, pages, camera, by_hand)
    if target:
        read = [package, *(page for page in pages if page != STANDARD_INPUT), *([camera] if camera else [])]
        if target.resolve() in {path.resolve().parent for path in read}:
            message = f"{target} is where the package or a page lies: name a directory of its own for the CA."
            raise click.UsageError(message)
        if to:
            targets.to_recipient(sources, target, only, to)
        elif token:
            targets.to_token(sources, target, only, token, pin_file)
        else:
            targets.to_tree(sources, target, only, password_files)
    else:
        targets.to_program(sources, click.get_current_context().meta[_COMMAND])


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


def _recipient(
    file: Path | None, token: Token | None, password_files: tuple[str, ...], *, execute: bool
) -> Recipient | None:
    """The recipient that the option means. Raises UsageError beside another target, CertificateError."""
    if file is None:
        return None
    if token or execute or password_files:
        message = "--recipient goes with --to, and with no token and no password: nothing else opens what is written."
        raise click.UsageError(message)
    try:
        return recipient.parse(read_public(file, _MAX_PEM).decode("ascii", "replace"))
    except CertificateError as error:
        message = f"{file} {error}"
        raise CertificateError(message) from None
