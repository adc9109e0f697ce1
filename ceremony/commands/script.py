"""`escrow script`: a plan's ceremony onto paper."""

import datetime as dt
import hashlib
from pathlib import Path

import click

from ceremony import options, spoken
from ceremony.forms.script import OFFICERS, WITNESS, documents, files
from ceremony.planning.lints import lint
from ceremony.planning.plan import load
from ceremony.planning.rehearsed import rehearsed
from ceremony.preflight.checks.tool import identity
from ceremony.preflight.machine import Machine
from ceremony.terminal.console import Progress, say
from escrow import __version__
from escrow.files import NewFiles


@click.command(name="script")
@click.argument("plan", type=options.PATH)
@click.option("--out", required=True, type=options.PATH, metavar="DIR", help="Where the documents are written.")
@click.option(
    "--rehearsal",
    type=options.PATH,
    metavar="DIR",
    help="Where the last rehearsal of this plan was left: proves that there was one.",
)
def command(plan: Path, out: Path, rehearsal: Path | None) -> int:
    """Print the script of PLAN's ceremony: officers' copy, witness's copy, materials, receipts in reserve.

    Each witness gets a copy of the witness's script, which alone has the check words. The same plan gives the same
    files, byte for byte; their hashes are shown, to be filled in on the first page. Nothing is printed while an
    error stands against the plan ('escrow lint'), or if the list of steps does not add up.
    """
    read = load(plan)
    last = rehearsed(rehearsal, read) if rehearsal else None
    standing = [each for each in lint(read, dt.datetime.now(dt.UTC).astimezone().date(), last) if each.stands]
    for finding in standing:
        say(f"{finding.lint}: {finding.text}")
    if standing:
        say("Nothing was printed: mend the plan, or waive this in it with a reason. 'escrow lint' says more.")
        return 1
    with Progress() as progress, NewFiles(out) as new:
        new.check_absent(files(read))
        made = dict(documents(read, progress=progress))
        for name, content in made.items():
            new.write(name, content)
        new.publish()
    say(f"{len(made)} documents: {out}")
    for name in (OFFICERS, WITNESS):
        _show(name, hashlib.sha256(made[name]).digest())
    _show(f"escrow {__version__}", identity(Machine()))
    say("Fill these words in on the first pages. Each witness gets a copy of the witness's script.")
    if read.prints:
        say("The receipts are a reserve: the ceremony prints its own; these are filled in only if its printer fails.")
    else:
        say("The receipts are a reserve. There is no printer in the ceremony: labels and receipts for the new bags are")
        say("made before, by 'escrow documents PACKAGE --out DIR'.")
    return 0


def _show(name: str, digest: bytes) -> None:
    say(f"{name:<21} {spoken.first_three_and_last(spoken.words_of(digest))}")
    say(f"{'':<14} {digest.hex()}")
