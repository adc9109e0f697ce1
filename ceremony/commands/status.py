"""`escrow status`: how the current set stands."""

import datetime as dt
import json
from pathlib import Path

import click

from ceremony import options
from ceremony.custody import telling
from ceremony.custody.book import read
from ceremony.custody.status import Severity, standing
from escrow.errors import EscrowError

_UNKNOWN = 3


@click.command(name="status")
@options.register
@options.as_json
@click.option("--metrics", is_flag=True, help="Print metrics in Prometheus' text format.")
@click.option("--nagios", is_flag=True, help="One line, and the exit status of a monitoring plugin: 0, 1, 2 or 3.")
@options.as_of
def command(register: Path, day: dt.date | None, *, as_json: bool, metrics: bool, nagios: bool) -> int:
    """Say how many shares may still be lost, what is overdue, what ends soon, and what to do: from REGISTER.

    Only a share that was attested within a year counts for the margin. Exit status: 0 if there is nothing to do, 1 if
    there is; with --nagios 1 for a warning, 2 if it is critical, 3 if the register cannot be read.
    """
    if as_json + metrics + nagios > 1:
        message = "Choose one of --json, --metrics and --nagios."
        raise click.UsageError(message)
    try:
        found = standing(read(register), day or options.today())
    except EscrowError as error:
        if not nagios:
            raise
        click.echo(f"ESCROW UNKNOWN - {' '.join(str(error).split())}")
        return _UNKNOWN
    if found is None:
        click.echo("ESCROW UNKNOWN - no set is in the register" if nagios else "No set is in the register.")
        return _UNKNOWN if nagios else 1
    if as_json:
        click.echo(json.dumps(telling.as_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join((telling.metrics if metrics else telling.nagios if nagios else telling.status)(found)))
    return int(found.severity) if nagios else int(found.severity is not Severity.OK)
