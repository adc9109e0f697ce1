"""`escrow run`: hold a ceremony."""

import datetime as dt
from pathlib import Path
from typing import Unpack

import click

from ceremony import options
from ceremony.planning.lints import lint
from ceremony.planning.plan import Plan, load
from ceremony.planning.rehearsed import rehearsed
from ceremony.rules.state import Phase, State
from ceremony.run.examine import look
from ceremony.run.journal import FILE as JOURNAL
from ceremony.run.keeping import keep_archive
from ceremony.run.paper import Scans, Tray
from ceremony.run.session import ended, hold
from ceremony.terminal import printers
from ceremony.terminal.console import Passwords, Progress, say
from ceremony.terminal.desk import TerminalDesk
from escrow import __version__
from escrow.errors import RefusedError
from escrow.paper.sheet import design_of
from escrow.share import Kind


@click.command(name="run")
@click.argument("plan_file", metavar="PLAN", type=options.PATH)
@click.option("--out", "out_directory", required=True, type=options.PATH, metavar="DIR", help="The ceremony's folder.")
@click.option(
    "--scans", required=True, type=options.PATH, metavar="DIR", help="Where the scanner's program writes, in memory."
)
@click.option("--tray", type=options.PATH, metavar="DIR", help="Specimen only: sheets into a folder, nothing printed.")
@click.option("--rehearsal", type=options.PATH, metavar="DIR", help="Where the last rehearsal of this plan was left.")
@printers.options
@options.password_files
@options.allow_disk
def command(  # noqa: PLR0913 - one parameter an option
    plan_file: Path,
    out_directory: Path,
    scans: Path,
    tray: Path | None,
    rehearsal: Path | None,
    *,
    password_files: tuple[str, ...],
    allow_disk: bool,
    **printing: Unpack[printers.Printing],
) -> int:
    """Hold the ceremony of PLAN, step by step, as its printed script says. Needs a terminal.

    DIR gets public records only: journal, package, certificates, documents, and at the end the signed archive.
    After a crash or a loss of power the same command goes on, from the journal and from paper. After the end it copies
    the archive to the media that the plan names, and may be given again for that. Exit status 0: closed, and copied.
    """
    plan = load(plan_file)
    kind = plan.ceremony.kind
    if (tray is None) == (printing["printer"] is None and printing["device"] is None):
        message = "Name one of --printer, --device and --tray."
        raise click.UsageError(message)
    if tray is not None and kind is Kind.PRODUCTION:
        message = "--tray is for specimen ceremonies: production prints on paper."
        raise click.UsageError(message)
    if state := ended(plan, out_directory):
        return _keep(plan, out_directory, state)
    if not (out_directory / JOURNAL).exists():  # what was begun by a plan goes on by it, whatever the day
        _refuse_unwise(plan, rehearsal)
    if kind is Kind.SPECIMEN and plan.ca.tree:
        say("CAREFUL: the keys of this specimen are real. Its package and sheets open them: destroy both after.")
    with Progress() as progress:
        preflight = look(plan, progress)
    options.protect_process(kind)
    media = design_of(plan.stationery, groups=len(plan.groups) > 1).media
    printer = Tray(tray) if tray else printers.printer(printing, media, kind, allow_disk=allow_disk)
    say("Ctrl-C ends the program, not the ceremony: the same command goes on. What was in memory is lost then.")
    with Progress() as progress:
        state = hold(
            plan,
            out=out_directory,
            printer=printer,
            paper=Scans(scans, allow_disk=allow_disk or kind is Kind.SPECIMEN),
            passwords=Passwords(options.read_passwords(password_files)),
            desk=TerminalDesk(),
            preflight=preflight,
            progress=progress,
            version=__version__,
        )
    return _keep(plan, out_directory, state)


def _keep(plan: Plan, out: Path, state: State) -> int:
    """Say how it ended, and have the archive copied."""
    say(f"The ceremony is {state.phase.value}. Its archive: {out}")
    kept = keep_archive(plan, out, TerminalDesk(), plan.ceremony.kind)
    return 0 if state.phase is Phase.CLOSED and kept else 1


def _refuse_unwise(plan: Plan, rehearsal: Path | None) -> None:
    """Raise RefusedError for a plan against which an error stands; a specimen ceremony only says so."""
    last = rehearsed(rehearsal, plan) if rehearsal else None
    standing = [each for each in lint(plan, dt.datetime.now(dt.UTC).astimezone().date(), last) if each.stands]
    for finding in standing:
        say(f"{finding.lint}: {finding.text}")
    if standing and plan.ceremony.kind is Kind.PRODUCTION:
        message = (
            "Nothing was begun. A rehearsal is proved by --rehearsal DIR, and made in seconds by 'escrow rehearse PLAN "
            "--auto --out DIR'. What else is found is mended or waived in the plan: 'escrow lint' says more."
        )
        raise RefusedError(message)
