"""A ceremony with specimen material: the same engine, in a room where everything is made up."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ceremony.planning.draft import Entries, Values, fill
from ceremony.planning.plan import Plan, Recovery, Session, parse
from ceremony.planning.session_tables import Crl
from ceremony.rules.state import Phase, State
from ceremony.run import before
from ceremony.run.answering import Answering
from ceremony.run.archive import digest_of
from ceremony.run.before import Last
from ceremony.run.examine import Examine
from ceremony.run.keeping import keep_archive
from ceremony.run.paper import NoPrinter, Scans, Tray
from ceremony.run.questions import Desk
from ceremony.run.room import Feeding, Losing, PowerLost, Room
from ceremony.run.session import hold
from escrow import __version__, recovery, scratch
from escrow.authority import PasswordSource, import_tree
from escrow.files import NewFiles, read_public
from escrow.inventory import FILE as INVENTORY
from escrow.inventory import Inventory
from escrow.issuing.profile import MAX_CA_NAME
from escrow.memory import Secret
from escrow.package import MAX_LENGTH
from escrow.progress import Progress
from escrow.sealing import PACKAGE_FILE
from escrow.share import Kind


def rehearse_plan(  # noqa: PLR0913 - all that a rehearsal works with
    plan: Plan,
    *,
    out: Path,
    paper: Path,
    desk: Desk | None,
    preflight: Examine,
    passwords: PasswordSource,
    progress: Progress,
    show: Callable[[str], None],
) -> State:
    """Hold a plan's ceremony with specimen material, a loss of power and a recovery included.

    Its archive is left in `out`; what is printed and scanned lies in the empty folder `paper`.
    Without a desk nobody is asked. Returns the state at the end.
    """
    parts = Parts(preflight, passwords, progress, show)
    if plan.follows:
        return _rehearse_following(plan, out, paper, desk, parts)
    generated = {
        "keys": "generate",
        "tree": None,
        "name": plan.ca.name[:MAX_CA_NAME],
    }  # real keys are not rehearsed with
    specimen = replace(
        plan,
        ceremony=plan.ceremony.model_copy(update={"kind": Kind.SPECIMEN}),
        ca=plan.ca.model_copy(update=generated),
    )
    room = Room(specimen, paper, out)
    around = Losing(Feeding(desk or Answering(room, show), room), room)
    state = hold_in(room, around, parts)
    keep_archive(specimen, out, around, Kind.SPECIMEN)
    if state.phase is Phase.CLOSED:
        recover(room, progress)
    return state


@dataclass(frozen=True)
class Parts:
    """What a rehearsal is given by whoever asks for it."""

    preflight: Examine
    passwords: PasswordSource
    progress: Progress
    show: Callable[[str], None]


def hold_in(room: Room, desk: Desk, parts: Parts, before: Last | None = None) -> State:
    """Hold the ceremony of a room's plan to its end, through losses of power."""
    while True:
        with suppress(PowerLost):
            return hold(
                room.plan,
                out=room.out,
                printer=Tray(room.tray) if room.plan.prints else NoPrinter(),
                paper=Scans(room.scans, allow_disk=True),
                passwords=parts.passwords,
                forget_passwords=lambda: None,  # a rehearsal imports no key
                desk=desk,
                preflight=parts.preflight,
                progress=parts.progress,
                version=__version__,
                before=before,
                step_ca=scratch.found(),
                target=room.target,
            )


def _rehearse_following(plan: Plan, out: Path, paper: Path, desk: Desk | None, parts: Parts) -> State:
    """Seal a throw-away CA by the same policy without asking anybody, and then hold what follows with it."""
    sealing = throw_away_for(plan)
    first = Room(sealing, paper, paper / "sealed")
    parts.show(f"A throw-away CA is sealed first; the {_what(plan)} follows its archive.")
    if plan.session and plan.session.revoke:
        parts.show(
            "What is revoked here are certificates of the throw-away CA, not those of the serial numbers planned."
        )
    if plan.recovery and plan.recovery.token:
        parts.show("No token is touched: what is thrown away goes into no HSM. The keys get a password instead.")
    hold_in(first, Feeding(Answering(first, lambda _: None), first), parts)
    if plan.reissue:
        first.sheet(plan.policy.name_of(plan.reissue.position)).unlink()  # so that it is lost
    digest = digest_of(first.out).hex()
    specimen = replace(
        plan,
        ceremony=plan.ceremony.model_copy(update={"kind": Kind.SPECIMEN}),
        ca=plan.ca.model_copy(update={"name": sealing.ca.name}),
        session=_with_its_own(plan.session, digest, first.out) if plan.session else None,
        drill=replace(plan.drill, before=digest) if plan.drill else None,
        reissue=replace(plan.reissue, before=digest) if plan.reissue else None,
        refresh=replace(plan.refresh, before=digest) if plan.refresh else None,
    )
    if plan.recovery:
        specimen = replace(specimen, recovery=_of_what_there_is(plan.recovery, digest))
    if specimen.session:
        last: Last = before.read(specimen, specimen.session, first.out, None)
    else:
        last = before.examined(specimen, digest, first.out, None)
    room = Room(specimen, paper, out, first.out)
    around = Losing(Feeding(desk or Answering(room, parts.show), room), room)
    state = hold_in(room, around, parts, last)
    keep_archive(specimen, out, around, Kind.SPECIMEN)
    if plan.refresh and state.phase is Phase.CLOSED:
        recover(room, parts.progress)
    return state


