"""Hold a ceremony at the terminal: what all commands that do have in common, options too. No command."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import click

from ceremony import options
from ceremony.interrupt import Interrupted
from ceremony.planning.lints import lint
from ceremony.planning.plan import Plan
from ceremony.planning.rehearsed import rehearsed
from ceremony.preflight.checks.clock import is_on
from ceremony.rules.state import Phase, State
from ceremony.run.archive import read_journal
from ceremony.run.before import Last
from ceremony.run.examine import look
from ceremony.run.journal import FILE as JOURNAL
from ceremony.run.keeping import keep_archive
from ceremony.run.paper import Camera, Paper, Scans, Tray
from ceremony.run.questions import Asked
from ceremony.run.session import ended, hold
from ceremony.run.work import Target
from ceremony.terminal import printers
from ceremony.terminal.console import Passwords, Progress, enter_pressed, say
from ceremony.terminal.desk import TerminalDesk
from ceremony.terminal.sheets import type_sheet
from escrow import __version__
from escrow.errors import RefusedError
from escrow.paper.sheet import design_of
from escrow.printing import Printer
from escrow.share import Kind

Command = Callable[..., int]


class Given(TypedDict):
    """What the options of `common` give, besides PLAN and its folder."""

    scans: Path | None
    camera: Path | None
    rehearsal: Path | None
    allow_disk: bool


class Printed(Given, printers.Printing):
    """The same, where something is printed."""

    tray: Path | None


_COMMON = (
    click.argument("plan_file", metavar="PLAN", type=options.PATH),
    click.option("--out", "out_directory", required=True, type=options.PATH, metavar="DIR", help="Its own folder."),
    click.option("--scans", type=options.PATH, metavar="DIR", help="Where the scanner's program writes, in memory."),
    options.camera,
    click.option("--rehearsal", type=options.PATH, metavar="DIR", help="Where the last rehearsal of PLAN was left."),
    options.allow_disk,
)
_FOLLOWING = (
    click.option("--archive", required=True, type=options.PATH, metavar="DIR", help="The archive that PLAN follows."),
    click.option("--package", type=options.PATH, metavar="FILE", help="Another copy of its package."),
)
_PRINTING = (
    click.option("--tray", type=options.PATH, metavar="DIR", help="Specimen only: sheets into a folder, not printed."),
    printers.options,
)


def common(command: Command) -> Command:
    """Add what every command has that holds a ceremony: PLAN, its folder, and where paper is read."""
    return _with(_COMMON, command)


def following(command: Command) -> Command:
    """Add what names the archive that a plan follows."""
    return _with(_FOLLOWING, command)


def printing(command: Command) -> Command:
    """Add what says where sheets are printed."""
    return _with(_PRINTING, command)


def _with(added: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for add in reversed(added):
        command = add(command)
    return command


def hold_printing(
    plan: Plan, out: Path, given: Printed, password_files: tuple[str, ...] = (), before: Last | None = None
) -> int:
    """Hold a ceremony that prints. Raises UsageError unless a printer or, for practice, a tray was named."""
    tray, kind = given["tray"], plan.ceremony.kind
    if (tray is None) == (given["printer"] is None and given["device"] is None):
        message = "Name one of --printer, --device and --tray."
        raise click.UsageError(message)
    if tray is not None and kind is Kind.PRODUCTION:
        message = "--tray is for specimen ceremonies: production prints on paper."
        raise click.UsageError(message)

    def printer() -> Printer:
        media = design_of(plan.stationery, groups=len(plan.groups) > 1).media
        return Tray(tray) if tray else printers.printer(given, media, kind, allow_disk=given["allow_disk"])

    return hold_at_terminal(
        plan,
        out,
        scans=given["scans"],
        camera=given["camera"],
        rehearsal=given["rehearsal"],
        password_files=password_files,
        allow_disk=given["allow_disk"],
        printer=printer,
        before=before,
    )


def hold_at_terminal(  # noqa: PLR0913 - all that a ceremony is held with
    plan: Plan,
    out: Path,
    *,
    scans: Path | None,
    camera: Path | None,
    rehearsal: Path | None,
    password_files: tuple[str, ...],
    allow_disk: bool,
    printer: Callable[[], Printer],
    before: Last | None = None,
    step_ca: Path | None = None,
    target: Target | None = None,
) -> int:
    """Hold a ceremony to its end, and have its archive copied; the exit status."""
    kind = plan.ceremony.kind
    if (scans is None) == (camera is None):
        message = "Name one of --scans and --camera: where sheets are read back from paper."
        raise click.UsageError(message)
    if state := ended(plan, out):
        return _keep(plan, out, state)
    now = dt.datetime.now(dt.UTC)
    begun = _is_begun(out)
    if not begun:  # what was begun by a plan goes on by it, whatever the day
        _refuse_unwise(plan, rehearsal, now)
    if kind is Kind.SPECIMEN and plan.ca.tree:
        say("CAREFUL: the keys of this specimen are real. Its package and sheets open them: destroy both after.")
    with Progress() as progress:
        preflight = look(plan, progress, now, "begun before, and gone on with" if begun else "")
    options.protect_process(kind)
    device = printer()
    paper = _paper(scans, camera, allow_disk=allow_disk or kind is Kind.SPECIMEN)
    desk = TerminalDesk()
    if kind is Kind.SPECIMEN:  # what was said until here is on no page; production has refused by now
        desk.line(Asked.BEGIN, {})
    passwords = Passwords(options.read_passwords(password_files), desk.password)
    with Progress() as progress, _noted():
        state = hold(
            plan,
            out=out,
            printer=device,
            paper=paper,
            passwords=passwords,
            forget_passwords=passwords.close,
            desk=desk,
            preflight=preflight,
            progress=progress,
            version=__version__,
            before=before,
            step_ca=step_ca,
            target=target,
        )
    return _keep(plan, out, state)


def _keep(plan: Plan, out: Path, state: State) -> int:
    """Say how it ended, and have the archive copied."""
    say(f"The ceremony is {state.phase.value}. Its archive: {out}")
    kept = keep_archive(plan, out, TerminalDesk(), plan.ceremony.kind)
    passed = state.done.get("judge", {}).get("passed", True)  # what is no drill is not judged
    return 0 if state.phase is Phase.CLOSED and kept and passed else 1


def _paper(scans: Path | None, camera: Path | None, *, allow_disk: bool) -> Paper:
    """Where sheets are read back: of the two, the one that was named."""
    if scans:
        return Scans(scans, type_sheet, allow_disk=allow_disk)
    return Camera(camera or Path(), enter_pressed, type_sheet, allow_disk=allow_disk)


@contextmanager
def _noted() -> Iterator[None]:
    """Whoever ends the program is told that the ceremony has not ended."""
    try:
        yield
    except Interrupted as error:
        error.add_note("The ceremony has not ended: the same command goes on with it. What was in memory is lost.")
        raise


def _is_begun(out: Path) -> bool:
    """Whether a folder has the journal of a ceremony that was begun: an empty file is none."""
    return (out / JOURNAL).exists() and any(entry.event == "session" for entry in read_journal(out))


def _refuse_unwise(plan: Plan, rehearsal: Path | None, now: dt.datetime) -> None:
    """Raise RefusedError for a plan against which an error stands; a specimen ceremony only says so."""
    last = rehearsed(rehearsal, plan) if rehearsal else None
    # The clock is in UTC, and in the evening of the planned day in America it is a day ahead of the plan.
    today = next((day for day in plan.days if is_on(day, now)), now.date())
    standing = [each for each in lint(plan, today, last) if each.stands]
    for finding in standing:
        say(f"{finding.lint}: {finding.text}")
    if standing and plan.ceremony.kind is Kind.PRODUCTION:
        message = (
            "Nothing was begun. A rehearsal is proved by --rehearsal DIR, and made in seconds by 'escrow rehearse PLAN "
            "--auto --out DIR'. What else is found is mended or waived in the plan: 'escrow lint' says more."
        )
        raise RefusedError(message)
