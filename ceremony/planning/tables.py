"""The tables of a plan's file: the schema that `plan.load` holds it against. Strict, and frozen once read."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from escrow.choice import Choice
from escrow.issuing.naming import Attribute, Constraint, check_oid, check_url
from escrow.issuing.profile import MAX_CA_NAME, KeyIdentifier, names
from escrow.paper.stationery import PageSize
from escrow.share import Kind

MAX_NAME, MAX_TEXT = 60, 500
KeyKind = Literal["EC P-256", "EC P-384", "EC P-521", "Ed25519", "RSA 3072", "RSA 4096"]
DEFAULT_KEY: KeyKind = "EC P-256"
DEFAULT_YEARS = 10
MAX_YEARS = 100
MAX_INTERMEDIATES = 9


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
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(check_line)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(check_line)]
Date = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), lt=dt.date(2200, 1, 1))]
Id = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def _checked(check: Callable[[str], object]) -> AfterValidator:
    def checked(text: str) -> str:
        check(text)
        return text

    return AfterValidator(checked)


def _check_certificate(name: str) -> None:
    if name not in names(MAX_INTERMEDIATES):
        message = f"must be root, intermediate, or intermediate-2 to intermediate-{MAX_INTERMEDIATES}."
        raise ValueError(message)


AttributeText = Annotated[str, _checked(Attribute.of)]
ConstraintText = Annotated[str, _checked(Constraint.of)]
Oid = Annotated[str, _checked(check_oid)]
Url = Annotated[str, _checked(check_url)]


class Table(BaseModel):
    """What every table is: strict, and as it was read."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class Ceremony(Table):
    """What, when and where. `start` is the wall clock's time at `place`."""

    id: Id
    organisation: Name
    contact: Text
    kind: Annotated[Kind, Field(strict=False)]
    date: Date
    start: dt.time
    place: Text
    standby: Date | None = None


class CA(Table):
    """The authority: made by the ceremony as `step ca init` makes it, or imported from the STEPPATH at `tree`.

    Of that, one `context`; keys whose files lie elsewhere, by name; and the names of keys that are left out on purpose.
    """

    keys: Literal["generate", "import"]
    name: Name
    tree: Annotated[PathText | None, Field(validate_default=True)] = None
    context: Name | None = None
    key_files: dict[Name, PathText] = Field(default_factory=dict)
    without: list[Name] = Field(default_factory=list)

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

    @field_validator("context", "key_files", "without")
    @classmethod
    def _says_what_to_import(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("keys") != "import":
            message = 'belongs to keys = "import": remove it, or import.'
            raise ValueError(message)
        return value

    @property
    def choice(self) -> Choice:
        """What is wanted of the tree."""
        return Choice(self.context, self.key_files, frozenset(self.without))


class Root(Table):
    """The root's certificate, which begins with the day before the ceremony. What is left out is as step makes it."""

    key: KeyKind = DEFAULT_KEY
    years: Annotated[int, Field(ge=1, le=MAX_YEARS)] = DEFAULT_YEARS
    subject: Annotated[tuple[AttributeText, ...] | None, Field(strict=False, min_length=1)] = None
    path_length: Annotated[int, Field(ge=0, le=9)] | None = None
    permitted: Annotated[tuple[ConstraintText, ...], Field(strict=False)] = ()
    excluded: Annotated[tuple[ConstraintText, ...], Field(strict=False)] = ()
    key_identifier: KeyIdentifier = "SHA-1"


class Intermediate(Root):
    """The certificate of an intermediate, issued by the root. step-ca signs with the first one."""

    policies: Annotated[tuple[Oid, ...], Field(strict=False)] = ()
    crl: Annotated[tuple[Url, ...], Field(strict=False)] = ()
    issuers: Annotated[tuple[Url, ...], Field(strict=False)] = ()
    ocsp: Annotated[tuple[Url, ...], Field(strict=False)] = ()


class Ssh(Table):
    """Keys with which step-ca signs SSH certificates: one for hosts, one for users."""

    key: KeyKind = DEFAULT_KEY


class Group(Table):
    """`threshold` of the custodians who name this group."""

    name: Name
    threshold: int


class Custodian(Table):
    """Who keeps one share: which group and unit they are of, to whom they report, where the share will lie."""

    name: Name
    group: Name = ""
    unit: Name
    manager: Name
    site: Name
    deputy: Name | None = None


class Person(Table):
    """An officer or a witness."""

    name: Name
    unit: Name


class Site(Table):
    """A place where shares or copies of the package are kept."""

    name: Name
    what: Text


class Copy(Table):
    """A copy of the package, or of the archive: where it is kept, and on what."""

    site: Name
    medium: Text


class Access(Table):
    """Something that is needed to reach shares or package, and whether it works only while the CA does."""

    what: Text
    depends_on_ca: bool


class Documents(Table):
    """How documents are printed. `discreet` leaves names, threshold and organisation out."""

    page: PageSize = "A4"
    templates: PathText | None = None
    discreet: bool = False


class Waiver(Table):
    """Why a lint does not count here; one of certificates only for the one that is named, as `Profile.name` has it."""

    lint: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(check_line)]
    certificate: Annotated[str, _checked(_check_certificate)] | None = None
    reason: Text