def _what(plan: Plan) -> str:
    kinds = {
        "session": plan.session,
        "drill": plan.drill,
        "reissue": plan.reissue,
        "refresh": plan.refresh,
        "recovery": plan.recovery,
    }
    return next(kind for kind, own in kinds.items() if own)


def _of_what_there_is(recovery: Recovery, digest: str) -> Recovery:
    """A recovery from the archive of a throw-away CA, which has a root, an intermediate and no other key."""
    only = tuple(name for name in recovery.only if name in {"root", "intermediate"}) or ("intermediate",)
    return replace(recovery, before=digest, of_package=False, only=only, token=None)


def _with_its_own(session: Session, digest: str, sealed: Path) -> Session:
    """A session that follows a throw-away CA: what is really revoked is not in its inventory, its own stands in.

    And a rehearsal is earlier than the session: it revokes nothing in the future.
    """
    today = dt.datetime.now(dt.UTC).date()
    listed = Inventory.decode(read_public(sealed / INVENTORY, MAX_LENGTH))
    revoke = [
        each.model_copy(update={"serial": issued.serial, "date": min(each.date, today)})
        for each, issued in zip(session.revoke, reversed(listed.issued), strict=False)
    ]
    task = session.task
    if isinstance(task, Crl):  # the throw-away root has published nothing, and the real one's list is not signed by it
        task = task.model_copy(update={"previous": None, "previous_sha256": None})
    return replace(session, before=digest, task=task, revoke=tuple(revoke))


def throw_away_for(plan: Plan) -> Plan:
    """The plan of a ceremony that seals a throw-away CA for the custodians of a session."""
    several = {"group": plan.groups, "custodian": plan.custodians, "site": plan.sites}
    several |= {"officer": plan.officers, "witness": plan.witnesses}
    entries: Entries = {name: [each.model_dump(exclude_none=True) for each in them] for name, them in several.items()}
    site = {"site": plan.sites[0].name, "medium": "a folder"}
    entries = {**entries, "package": [site], "archive": [site]}
    values: Values = {
        "ceremony": {"id": "REHEARSAL", "kind": Kind.SPECIMEN.value, "date": plan.ceremony.date},
        "ca": {"name": plan.ca.name[:MAX_CA_NAME]},
        "documents": {"page": plan.documents.page},
    }
    text = fill(values, entries)
    if len(plan.groups) > 1:
        text += f"\n[quorum]\ngroups_needed = {plan.groups_needed}\n"
    return parse(text.encode(), Path("rehearsal.toml"))


def recover(room: Room, progress: Progress) -> None:
    """Restore the CA from the first copy of the package and a quorum of sheets, and open it again."""
    own = room.manifest.short_set_id.hex().upper()
    first = next((room.media / "package-1").glob(f"*{own}*/{PACKAGE_FILE}"))
    sealed = recovery.read_package(first, progress)
    policy = room.plan.policy
    sheets = [room.sheet(policy.name_of(position)) for position in policy.choose(policy.positions)]
    collection = recovery.gather(sealed.manifest, sheets, keep=True, progress=progress)
    recovery.require_quorum(collection)
    with recovery.recombine(collection) as wrapping_key:
        collection.close()
        members = recovery.open_checked(sealed, wrapping_key)
    restored = room.media / "restored"
    with Secret.of(b"rehearsal") as password:
        with NewFiles(restored) as out:
            recovery.restore(sealed.manifest, members, (), password, out=out, progress=progress)
            out.publish()
        import_tree(restored, lambda *_: password, progress, dt.datetime.now(dt.UTC)).close()
    for member in members.values():
        member.close()
