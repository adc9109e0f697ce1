"""The plan of a ceremony: one TOML file that is reviewed line by line, and whose digest is read aloud.

`load` is strict: what it does not know is an error, and all errors are told at once. Whether a plan is wise is
another question: see `lints`.
"""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from ceremony import spoken
from ceremony.planning.plan_errors import contradictions, plan_error, violations
from ceremony.planning.session_tables import (
    DRILL,
    REFRESH,
    TASKS,
    Crl,
    CrossSign,
    DrillFile,
    RefreshFile,
    Revoke,
    SessionFile,
    SignIntermediate,
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
    "Group",
    "Person",
    "Plan",
    "Site",
    "Waiver",
    "load",
    "parse",
]

_MAX_BYTES = 1 << 18


@dataclass(frozen=True)
class Session:
    """What a session signs: one of the three, what it revokes, and the hash (hex) of the archive that it follows.

    `folder` is that of the plan: a file that is certified is looked for from there.
    """

    task: SignIntermediate | Crl | CrossSign
    revoke: tuple[Revoke, ...]
    before: str
    folder: Path

    @property
    def file(self) -> Path | None:
        """Where the file lies that is certified, or the list that was published before; None without one."""
        match self.task:
            case SignIntermediate():
                named: Path | None = self.task.csr
            case Crl():
                named = self.task.previous
            case _:
                named = self.task.certificate
        return self.folder / named if named else None

    @property
    def pinned(self) -> str | None:
        """The SHA-256 (hex) of that file."""
        return self.task.previous_sha256 if isinstance(self.task, Crl) else self.task.sha256


@dataclass(frozen=True)
class Drill:
    """What a drill tries, its time in minutes, and the hash (hex) of the archive that it follows."""

    level: str
    scenario: str
    minutes: int
    before: str


@dataclass(frozen=True)
class Refresh:
    """Why there is to be a new set, and the hash (hex) of the archive with the old one."""

    reason: str
    before: str


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
        later = self.session or self.drill or self.refresh
        return later.before if later else None

    @property
    def seals(self) -> bool:
        """Whether a set is made, with all its paper; otherwise it is about one that was made before."""
        return not (self.session or self.drill)

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
    return Plan(
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
        refresh=Refresh(file.refresh.reason, file.before.archive) if isinstance(file, RefreshFile) else None,
    )


def _kind_of(content: Mapping[str, object]) -> type[File | SessionFile | DrillFile]:
    """Which tables a plan has, by the one that says what is done."""
    if DRILL in content:
        return DrillFile
    if set(TASKS) & set(content):
        return SessionFile
    return RefreshFile if REFRESH in content else File


def _session(file: SessionFile, folder: Path) -> Session:
    tasks = [task for task in (file.sign_intermediate, file.crl, file.cross_sign) if task]
    return Session(tasks[0], file.revoke, file.before.archive, folder)


def _after(date: dt.date, years: int) -> dt.date:
    """The date so many years later; 29 February is followed by 1 March, so that nothing ends early."""
    try:
        return date.replace(date.year + years)
    except ValueError:
        return dt.date(date.year + years, 3, 1)