class Devices(Table):
    """What the laptop of the ceremony has, as `escrow preflight --inventory` writes it. Preflight compares."""

    disks: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    usb: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    pci: Annotated[tuple[Text, ...], Field(strict=False)] = ()


class Quorum(Table):
    """How many of the groups are needed; with one group, that one."""

    groups_needed: int = 1


class Retention(Table):
    """How long records are kept: so many years after the ceremony, or until a date."""

    years: Annotated[int, Field(ge=1, le=100)] | None = None
    until: Annotated[Date | None, Field(validate_default=True)] = None

    @field_validator("until")
    @classmethod
    def _one_of_the_two(cls, until: dt.date | None, info: ValidationInfo) -> dt.date | None:
        if "years" in info.data and (info.data["years"] is None) == (until is None):
            message = "or years: give one of the two."
            raise ValueError(message)
        return until


class Common(Table):
    """The tables that the plan of any ceremony has."""

    ceremony: Ceremony
    quorum: Quorum = Quorum()
    group: Annotated[tuple[Group, ...], Field(strict=False, min_length=1)]
    custodian: Annotated[tuple[Custodian, ...], Field(strict=False, min_length=1)]
    officer: Annotated[tuple[Person, ...], Field(strict=False, min_length=2)]
    witness: Annotated[tuple[Person, ...], Field(strict=False, min_length=1)]
    site: Annotated[tuple[Site, ...], Field(strict=False, min_length=1)]
    archive: Annotated[tuple[Copy, ...], Field(strict=False, min_length=1)]
    access: Annotated[tuple[Access, ...], Field(strict=False, min_length=1)]
    retention: Retention
    documents: Documents = Documents()
    machine: Devices | None = None
    waiver: Annotated[tuple[Waiver, ...], Field(strict=False)] = ()


class File(Common):
    """The tables of the plan of a ceremony that seals, by their names there."""

    ca: CA
    root: Root | None = None
    intermediate: Annotated[tuple[Intermediate, ...], Field(strict=False, max_length=MAX_INTERMEDIATES)] = ()
    ssh: Ssh | None = None
    package: Annotated[tuple[Copy, ...], Field(strict=False, min_length=1)]


def known_keys(file: type[Common]) -> dict[str, list[str]]:
    """The keys of each table, and under '' the tables."""
    known = {"": list(file.model_fields)}
    for name, table in file.model_fields.items():
        for model in (table.annotation, *get_args(table.annotation)):
            if isinstance(model, type) and issubclass(model, BaseModel):
                known[name] = list(model.model_fields)
    return known
