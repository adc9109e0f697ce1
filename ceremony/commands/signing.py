"""What the three commands of sessions have in common. No command."""

from pathlib import Path
from typing import Unpack

import click

from ceremony.commands import holding
from ceremony.planning.plan import load
from ceremony.planning.session_tables import Crl, CrossSign, SignIntermediate
from ceremony.run import before
from ceremony.run.paper import NoPrinter

_TABLES = {SignIntermediate: "sign_intermediate", Crl: "crl", CrossSign: "cross_sign"}


def session(name: str, text: str) -> click.Command:
    """A command that holds the session of a plan with this table."""

    def command(
        plan_file: Path,
        out_directory: Path,
        archive: Path,
        package: Path | None,
        **given: Unpack[holding.Given],
    ) -> int:
        plan = load(plan_file)
        table = name.replace("-", "_")
        if not plan.session or _TABLES[type(plan.session.task)] != table:
            message = f"{plan_file} has no [{table}]: it is no plan of such a session. See 'escrow init --for {name}'."
            raise click.UsageError(message)
        return holding.hold_at_terminal(
            plan,
            out_directory,
            **given,
            password_files=(),
            printer=NoPrinter,
            before=before.read(plan, plan.session, archive, package),
        )

    command.__doc__ = text + _ALIKE
    return click.command(name=name)(holding.common(holding.following(command)))


_ALIKE = """

    A small ceremony: two officers open it, what is signed is shown, linted and fixed, a quorum is read from paper, the
    root's key signs it in locked memory and is wiped, sheets go into new bags. Needs a terminal, and no printer.
    DIR gets public records only, at the end the signed archive, which the next session follows. After a crash the same
    command goes on, and signs the very same bytes. Exit status 0: closed, and copied.
    """
