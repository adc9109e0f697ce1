"""`escrow recovery`: bring keys back, guided step by step, by a plan that says why and on whose word."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands import holding
from ceremony.planning.plan import Recovery, load
from ceremony.run import before
from ceremony.run.paper import NoPrinter
from ceremony.run.work import Target
from escrow.token import Token


@click.command(name="recovery")
@holding.common
@click.option("--archive", type=options.PATH, metavar="DIR", help="The archive that PLAN follows.")
@click.option(
    "--package", type=options.PATH, metavar="FILE", help="The package, if there is no archive; or another copy."
)
@click.option("--to", "target", required=True, type=options.PATH, metavar="DIR", help="Where the keys are restored.")
@click.option("--module", type=options.PATH, metavar="FILE.so", help="The module that drives the token of PLAN.")
@click.option("--pin-source", default="", metavar="FILE", help="Where step-ca, on its machine, will read the PIN.")
def command(  # noqa: PLR0913 - what the command line has
    *,
    plan_file: Path,
    out_directory: Path,
    archive: Path | None,
    package: Path | None,
    target: Path,
    module: Path | None,
    pin_source: str,
    **given: Unpack[holding.Given],
) -> int:
    """Hold the recovery of PLAN: guided, witnessed, and reported. 'escrow recover' is the same without all that.

    Two officers open it; who called for what, and who agreed, is journalled; a quorum is read from paper, each wrong
    sheet named; every key is proved; those that PLAN names are written to --to, encrypted under a new password or to
    the recipient's key of PLAN, or stored in the token of PLAN (--module; its PIN is asked); all else is wiped, and
    sheets go into new bags. Follows an archive, or where none is left the package alone. After a crash the same command
    goes on, from paper. Needs a terminal, and no printer. A sheet that cannot be scanned is typed.

    With --to below /dev/shm no disk gets a key, and step-ca starts from there. To become step-ca, as 'escrow recover
    --exec' does, is not for a ceremony: it goes on when its keys are wiped, and is not held where a CA serves.

    The folder --out gets public records only; the transcript is the report. Exit status 0: closed, and copied.
    """
    plan = load(plan_file)
    if not plan.recovery:
        message = f"{plan_file} has no [recovery]: it is no plan of one. See 'escrow init --for recovery'."
        raise click.UsageError(message)
    to, out = target.resolve(), out_directory.resolve()
    if to.is_relative_to(out) or out.is_relative_to(to):
        message = "--to gets keys, and --out public records that are copied: keep them apart."
        raise click.UsageError(message)
    return holding.hold_at_terminal(
        plan,
        out_directory,
        **given,
        password_files=(),
        printer=NoPrinter,
        before=before.found(plan, plan.recovery, archive, package),
        target=Target(target, _token(plan.recovery, module, pin_source)),
    )


def _token(recovery: Recovery, module: Path | None, pin_source: str) -> Token | None:
    """The token that the plan has. Raises UsageError where the options do not go with it."""
    if recovery.token and module:
        return Token(module.absolute(), recovery.token, pin_source)
    if recovery.token:
        message = f"The keys go into the token {recovery.token}: name with --module what drives it."
        raise click.UsageError(message)
    if module or pin_source:
        message = "--module and --pin-source belong to a token, and the plan has none in [recovery]."
        raise click.UsageError(message)
    return None
