"""The plan of a ceremony: one TOML file that is reviewed line by line, and whose digest is read aloud.

`load` is strict: what it does not know is an error, and all errors are told at once. Whether a plan is wise is
another question: see `lints`.
"""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from ceremony import spoken
from ceremony.planning.following import Drill, Recovery, Refresh, Session
from ceremony.planning.plan_errors import Problem, contradictions, plan_error, violations
from ceremony.planning.reissuing import Reissue, reissue_of
from ceremony.planning.session_tables import (
    DRILL,
    RECOVERY,
    REFRESH,
    REISSUE,
    TASKS,
    DrillFile,
    RecoveryFile,
    RefreshFile,
    ReissueFile,
    SessionFile,
)
from ceremony.planning.tables import (
    CA,
    Access,
    Ceremony,
    Copy,
    Custodian,
    Devices,
    Documents,
    File,
    Group,
    Intermediate,
    Online,
    Person,
    Root,
    Site,
    Ssh,
    Waiver,
    known_keys,
)
from escrow import policy
from escrow.errors import FileError, PlanError
from escrow.files import read_public
from escrow.paper.public import Keeping
from escrow.paper.stationery import Stationery
from escrow.policy import Policy, Position

__all__ = [
    "CA",
    "Access",
    "Ceremony",
    "Copy",
    "Custodian",
    "Documents",
    "Drill",
    "Group",
    "Person",
    "Plan",
    "Recovery",
    "Session",
    "Site",
    "Waiver",
    "load",
    "parse",
]

_MAX_BYTES = 1 << 18
_AnyFile = type[File | SessionFile | DrillFile | ReissueFile | RecoveryFile]


@dataclass(frozen=True)
class Plan:
    """A plan as loaded. Custodians stand in the order of their shares: by group, then as in the file."""

    source: bytes = field(repr=False)
    ceremony: Ceremony
    ca: CA
    groups_needed: int
    groups: tuple[Group, ...]
    custodians: tuple[Custodian, ...]
    officers: tuple[Person, ...]
    witnesses: tuple[Person, ...]
    sites: tuple[Site, ...]
    packages: tuple[Copy, ...]
    archives: tuple[Copy, ...]
    access: tuple[Access, ...]
    retain_until: dt.date
    documents: Documents
    waivers: tuple[Waiver, ...]
    machine: Devices | None = None
    root: Root | None = None
    intermediates: tuple[Intermediate, ...] = ()
    ssh: Ssh | None = None
    online: Online | None = None
    session: Session | None = None
    deliveries: tuple[Copy, ...] = ()
    drill: Drill | None = None
    reissue: Reissue | None = None
    recovery: Recovery | None = None
    refresh: Refresh | None = None

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file's bytes."""
        return hashlib.sha256(self.source).digest()

    @property
    def words(self) -> tuple[str, ...]:
        """The digest as 32 words; `spoken` has their long and their short form."""
        return spoken.words_of(self.digest)

    @property
    def days(self) -> tuple[dt.date, ...]:
        """When it is to be held: its date, and its standby day if it has one."""
        return (self.ceremony.date, *filter(None, [self.ceremony.standby]))

    @property
    def follows(self) -> str | None:
        """The hash (hex) of the archive that this ceremony follows; None for one that seals a CA."""
        later = self.session or self.drill or self.reissue or self.refresh or self.recovery
        return later.before if later else None

    @property
    def prints(self) -> bool:
        """Whether anything is printed: beside a key that signs, or that is proved, there is no printer."""
        return self.seals or self.reissue is not None

    @property
    def seals(self) -> bool:
        """Whether a set is made, with all its paper; otherwise it is about one that was made before."""
        return not self.follows or self.refresh is not None

    @property
    def policy(self) -> Policy:
        """Which custodians are a quorum."""
        members = [sum(1 for custodian in self.custodians if custodian.group == group.name) for group in self.groups]
        shares = [policy.Group(group.threshold, count) for group, count in zip(self.groups, members, strict=True)]
        return Policy(self.groups_needed, tuple(shares))

    @property
    def reasons(self) -> dict[str, str]:
        """Why lints and checks do not count here, by their ids; those of certificates are not among them."""
        return {waiver.lint: waiver.reason for waiver in self.waivers if not waiver.certificate}

    @property
    def certificate_reasons(self) -> dict[tuple[str, str], str]:
        """Why lints of certificates do not count here, by certificate and id."""
        return {(waiver.certificate, waiver.lint): waiver.reason for waiver in self.waivers if waiver.certificate}

    @property
    def stationery(self) -> Stationery:
        """How the set's papers look. Raises UsageError for what cannot be printed."""
        own = self.documents
        return Stationery(own.templates, own.page, self.ceremony.organisation, self.ceremony.contact, own.discreet)

    @property
    def keeping(self) -> tuple[Keeping, ...]:
        """How each share is kept, in the order of the shares."""
        return tuple(Keeping(each.unit, each.manager, each.deputy, each.site) for each in self.custodians)

    def custodian_at(self, position: Position) -> Custodian:
        """Who keeps the share at a position. Raises ValueError for a position that the policy has not."""
        return self.custodians[self.policy.positions.index(position)]

    def position_of(self, custodian: Custodian) -> Position:
        """Where a custodian's share stands. Raises ValueError for a custodian who is not of this plan."""
        return self.policy.positions[self.custodians.index(custodian)]


