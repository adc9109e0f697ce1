"""`escrow refresh`: a new set for the same keys."""

from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.commands import holding
from ceremony.custody.drilled import noted
from ceremony.planning.plan import load
from ceremony.run import before


@click.command(name="refresh")
@holding.common
@holding.following
@options.noting
@holding.printing
def command(
    plan_file: Path,
    out_directory: Path,
    archive: Path,
    package: Path | None,
    *,
    register: Path | None,
    **given: Unpack[holding.Printed],
) -> int:
    """Make a new set for the same keys, by PLAN: a new wrapping key, package and sheets; perhaps other custodians.

    A quorum of old sheets opens the old package in locked memory; then it is as when a CA is sealed. The old set counts
    until the new one is proved from paper and the old one is superseded; then old sheets are destroyed, each with a
    certificate. A refresh is no revocation: a quorum of old sheets opens any old copy. Who suspects that somebody has
    the keys needs new ones. Needs a terminal. DIR gets public records only. After a crash the same command goes on.
    Exit status 0: closed, and copied; 'escrow register' enters the new set.
    """
    plan = load(plan_file)
    if not plan.refresh:
        message = f"{plan_file} has no [refresh]: it is no plan of a refresh. See 'escrow init --for refresh'."
        raise click.UsageError(message)
    last = before.examined(plan, plan.refresh.before, archive, package)
    return holding.hold_printing(plan, out_directory, given, before=noted(last, register) if register else last)
