"""`escrow rehearse`: the whole way onto paper and back, with a throw-away CA."""

import datetime as dt
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from ceremony import options
from ceremony.run.paper import DPI, photograph
from ceremony.terminal.console import Passwords, Progress, say
from escrow import recovery, sealing
from escrow.authority import import_tree
from escrow.errors import KeyFileError
from escrow.files import NewFiles, is_memory_backed
from escrow.issuing.make import generate
from escrow.memory import Secret
from escrow.policy import Policy
from escrow.progress import Progress as Report
from escrow.share import Kind

THRESHOLD = 3
CUSTODIANS = ("Ada Lovelace", "Blaise Pascal", "Chien-Shiung Wu", "David Blackwell", "Emmy Noether")


@click.command(name="rehearse")
@click.argument("plan_file", metavar="[PLAN]", required=False, type=options.PATH)
@click.option("--out", "out_directory", type=options.PATH, metavar="DIR", help="Keep everything that was made here.")
@click.option("--auto", is_flag=True, help="With PLAN: ask nobody, answer everything as it should be.")
@options.password_files
def command(
    plan_file: Path | None, out_directory: Path | None, password_files: tuple[str, ...], *, auto: bool
) -> int | None:
    """Rehearse. Without PLAN, with a throw-away CA: generate, seal 3 of 5, print to pictures, read back, restore.

    With PLAN, hold its whole ceremony with specimen material, step by step, a loss of power and a recovery included,
    and leave the same archive in DIR. Needs no printer and no scanner, and works where memory cannot be locked: what
    stands for paper lies in memory (/dev/shm) meanwhile, all of it specimen.
    """
    if plan_file is None and (auto or password_files):
        message = "--auto and --password-file belong to a PLAN."
        raise click.UsageError(message)
    if plan_file is not None:
        return _by_plan(plan_file, out_directory, password_files, auto=auto)
    options.protect_process(Kind.SPECIMEN)
    if out_directory is not None:
        NewFiles(out_directory).check_absent([sealing.PACKAGE_FILE])
    with _directory(out_directory) as directory, Progress() as progress:
        proved = rehearse(directory, progress)
    say("Rehearsal complete. Proved:")
    for line in proved:
        say(f"  * {line}")
    if out_directory is not None:
        say(f"Everything was kept in {out_directory}: look at the sheets in shares/.")
    say("All of this was SPECIMEN material: production refuses it.")
    return None


def _by_plan(plan_file: Path, out_directory: Path | None, password_files: tuple[str, ...], *, auto: bool) -> int:
    from ceremony.planning.plan import load
    from ceremony.rules.state import Phase
    from ceremony.run.examine import look
    from ceremony.run.journal import FILE as JOURNAL
    from ceremony.run.questions import Asked
    from ceremony.run.rehearsal import rehearse_plan
    from ceremony.terminal.desk import TerminalDesk

    plan = load(plan_file)
    if out_directory is not None:
        NewFiles(out_directory).check_absent([JOURNAL])
    with Progress() as progress:
        preflight = look(plan, progress, dt.datetime.now(dt.UTC), "a rehearsal")
    options.protect_process(Kind.SPECIMEN)
    desk = TerminalDesk("the rehearsal has to begin anew")
    if not auto:  # what was said until here is on no page
        desk.line(Asked.BEGIN, {})
    with _directory(out_directory) as directory, _directory(None) as paper, Progress() as progress:
        state = rehearse_plan(
            plan,
            out=directory,
            paper=paper,
            desk=None if auto else desk,
            preflight=preflight,
            passwords=Passwords(options.read_passwords(password_files), desk.password),
            progress=progress,
            show=say,
        )
    say(f"The rehearsal is {state.phase.value}: {len(state.done)} steps in {state.sessions} sessions.")
    if state.phase is not Phase.CLOSED:
        return 1
    if plan.session:
        say("A throw-away root signed what the plan says, by a quorum from paper, after a loss of power.")
    elif plan.recovery:
        say("A throw-away CA was recovered as the plan says, through a loss of power where sheets are read.")
    elif plan.refresh:
        say("A throw-away CA passed to a new set, through a loss of power, and was restored from it.")
    elif plan.drill:
        say("The drill was held with the sheets of a throw-away CA, through a loss of power where sheets are read.")
    elif plan.reissue:
        say("One share of a throw-away CA was made again from others, after a loss of power, and proven from paper.")
    else:
        say("The CA was restored from one copy of the package and a quorum of sheets,")
        say("and every key fits its certificate.")
    if out_directory is not None:
        say(f"Its archive: {out_directory}")
    return 0


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    """The directory that was named, or one in memory that is removed afterwards."""
    if given is not None:
        try:
            yield given
        except BaseException as error:
            if given.exists():
                error.add_note(f"{given} has what was made until then, all of it specimen: remove it, and begin again.")
            raise
        return
    where = Path("/dev/shm") if is_memory_backed(Path("/dev/shm")) else None  # noqa: S108 - memory is what is wanted
    with tempfile.TemporaryDirectory(dir=where) as directory:
        yield Path(directory)