def load(path: Path) -> Plan:
    """Read a plan. Raises PlanError with everything that is wrong: file, line, place, what to do."""
    try:
        source = read_public(path, _MAX_BYTES)
    except FileError as error:
        message = f"{error} Name the plan of a ceremony; 'escrow init' makes one."
        raise PlanError(message) from None
    return parse(source, path)


def parse(source: bytes, path: Path) -> Plan:
    """The plan in the bytes of a file; `path` is what the errors call it. Raises PlanError."""
    try:
        text = source.decode("utf-8")
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        message = f"{path}, line {line}: this is not UTF-8: save the file in that encoding."
        raise PlanError(message) from None
    except (ValueError, RecursionError) as error:
        message = f"{path} is not valid TOML: {str(error) or 'nested too deeply'}. Mend that line."
        raise PlanError(message) from None
    problems = list(contradictions(content))
    kind = _kind_of(content)
    try:
        file = kind.model_validate(content)
    except ValidationError as error:
        problems += violations(error.errors(include_url=False, include_input=False), known_keys(kind))
    if problems:
        raise plan_error(path, text, content, problems)
    names = [group.name for group in file.group]
    custodians = [each if each.group else each.model_copy(update={"group": names[0]}) for each in file.custodian]
    plan = Plan(
        source=source,
        ceremony=file.ceremony,
        ca=file.ca,
        groups_needed=file.quorum.groups_needed,
        groups=file.group,
        custodians=tuple(sorted(custodians, key=lambda custodian: names.index(custodian.group))),
        officers=file.officer,
        witnesses=file.witness,
        sites=file.site,
        packages=file.package if isinstance(file, File) else (),
        archives=file.archive,
        access=file.access,
        retain_until=file.retention.until or _after(file.ceremony.date, file.retention.years or 0),
        documents=file.documents,
        waivers=file.waiver,
        machine=file.machine,
        root=file.root if isinstance(file, File) else None,
        intermediates=file.intermediate if isinstance(file, File) else (),
        ssh=file.ssh if isinstance(file, File) else None,
        session=_session(file, path.parent.absolute()) if isinstance(file, SessionFile) else None,
        deliveries=file.delivery if isinstance(file, SessionFile) else (),
        online=file.online if isinstance(file, File) else None,
        drill=Drill(**file.drill.model_dump(), before=file.before.archive) if isinstance(file, DrillFile) else None,
        recovery=_recovery(file) if isinstance(file, RecoveryFile) else None,
        refresh=Refresh(file.refresh.reason, file.before.archive) if isinstance(file, RefreshFile) else None,
    )
    if not isinstance(file, ReissueFile):
        return plan
    try:
        return replace(plan, reissue=reissue_of(plan.policy, file))
    except ValueError as error:
        raise plan_error(path, text, content, [Problem((REISSUE, "share"), str(error))]) from None


def _kind_of(content: Mapping[str, object]) -> _AnyFile:
    """The tables that a plan has, by the one that says what is done."""
    own: dict[str, _AnyFile] = {
        DRILL: DrillFile,
        REISSUE: ReissueFile,
        RECOVERY: RecoveryFile,
        REFRESH: RefreshFile,
        **dict.fromkeys(TASKS, SessionFile),
    }
    return next((kind for table, kind in own.items() if table in content), File)


def _recovery(file: RecoveryFile) -> Recovery:
    followed = file.before.archive or file.before.package or ""
    return Recovery(**file.recovery.model_dump(), before=followed, of_package=file.before.archive is None)


def _session(file: SessionFile, folder: Path) -> Session:
    tasks = [task for task in (file.sign_intermediate, file.crl, file.cross_sign) if task]
    return Session(tasks[0], file.revoke, file.before.archive, folder)


def _after(date: dt.date, years: int) -> dt.date:
    """The date so many years later; 29 February is followed by 1 March, so that nothing ends early."""
    try:
        return date.replace(date.year + years)
    except ValueError:
        return dt.date(date.year + years, 3, 1)
