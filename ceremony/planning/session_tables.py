"""The tables of the plan of a session, a drill or a refresh: what is done, what that follows, who gets it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from ceremony.planning.tables import CA, Common, Copy, File
from ceremony.planning.values import (
    DEFAULT_YEARS,
    MAX_YEARS,
    AttributeText,
    ConstraintText,
    Date,
    Name,
    Oid,
    PathText,
    RecipientText,
    Table,
    Text,
    Url,
)
from escrow.issuing.profile import KeyIdentifier
from escrow.issuing.reasons import Reason

_HEX = frozenset("0123456789abcdef")
_DIGITS, _LONGEST_SERIAL = 64, 40
_LONGEST_LABEL = 32  # of a token (PKCS #11 v2.40, 3.2)


def _hash(text: str) -> str:
    if len(text) != _DIGITS or set(text) - _HEX:
        message = "must be a SHA-256 as sha256sum shows it: 64 digits 0 to 9 and a to f."
        raise ValueError(message)
    return text


def _serial(text: str) -> str:
    if not text or set(text) - _HEX or len(text) > _LONGEST_SERIAL:
        message = "must be a serial number as inventory.json has it: digits 0 to 9 and a to f."
        raise ValueError(message)
    return text


def _lost(reason: str) -> str:
    if reason == "exposed":
        message = (
            "is exposed: to make the share again takes nothing back from whoever saw it. Make a new set instead "
            "('escrow refresh'), and new keys for the CA if enough may have been seen."
        )
        raise ValueError(message)
    if reason not in {"lost", "destroyed"}:
        message = 'must be "lost" or "destroyed".'
        raise ValueError(message)
    return reason


Hash = Annotated[str, AfterValidator(_hash)]
TASKS = ("sign_intermediate", "crl", "cross_sign")
"""The tables of which a session's plan has one."""
DRILL = "drill"
"""The table that the plan of a drill has."""
RECOVERY = "recovery"
"""The table that the plan of a recovery has."""
REISSUE = "reissue"
"""The table that the plan of a reissue has."""
REFRESH = "refresh"
"""The table that the plan of a refresh has."""


class EscrowedCA(CA):
    """The authority of what follows: its keys lie in a package."""

    keys: Literal["escrowed"] = "escrowed"  # type: ignore[assignment]  # a third thing that the word can be


class Before(Table):
    """What a session follows: the archive of the last ceremony with the root, by the SHA-256 of its ARCHIVE.sha256."""

    archive: Hash


class _Certificate(Table):
    """A certificate that the root is to sign in a session. `sha256` pins the file that it is made from."""

    sha256: Hash
    years: Annotated[int, Field(ge=1, le=MAX_YEARS)] = DEFAULT_YEARS
    path_length: Annotated[int, Field(ge=0, le=9)] = 0
    permitted: Annotated[tuple[ConstraintText, ...], Field(strict=False)] = ()
    excluded: Annotated[tuple[ConstraintText, ...], Field(strict=False)] = ()
    policies: Annotated[tuple[Oid, ...], Field(strict=False)] = ()
    crl: Annotated[tuple[Url, ...], Field(strict=False)] = ()
    issuers: Annotated[tuple[Url, ...], Field(strict=False)] = ()
    ocsp: Annotated[tuple[Url, ...], Field(strict=False)] = ()


class SignIntermediate(_Certificate):
    """A new intermediate: the request (PKCS#10) of whoever has its key, and another subject if that is wanted."""

    csr: PathText
    subject: Annotated[tuple[AttributeText, ...] | None, Field(strict=False, min_length=1)] = None
    key_identifier: KeyIdentifier = "SHA-1"


class CrossSign(_Certificate):
    """Another CA's certificate, whose name and key the root certifies."""

    certificate: PathText


