"""`escrow drill`: try whether a quorum, a package and people are there."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands import holding
from ceremony.custody.drilled import noted
from ceremony.planning.plan import load
from ceremony.run import before
from ceremony.run.paper import NoPrinter


@click.command(name="drill")
@holding.common
@holding.following
@options.noting
def command(
    plan_file: Path,
    out_directory: Path,
    archive: Path,
    package: Path | None,
    *,
    register: Path | None,
    **given: Unpack[holding.Given],
) -> int:
    """Hold the drill of PLAN, as far as its level says; nothing is signed, printed or exported.

    T0: people are reached, nobody opens anything. T1: closed bags are shown, their numbers compared with those noted.
    T2: sheets are opened and read one by one. T3: a quorum from paper opens the package in locked memory, each key is
    proved against its certificate and wiped. What was opened goes into new bags. The time is taken; the transcript is
    the report. Needs a terminal. DIR gets public records only, at the end the signed archive, which what comes next
    follows; 'escrow register' enters it. Exit status 0: closed, and copied; whether it has passed, the report says.
    """
    plan = load(plan_file)
    if not plan.drill:
        message = f"{plan_file} has no [drill]: it is no plan of a drill. See 'escrow init --for drill'."
        raise click.UsageError(message)
    last = before.examined(plan, plan.drill.before, archive, package)
    return holding.hold_at_terminal(
        plan,
        out_directory,
        **given,
        password_files=(),
        printer=NoPrinter,
        before=noted(last, register) if register else last,
    )
