"""Put a ceremony together from its plan and its folder: one session of the program, from begin or after a crash."""

import datetime as dt
import itertools
import random
import time
from collections.abc import Callable
from pathlib import Path

from ceremony.planning.plan import Plan
from ceremony.rules.checker import check
from ceremony.rules.engine import Engine
from ceremony.rules.lists import listing_of
from ceremony.rules.state import State
from ceremony.rules.wording import Wording
from ceremony.run.acts.table import Hands
from ceremony.run.archive import PLAN_FILE, read_journal
from ceremony.run.before import Last
from ceremony.run.examine import Examine
from ceremony.run.journal import FILE, Journal
from ceremony.run.paper import Paper
from ceremony.run.questions import Desk
from ceremony.run.runner import Runner
from ceremony.run.work import Equipment, Target, Workshop
from escrow import handover
from escrow.authority import PasswordSource
from escrow.documents import made_up, try_out
from escrow.errors import RefusedError
from escrow.files import NewFiles, read_public
from escrow.paper.handover import Handover
from escrow.printing import Printer
from escrow.progress import Progress

_MAX_PLAN = 1 << 20


class SystemClock:
    """The machine's clocks."""

    def utc(self) -> str:
        """The time to the second."""
        return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def monotonic(self) -> float:
        """Seconds since the machine was started, sleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


def by_lot() -> random.Random:
    """What draws by lot, from the system's own randomness."""
    return random.SystemRandom()


def hold(  # noqa: PLR0913 - all that a ceremony works with
    plan: Plan,
    *,
    out: Path,
    printer: Printer,
    paper: Paper,
    passwords: PasswordSource,
    forget_passwords: Callable[[], None],
    desk: Desk,
    preflight: Examine,
    progress: Progress,
    version: str,
    before: Last | None = None,
    step_ca: Path | None = None,
    target: Target | None = None,
) -> State:
    """Begin a ceremony in a folder, or go on with the one that is there, to its end. Some follow another.

    Raises RefusedError for the folder of another ceremony, StepsError, JournalError, TemplateError.
    """
    from ceremony.forms.transcript import check_words  # draws, and is not needed by who only asks for --help

    listing = listing_of(plan)
    check(listing)
    engine, wording = Engine(listing), Wording(plan)
    check_words(plan)
    names = [custodian.name for custodian in plan.custodians]
    try_out(made_up(plan.ceremony.kind, plan.policy, plan.ca.name), names, plan.stationery, plan.keeping)
    _try_handover(plan)
    _try_old_set(plan)
    _keep_plan(plan, out)
    _keep_script(plan, out, progress)
    journal = Journal(out / FILE, SystemClock())
    workshop = Workshop(
        plan,
        Equipment(
            out=out,
            printer=printer,
            paper=paper,
            passwords=passwords,
            forget_passwords=forget_passwords,
            preflight=preflight,
            entries=lambda: journal.entries,
            now=lambda: dt.datetime.now(dt.UTC).replace(microsecond=0),
            progress=progress,
            lots=by_lot(),
            before=before,
            step_ca=step_ca,
            target=target,
        ),
    )
    try:
        runner = Runner(plan=plan, engine=engine, wording=wording, journal=journal, desk=desk, work=Hands(workshop))
        state = runner.run(version)
    finally:
        workshop.close()
        journal.close()
    return state


def _try_handover(plan: Plan) -> None:
    """Make a handover sheet without passwords, if the plan has one. Raises TemplateError."""
    if plan.online and not plan.online.recipient:
        made = made_up(plan.ceremony.kind, plan.policy, plan.ca.name)
        handover.try_out(Handover(made, "online-00000000", plan.online.settings, "0" * 64), plan.stationery)


def _try_old_set(plan: Plan) -> None:
    """Read the words of the certificates of destruction, if there will be any. Raises TemplateError."""
    from ceremony.forms import old_set

    if plan.refresh:
        old_set.words(plan, "", "", plan.ceremony.date)


def ended(plan: Plan, out: Path) -> State | None:
    """The state of the ceremony in a folder, if it has ended. Raises RefusedError for another's, JournalError."""
    if not (out / FILE).exists():
        return None
    state = Engine(listing_of(plan)).replay(read_journal(out))
    if not state.ended:
        return None
    if (state.plan, state.kind) != (plan.digest.hex(), plan.ceremony.kind.value):
        message = f"{out} is the archive of another ceremony, or of a rehearsal: name a new folder."
        raise RefusedError(message)
    return state


def _keep_plan(plan: Plan, out: Path) -> None:
    """Keep a copy of the plan in the ceremony's folder; a folder of another plan is refused."""
    kept = out / PLAN_FILE
    if not kept.exists():
        with NewFiles(out) as files:
            files.write(PLAN_FILE, plan.source)
            files.publish()
    elif read_public(kept, _MAX_PLAN) != plan.source:
        message = f"{out} is the folder of a ceremony by another plan: name a new one, or its own plan."
        raise RefusedError(message)


def _keep_script(plan: Plan, out: Path, progress: Progress) -> None:
    """Keep both scripts as they are printed from this plan: now, and not at the end, when nothing may fail any more."""
    from ceremony.forms.script import OFFICERS, WITNESS, documents

    if (out / OFFICERS).exists() and (out / WITNESS).exists():
        return
    with NewFiles(out) as files:
        for name, content in itertools.islice(documents(plan, progress=progress), 2):
            (out / name).unlink(missing_ok=True)  # of a start that was cut off
            files.write(name, content)
        files.publish()