class Crl(Table):
    """The root's list of revoked certificates, and for how long it counts.

    `previous` is the last one of a root that published lists before it was escrowed; `first`, that it never did.
    """

    days: Annotated[int, Field(ge=1, le=3660)]
    first: bool = False
    previous_sha256: Hash | None = None
    previous: Annotated[PathText | None, Field(validate_default=True)] = None

    @field_validator("previous")
    @classmethod
    def _is_pinned(cls, previous: Path | None, info: ValidationInfo) -> Path | None:
        if "previous_sha256" in info.data and (info.data["previous_sha256"] is None) != (previous is None):
            message = "and previous_sha256 belong together: give both, or none."
            raise ValueError(message)
        if previous and info.data.get("first"):
            message = "contradicts first = true: remove one of them."
            raise ValueError(message)
        return previous


class Revoke(Table):
    """A certificate to be revoked: its serial number in hex, as the inventory has it."""

    serial: Annotated[str, AfterValidator(_serial)]
    date: Date
    reason: Reason


class Drill(Table):
    """What is tried: how far, what is supposed to have happened, and in how many minutes it should be done."""

    level: Literal["T0", "T1", "T2", "T3", "T4"]
    scenario: Text
    minutes: Annotated[int, Field(ge=1, le=10_000)]


class DrillFile(Common):
    """The tables of the plan of a drill."""

    ca: EscrowedCA
    before: Before
    drill: Drill


class Reissue(Table):
    """The share that is made again: its number, whether its sheet is lost or destroyed, and what happened to it."""

    share: Annotated[str, Field(pattern=r"^[0-9]{1,3}(-[0-9]{1,3})?$")]
    reason: Annotated[str, AfterValidator(_lost)]
    why: Text


class ReissueFile(Common):
    """The tables of the plan of a reissue."""

    ca: EscrowedCA
    before: Before
    reissue: Reissue


class Followed(Table):
    """What a recovery follows: the archive of the last ceremony, or where none is left the package (SHA-256 of it)."""

    archive: Hash | None = None
    package: Annotated[Hash | None, Field(validate_default=True)] = None

    @field_validator("package")
    @classmethod
    def _is_one_of_two(cls, package: str | None, info: ValidationInfo) -> str | None:
        if "archive" in info.data and (package is None) == (info.data["archive"] is None):
            message = "or archive: name one of the two."
            raise ValueError(message)
        return package


class Recovery(Table):
    """Why keys are brought back, who called for it, the two who agreed, which keys, and to whom.

    `recipient` is a public key or certificate as PEM, `token` the label of a PKCS#11 token or HSM; without either the
    keys get a new password.
    """

    incident: Text
    called_by: Text
    agreed: Annotated[tuple[Name, ...], Field(strict=False, min_length=2)]
    only: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    recipient: RecipientText | None = None
    token: Annotated[Name, Field(max_length=_LONGEST_LABEL)] | None = None

    @field_validator("token")
    @classmethod
    def _is_the_only_target(cls, token: str | None, info: ValidationInfo) -> str | None:
        if token and info.data.get("recipient"):
            message = "or recipient: the keys go to one of the two."
            raise ValueError(message)
        return token

    @field_validator("agreed")
    @classmethod
    def _are_several(cls, agreed: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(agreed)) < len(agreed):
            message = "names somebody twice: two people agree, or more."
            raise ValueError(message)
        return agreed


class RecoveryFile(Common):
    """The tables of the plan of a recovery."""

    ca: EscrowedCA
    before: Followed
    recovery: Recovery


class Refresh(Table):
    """Why there is to be a new set."""

    reason: Text


class RefreshFile(File):
    """The tables of the plan of a refresh: those of one that seals, but that it makes no certificate and no tree."""

    ca: EscrowedCA
    before: Before
    refresh: Refresh


class SessionFile(Common):
    """The tables of the plan of a session. Of the three tables of what is signed it has one."""

    ca: EscrowedCA
    before: Before
    sign_intermediate: SignIntermediate | None = None
    crl: Crl | None = None
    cross_sign: CrossSign | None = None
    revoke: Annotated[tuple[Revoke, ...], Field(strict=False)] = ()
    delivery: Annotated[tuple[Copy, ...], Field(strict=False, min_length=1)]
