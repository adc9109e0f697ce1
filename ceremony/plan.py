"""The plan of a ceremony: one TOML file that is reviewed line by line, and whose digest is read aloud.

`load` is strict: what it does not know is an error, and all errors are told at once. Whether a plan is wise is
another question: see `lints`.
"""

import datetime as dt
import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from ceremony import spoken
from ceremony.plan_errors import contradictions, plan_error, violations
from escrow import policy
from escrow.errors import FileError, PlanError
from escrow.files import read_public
from escrow.paper.page import PageSize
from escrow.policy import Policy, Position
from escrow.share import Kind

MAX_CA_NAME = 64 - len(" Intermediate CA")  # RFC 5280, appendix A.1: ub-common-name
_MAX_BYTES = 1 << 18


def check_line(text: str) -> str:
    """The text, if it is one visible line without spaces around it. Raises ValueError."""
    if not text.isprintable():
        message = "must be one line without control characters or invisible ones."
        raise ValueError(message)
    if text != text.strip():
        message = "begins or ends with a space: remove it."
        raise ValueError(message)
    return text


def _path(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value:
        message = "is empty: write something."
        raise ValueError(message)
    return Path(check_line(value))


PathText = Annotated[Path, BeforeValidator(_path)]
Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(check_line)]
Name = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(check_line)]
Date = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), lt=dt.date(2200, 1, 1))]
Id = Annotated[str, Field(min_length=1, max_length=32), AfterValidator(check_line)]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class Ceremony(_Table):
    """What, when and where. `start` is the wall clock's time at `place`."""

    id: Id
    organisation: Name
    contact: Text
    kind: Annotated[Kind, Field(strict=False)]
    date: Date
    start: dt.time
    place: Text
    standby: Date | None = None


class CA(_Table):
    """The authority: made by the ceremony as `step ca init` makes it, or imported from the STEPPATH at `tree`."""

    keys: Literal["generate", "import"]
    name: Name
    tree: Annotated[PathText | None, Field(validate_default=True)] = None

    @field_validator("name")
    @classmethod
    def _fits_a_certificate(cls, name: str, info: ValidationInfo) -> str:
        if info.data.get("keys") == "generate" and len(name) > MAX_CA_NAME:
            message = f"has more than {MAX_CA_NAME} characters, and X.509 allows no more with what is added."
            raise ValueError(message)
        return name

    @field_validator("tree")
    @classmethod
    def _belongs_to_an_import(cls, tree: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("keys") == "import" and tree is None:
            message = 'is missing: with keys = "import", name the STEPPATH to import.'
            raise ValueError(message)
        if info.data.get("keys") == "generate" and tree is not None:
            message = 'belongs to keys = "import": remove it, or import.'
            raise ValueError(message)
        return tree


class Group(_Table):
    """`threshold` of the custodians who name this group."""

    name: Name
    threshold: int


class Custodian(_Table):
    """Who keeps one share: which group and unit they are of, to whom they report, where the share will lie."""

    name: Name
    group: Name = ""
    unit: Name
    manager: Name
    site: Name
    deputy: Name | None = None


class Person(_Table):
    """An officer or a witness."""

    name: Name
    unit: Name


class Site(_Table):
    """A place where shares or copies of the package are kept."""

    name: Name
    what: Text


class PackageCopy(_Table):
    """A copy of the package: where, and on what."""

    site: Name
    medium: Text


class Access(_Table):
    """Something that is needed to reach shares or package, and whether it works only while the CA does."""

    what: Text
    depends_on_ca: bool


class Documents(_Table):
    """How documents are printed. `discreet` leaves names, threshold and organisation out."""

    page: PageSize = "A4"
    templates: PathText | None = None
    discreet: bool = False


class Waiver(_Table):
    """Why a lint does not count here."""

    lint: Name
    reason: Text


class _Quorum(_Table):
    groups_needed: int = 1


class _Retention(_Table):
    years: Annotated[int, Field(ge=1, le=100)] | None = None
    until: Annotated[Date | None, Field(validate_default=True)] = None

    @field_validator("until")
    @classmethod
    def _one_of_the_two(cls, until: dt.date | None, info: ValidationInfo) -> dt.date | None:
        if "years" in info.data and (info.data["years"] is None) == (until is None):
            message = "or years: give one of the two."
            raise ValueError(message)
        return until


class _File(_Table):
    """The tables of the file, by their names there."""

    ceremony: Ceremony
    ca: CA
    quorum: _Quorum = _Quorum()
    group: Annotated[tuple[Group, ...], Field(strict=False, min_length=1)]
    custodian: Annotated[tuple[Custodian, ...], Field(strict=False, min_length=1)]
    officer: Annotated[tuple[Person, ...], Field(strict=False, min_length=2)]
    witness: Annotated[tuple[Person, ...], Field(strict=False, min_length=1)]
    site: Annotated[tuple[Site, ...], Field(strict=False, min_length=1)]
    package: Annotated[tuple[PackageCopy, ...], Field(strict=False, min_length=1)]
    access: Annotated[tuple[Access, ...], Field(strict=False, min_length=1)]
    retention: _Retention
    documents: Documents = Documents()
    waiver: Annotated[tuple[Waiver, ...], Field(strict=False)] = ()


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
    packages: tuple[PackageCopy, ...]
    access: tuple[Access, ...]
    retain_until: dt.date
    documents: Documents
    waivers: tuple[Waiver, ...]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file's bytes."""
        return hashlib.sha256(self.source).digest()

    @property
    def words(self) -> tuple[str, ...]:
        """The digest as 32 words; `spoken` has their long and their short form."""
        return spoken.words_of(self.digest)

    @property
    def policy(self) -> Policy:
        """Which custodians are a quorum."""
        members = [sum(1 for custodian in self.custodians if custodian.group == group.name) for group in self.groups]
        shares = [policy.Group(group.threshold, count) for group, count in zip(self.groups, members, strict=True)]
        return Policy(self.groups_needed, tuple(shares))

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
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        problems += violations(error.errors(include_url=False, include_input=False), _known())
    if problems:
        raise plan_error(path, text, content, problems)
    names = [group.name for group in file.group]
    custodians = [each if each.group else each.model_copy(update={"group": names[0]}) for each in file.custodian]
    return Plan(
        source,
        file.ceremony,
        file.ca,
        file.quorum.groups_needed,
        file.group,
        tuple(sorted(custodians, key=lambda custodian: names.index(custodian.group))),
        file.officer,
        file.witness,
        file.site,
        file.package,
        file.access,
        file.retention.until or _after(file.ceremony.date, file.retention.years or 0),
        file.documents,
        file.waiver,
    )


def _after(date: dt.date, years: int) -> dt.date:
    """The date so many years later; 29 February is followed by 1 March, so that nothing ends early."""
    try:
        return date.replace(date.year + years)
    except ValueError:
        return dt.date(date.year + years, 3, 1)


def _known() -> dict[str, list[str]]:
    """The keys of each table, and under '' the tables."""
    known = {"": list(_File.model_fields)}
    for name, table in _File.model_fields.items():
        for model in (table.annotation, *get_args(table.annotation)):
            if isinstance(model, type) and issubclass(model, BaseModel):
                known[name] = list(model.model_fields)
    return known