def rehearse(directory: Path, progress: Report) -> list[str]:
    """Carry the rehearsal out in a directory and return what was proved. Raises EscrowError."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    policy = Policy.plain(THRESHOLD, len(CUSTODIANS))
    authority = generate("Rehearsal", now, progress)
    with NewFiles(directory) as out:
        sealing.seal(authority, sealing.Order(Kind.SPECIMEN, policy, CUSTODIANS, now), out, progress)
        out.publish()
    pages = _take_pictures(directory, [sealing.sheet_file(policy, p) for p in policy.positions], progress)
    sealed = recovery.read_package(directory / sealing.PACKAGE_FILE, progress)
    collection = recovery.gather(sealed.manifest, pages, keep=True, progress=progress)
    recovery.require_quorum(collection)
    quorums = list(itertools.combinations(sorted(collection.shares), THRESHOLD))
    for number, quorum in enumerate(quorums):
        progress("Recombining every quorum", number, len(quorums))
        with recovery.recombine(collection.only(quorum)):
            pass
    progress("Recombining every quorum", len(quorums), len(quorums))
    with recovery.recombine(collection.only(quorums[0])) as wrapping_key:
        members = recovery.open_checked(sealed, wrapping_key)
    restored = directory / "restored"
    with Secret.of(b"rehearsal") as password:
        with NewFiles(restored) as out:
            recovery.restore(sealed.manifest, members, (), password, out=out, progress=progress)
            out.publish()
        again = import_tree(restored, Passwords({None: password}), progress, now)
    same = all(one.key.pem.matches(other.key.pem) for one, other in zip(authority.keys, again.keys, strict=True))
    if not same:
        message = "The restored keys are not the generated ones."
        raise KeyFileError(message)
    return [
        f"{len(authority.keys)} keys were generated, sealed and split {policy}; the package opens.",
        f"{len(pages)} sheets were printed to pictures at {DPI} dpi, and every share was read back from its picture.",
        f"All {len(quorums)} quorums of {THRESHOLD} recombine to the same wrapping key.",
        "The restored keys are the generated ones, bit for bit, and fit their certificates.",
    ]


def _take_pictures(directory: Path, sheets: Sequence[str], progress: Report) -> list[Path]:
    """Rasterise the sheets: what a scanner would make of them. One worker a sheet: no process sees two shares."""
    with NewFiles(directory) as out:
        for number, name in enumerate(sheets):
            progress("Taking pictures of the sheets", number, len(sheets))
            photograph(directory / name, out, _picture_file(name))
        out.publish()
    progress("Taking pictures of the sheets", len(sheets), len(sheets))
    return [directory / _picture_file(name) for name in sheets]


def _picture_file(sheet: str) -> str:
    return f"pictures/{Path(sheet).stem}.png"
