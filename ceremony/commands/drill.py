"""`escrow drill`: try whether a quorum, a package and people are there."""

import os
from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands import holding
from ceremony.custody.drilled import noted
from ceremony.planning.plan import load
from ceremony.rules.drilling.steps import Level
from ceremony.run import before
from ceremony.run.paper import NoPrinter
from escrow import scratch


@click.command(name="drill")
@holding.common
@holding.following
@options.noting
@click.option("--step-ca", type=options.PATH, metavar="FILE", help="For T4: the program step-ca; else the one on PATH.")
def command(  # noqa: PLR0913 - one parameter an option
    *,
    plan_file: Path,
    out_directory: Path,
    archive: Path,
    package: Path | None,
    register: Path | None,
    step_ca: Path | None,
    **given: Unpack[holding.Given],
) -> int:
    """Hold the drill of PLAN, as far as its level says; nothing is printed or exported, and the root signs nothing.

    T0: people are reached, nobody opens anything. T1: closed bags are shown, their numbers compared with those noted.
    T2: sheets are opened and read one by one. T3: a quorum from paper opens the package in locked memory, each key is
    proved against its certificate and wiped. T4: as T3, and the real step-ca starts from what was restored, in memory
    and on loopback alone, and issues one certificate. What was opened goes into new bags. The time is taken; the
    transcript is the report. Needs a terminal. DIR gets public records only, at the end the signed archive, which what
    comes next follows; 'escrow register' enters it. Exit status 0: closed, copied, and passed; 1 if it has not passed.
    """
    plan = load(plan_file)
    if not plan.drill:
        message = f"{plan_file} has no [drill]: it is no plan of a drill. See 'escrow init --for drill'."
        raise click.UsageError(message)
    program = step_ca or scratch.found()
    if plan.drill.level == Level.T4.name and not (program and os.access(program, os.X_OK)):
        message = "A drill of level T4 starts step-ca, and it is not there: name the program with --step-ca FILE."
        raise click.UsageError(message)
    last = before.examined(plan, plan.drill.before, archive, package)
    return holding.hold_at_terminal(
        plan,
        out_directory,
        **given,
        password_files=(),
        printer=NoPrinter,
        before=noted(last, register) if register else last,
        step_ca=program.absolute() if program else None,
    )
