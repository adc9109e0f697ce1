"""`escrow audit`: is this archive what the ceremony left?"""

import json
from pathlib import Path

import click

from ceremony import options
from ceremony.planning.plan import load
from ceremony.rules.engine import Engine
from ceremony.rules.steps import steps
from ceremony.run.archive import PLAN_FILE, audit


@click.command(name="audit")
@click.argument("archive", type=options.PATH)
@click.option(
    "--words",
    "heads",
    multiple=True,
    metavar="WORDS",
    help="The first three words and the last of the journal's head, as a witness wrote them at any checkpoint.",
)
@options.as_json
def command(archive: Path, heads: tuple[str, ...], *, as_json: bool) -> int:
    """Check the ARCHIVE of a ceremony: journal, rules, signatures, hashes, completeness, and the witnesses' words.

    Exit status 0 only if nothing was changed. Without --words it is proved that the archive fits itself. Words prove
    the journal up to the checkpoint at which they were written: give those of the last one, best of several witnesses.
    """
    plan = load(archive / PLAN_FILE)
    engine = Engine(steps(plan.policy, len(plan.packages)), plan.policy)
    findings = audit(archive, engine, plan.digest, [_head(text) for text in heads])
    if as_json:
        click.echo(json.dumps({"findings": findings, "words": len(heads)}, indent=2))
    else:
        click.echo("\n".join(findings) or "The archive is as it was left.")
        if not heads:
            click.echo("No witness's words were compared: the archive fits itself, and anybody could have made it so.")
    return 1 if findings else 0


def _head(text: str) -> tuple[str, ...]:
    words = text.split()
    if len(words) != 4:  # noqa: PLR2004 - what a witness writes down
        message = "--words are four words: the first three and the last, in quotes."
        raise click.UsageError(message)
    return tuple(words)
