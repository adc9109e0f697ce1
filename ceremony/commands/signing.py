"""What the three commands of sessions have in common. No command."""

from collections.abc import Callable
from pathlib import Path

import click

from ceremony import options
from ceremony.commands.holding import hold_at_terminal
from ceremony.planning.plan import load
from ceremony.planning.session_tables import Crl, CrossSign, SignIntermediate
from ceremony.run import before
from ceremony.run.paper import NoPrinter

Command = Callable[..., int]
_TABLES = {SignIntermediate: "sign_intermediate", Crl: "crl", CrossSign: "cross_sign"}


def session(name: str, text: str) -> click.Command:
    """A command that holds the session of a plan with this table."""

    def command(  # noqa: PLR0913, PLR0917 - one parameter an option
        plan_file: Path,
        out_directory: Path,
        archive: Path,
        package: Path | None,
        scans: Path | None,
        camera: Path | None,
        *,
        rehearsal: Path | None,
        allow_disk: bool,
    ) -> int:
        plan = load(plan_file)
        table = name.replace("-", "_")
        if not plan.session or _TABLES[type(plan.session.task)] != table:
            message = f"{plan_file} has no [{table}]: it is no plan of such a session. See 'escrow init --for {name}'."
            raise click.UsageError(message)
        return hold_at_terminal(
            plan,
            out_directory,
            scans=scans,
            camera=camera,
            rehearsal=rehearsal,
            password_files=(),
            allow_disk=allow_disk,
            printer=NoPrinter,
            before=before.read(plan, plan.session, archive, package),
        )

    command.__doc__ = text + _ALIKE
    made: Command = command
    for add in reversed(_OPTIONS):
        made = add(made)
    return click.command(name=name)(made)


_OPTIONS = (
    click.argument("plan_file", metavar="PLAN", type=options.PATH),
    click.option("--archive", required=True, type=options.PATH, metavar="DIR", help="The archive that PLAN follows."),
    click.option("--package", type=options.PATH, metavar="FILE", help="Another copy of its package."),
    click.option("--out", "out_directory", required=True, type=options.PATH, metavar="DIR", help="Its own folder."),
    click.option("--scans", type=options.PATH, metavar="DIR", help="Where the scanner's program writes, in memory."),
    options.camera,
    click.option("--rehearsal", type=options.PATH, metavar="DIR", help="Where the last rehearsal of PLAN was left."),
    options.allow_disk,
)

_ALIKE = """

    A small ceremony: two officers open it, what is signed is shown, linted and fixed, a quorum is read from paper, the
    root's key signs it in locked memory and is wiped, sheets go into new bags. Needs a terminal, and no printer.
    DIR gets public records only, at the end the signed archive, which the next session follows. After a crash the same
    command goes on, and signs the very same bytes. Exit status 0: closed, and copied.
    """
