"""The tables of a plan's file: the schema that `plan.load` holds it against. Strict, and frozen once read."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from ceremony.planning.values import (
    DEFAULT_KEY,
    DEFAULT_YEARS,
    MAX_INTERMEDIATES,
    MAX_YEARS,
    Address,
    AttributeText,
    CertificateName,
    ConstraintText,
    Date,
    DnsName,
    Id,
    KeyKind,
    Name,
    Oid,
    PathText,
    Place,
    Provisioner,
    RecipientText,
    Table,
    Text,
    Url,
    check_line,
)
from escrow.choice import Choice
from escrow.issuing.profile import MAX_CA_NAME, KeyIdentifier
from escrow.online.settings import DEFAULT_ADDRESS, DEFAULT_PLACE, DEFAULT_PROVISIONER, Settings
from escrow.paper.stationery import PageSize
from escrow.share import Kind


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


class Online(Table):
    """The tree of the online CA: the names it answers to, where it runs, and on what medium it goes to which site.

    The passwords go onto a handover sheet, or to the `recipient`: a public key or certificate, as PEM.
    """

    dns: Annotated[tuple[DnsName, ...], Field(strict=False, min_length=1)]
    address: Address = DEFAULT_ADDRESS
    place: Place = DEFAULT_PLACE
    provisioner: Provisioner = DEFAULT_PROVISIONER
    acme: bool = True
    site: Name
    medium: Text
    recipient: RecipientText | None = None

    @property
    def settings(self) -> Settings:
        """How step-ca is to run."""
        return Settings(self.dns, self.address, self.place, self.provisioner, self.acme)


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
    certificate: CertificateName | None = None
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
    online: Online | None = None
    package: Annotated[tuple[Copy, ...], Field(strict=False, min_length=1)]


def known_keys(file: type[Common]) -> dict[str, list[str]]:
    """The keys of each table, and under '' the tables."""
    known = {"": list(file.model_fields)}
    for name, table in file.model_fields.items():
        for model in (table.annotation, *get_args(table.annotation)):
            if isinstance(model, type) and issubclass(model, BaseModel):
                known[name] = list(model.model_fields)
    return known
