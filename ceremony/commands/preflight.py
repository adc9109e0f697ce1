"""`escrow preflight`: is this machine fit for the ceremony?"""

import datetime as dt
import json
import sys

import click

from ceremony import options
from ceremony.console import Progress, say
from ceremony.preflight.checklist import Expected
from ceremony.preflight.checks.clock import PEOPLE, clock_drift
from ceremony.preflight.machine import Machine
from ceremony.preflight.run import failures, run
from ceremony.preflight.show import as_json as to_json
from ceremony.preflight.show import table
from escrow.errors import UsageError

_FORMAT = "%Y-%m-%d %H:%M:%S"
_REFUSED = 3


@click.command(name="preflight")
@click.option("--ask-time", is_flag=True, help="Let two people type the time from their watches.")
@click.option("--tool-words", metavar="WORDS", default="", help="The printed words of the program's hash, to compare.")
@options.as_json
def command(*, ask_time: bool, tool_words: str, as_json: bool) -> int:
    """Check whether this machine is fit for the ceremony. Writes nothing; needs no special account.

    Each line says what is required, how it was measured, what was found, and what to do. Exit status 0 only if
    nothing failed, else 3.
    """
    drifts = tuple(_ask_time(number) for number in range(1, PEOPLE + 1)) if ask_time else ()
    expected = Expected(tool_words=tuple(tool_words.split()), drifts=drifts)
    with Progress() as progress:
        results = run(Machine(), {}, progress, expected)
    click.echo(json.dumps(to_json(results), indent=2) if as_json else table(results))
    return _REFUSED if failures(results) else 0


def _ask_time(number: int) -> dt.timedelta:
    """How far the clock is from what one person types. The clock's own time is not shown before."""
    if not sys.stdin.isatty():
        message = "--ask-time asks two people at a terminal, and there is none."
        raise UsageError(message)
    while True:
        say(f"Person {number} of {PEOPLE}: the time in UTC from your own watch, as YYYY-MM-DD HH:MM:SS, then Enter:")
        line = sys.stdin.readline()
        now = dt.datetime.now(dt.UTC)
        if not line:
            message = "The terminal was closed before the time was typed."
            raise UsageError(message)
        try:
            typed = dt.datetime.strptime(line.strip(), _FORMAT).replace(tzinfo=dt.UTC)
        except ValueError:
            say("That is no time. An example: 2030-01-15 09:59:30")
            continue
        return clock_drift(now, [typed])
