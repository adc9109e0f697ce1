"""Is an archive what a ceremony left? Everything that is otherwise, with the name of the file.

The checks are in `evidence`; here they are put together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ceremony import spoken
from ceremony.planning.plan import Plan, parse
from ceremony.rules.engine import Engine
from ceremony.rules.lists import listing_of
from ceremony.rules.state import State
from ceremony.run import evidence, journal
from ceremony.run.archive import LIST_FILE, MAX_FILE, PLAN_FILE, contents, digest_of
from ceremony.run.drilled import check_drill
from ceremony.run.evidence import Words
from ceremony.run.following import check_before, check_session
from ceremony.run.journal import Entry, JournalError
from escrow.errors import EscrowError, PlanError, UsageError
from escrow.files import read_public
from escrow.sealing import PACKAGE_FILE
from escrow.share import Kind


@dataclass(frozen=True)
class Report:
    """What an audit found. `plan` is None if it is not the one of the ceremony, `state` if there are no rules to ask.

    `words` are the archive's own, empty if it has no list. Nothing is found in an archive that is as it was left.
    """

    plan: Plan | None
    state: State | None
    entries: Sequence[Entry]
    words: Words
    findings: Sequence[str]

    @property
    def kind(self) -> str:
        """Production, specimen, or nothing if no line of the journal says it."""
        return str(self.entries[0].fields.get("kind", "")) if self.entries else ""

    @property
    def is_rehearsal(self) -> bool:
        """Whether the material is specimen by a plan for production: 'escrow rehearse' leaves that."""
        specimen = self.kind == Kind.SPECIMEN.value
        return specimen and self.plan is not None and self.plan.ceremony.kind is Kind.PRODUCTION

    @property
    def versions(self) -> Sequence[str]:
        """The versions of the program that the ceremony was held with."""
        return list(dict.fromkeys(str(each.fields.get("version")) for each in self.entries if each.event == "session"))


def audit(folder: Path, heads: Sequence[Words] = (), words: Words = (), before: Path | None = None) -> Report:
    """Examine an archive. Raises UsageError, saying what it is, for a folder that is none.

    `heads` are what witnesses wrote down at checkpoints, `words` what they wrote of the archive: four words each.
    `before` is the archive that a session followed: its inventory is compared with this one's.
    """
    _require_archive(folder)
    findings: list[str] = []
    try:
        entries, torn = journal.decode(read_public(folder / journal.FILE, MAX_FILE))
    except EscrowError as error:
        return Report(None, None, (), (), [f"{journal.FILE}: {error}"])
    if not entries:
        return Report(None, None, (), (), [f"{journal.FILE}: there is no line in it: the ceremony was not begun."])
    if torn:
        findings.append(f"{journal.FILE}: the last line is cut off or was changed.")
    plan, problem = _plan(folder, entries)
    state = None
    if plan:
        try:
            state = Engine(listing_of(plan)).replay(entries)
        except JournalError as error:
            return Report(plan, None, entries, (), [*findings, f"{journal.FILE}: {error}"])
    else:
        findings.append(f"{PLAN_FILE}: {problem}")
    if not _is_closed(entries):
        phase = state.phase.value if state else "nobody knows how far it came"
        findings.append(f"{journal.FILE}: the ceremony has not ended ({phase}).")
        return Report(plan, state, entries, (), findings)
    try:
        own = _words_of_list(folder)
        findings += _checks(folder, entries, state, own, heads, words)
        findings += check_before(folder, before) if before else ()
    except EscrowError as error:
        return Report(plan, state, entries, (), [*findings, str(error)])
    except (KeyError, TypeError, ValueError, AttributeError):
        findings.append(f"{journal.FILE}: a line of it lacks what its step found, or has it wrong.")
    return Report(plan, state, entries, own, list(dict.fromkeys(findings)))


def _checks(  # noqa: PLR0913, PLR0917 - an archive, and what people hold against it
    folder: Path, entries: Sequence[Entry], state: State | None, own: Words, heads: Sequence[Words], words: Words
) -> Iterator[str]:
    yield from evidence.compare_words(own, words)
    proved = bool(words) and evidence.same_words(own, words)
    yield from evidence.compare_heads(entries, heads, proved=proved)
    yield from evidence.check_signatures(folder, entries)
    yield from evidence.check_list(folder, entries, contents(folder))
    if state:
        yield from evidence.check_sealed(folder, state)
        yield from check_session(folder, state)
        yield from check_drill(entries, state)


def _require_archive(folder: Path) -> None:
    if not folder.is_dir():
        message = f"{folder} is no folder: name the one that 'escrow run' was given as --out, or a copy of it."
        raise UsageError(message)
    parts = [(folder / name).exists() for name in (journal.FILE, PLAN_FILE, LIST_FILE)]
    if parts[0] or all(parts[1:]):
        return
    is_set = (folder / PACKAGE_FILE).exists()
    what = (
        "a copy of a package, or what 'escrow seal' or 'escrow rehearse' without a plan left: no ceremony to audit. "
        "'escrow inspect' shows what is in a package"
        if is_set
        else "not the archive of a ceremony: it has no journal. Name the folder that 'escrow run' or 'escrow rehearse "
        "PLAN' was given as --out, or a copy of it"
    )
    message = f"{folder} is {what}."
    raise UsageError(message)


def _plan(folder: Path, entries: Sequence[Entry]) -> tuple[Plan | None, str]:
    """The plan of the ceremony, or why it is not there."""
    try:
        plan = parse(read_public(folder / PLAN_FILE, MAX_FILE), folder / PLAN_FILE)
    except PlanError:
        return None, "this is not the plan that the ceremony was held by, and no plan any more."
    except EscrowError as error:
        return None, str(error)
    held_by = entries[0].fields.get("plan")
    if plan.digest.hex() != held_by:
        return None, "this is not the plan that the ceremony was held by. Without that its rules cannot be asked."
    return plan, ""


def _is_closed(entries: Sequence[Entry]) -> bool:
    return entries[-1].event == "end" and entries[-1].fields.get("step") == "close"


def _words_of_list(folder: Path) -> Words:
    return spoken.witness_words(digest_of(folder)) if (folder / LIST_FILE).exists() else ()
