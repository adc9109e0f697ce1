"""`escrow preflight`: is this machine fit for the ceremony?"""

import datetime as dt
import json
import sys
from pathlib import Path

import click

from ceremony import options, spoken
from ceremony.planning.plan import load
from ceremony.preflight.checklist import Expected
from ceremony.preflight.checks.clock import PEOPLE, Day, clock_drift
from ceremony.preflight.inventory import planned, take
from ceremony.preflight.machine import Machine
from ceremony.preflight.run import failures, run
from ceremony.preflight.show import as_json as to_json
from ceremony.preflight.show import table
from ceremony.terminal.console import Progress, say
from escrow.errors import UsageError

_FORMAT = "%Y-%m-%d %H:%M:%S"
_REFUSED = 3


@click.command(name="preflight")
@click.argument("plan", required=False, type=options.PATH)
@click.option("--ask-time", is_flag=True, help="Let two people type the time from their watches.")
@click.option("--tool-words", metavar="WORDS", default="", help="The printed words of the program's hash, to compare.")
@click.option("--inventory", is_flag=True, help="Write the table [machine] of a plan: what this machine has now.")
@options.as_json
def command(plan: Path | None, *, ask_time: bool, tool_words: str, inventory: bool, as_json: bool) -> int:
    """Check whether this machine is fit for the ceremony of PLAN, or for any. Writes nothing; any account will do.

    Each entry says what is required, what was found, how it was measured, and what to do. PLAN may waive a check
    by its id, with a reason, under [[waiver]]. Exit status: 0 only if nothing failed that is not waived, else 3.
    """
    if inventory:
        click.echo(take(Machine()).as_table)
        return 0
    read = load(plan) if plan else None
    waivers = read.reasons if read else {}
    plan_words = read.words if read else ()
    drifts = tuple(_ask_time(number) for number in range(1, PEOPLE + 1)) if ask_time else ()
    devices = planned(read.machine) if read else None
    day = Day(dt.datetime.now(dt.UTC), read.days, "" if ask_time else "not the day yet") if read else None
    prints = read.prints if read else True
    expected = Expected(devices, tuple(tool_words.split()), drifts, day, prints)
    with Progress() as progress:
        results = run(Machine(), waivers, progress, expected)
    if as_json:
        click.echo(json.dumps({"plan_words": plan_words, **to_json(results)}, indent=2, ensure_ascii=False))
    else:
        heading = [f"{'' if number else 'Plan':<8}{row}" for number, row in enumerate(spoken.rows_of(plan_words))]
        click.echo("\n".join([*heading, *([""] if heading else []), table(results)]))
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
