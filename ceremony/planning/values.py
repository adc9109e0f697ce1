"""The values in a plan: what a text may be, and in which words it is refused. And the table that holds them."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from escrow.errors import EscrowError
from escrow.issuing.naming import Attribute, Constraint, check_oid, check_url
from escrow.issuing.profile import names
from escrow.online.settings import check_address, check_name, check_place, check_provisioner

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


CertificateName = Annotated[str, _checked(_check_certificate)]
AttributeText = Annotated[str, _checked(Attribute.of)]
ConstraintText = Annotated[str, _checked(Constraint.of)]


def _told(check: Callable[[str], None]) -> AfterValidator:
    """The same for a check that raises an error of ours."""

    def checked(text: str) -> None:
        try:
            check(text)
        except EscrowError as error:
            raise ValueError(str(error)) from None

    return _checked(checked)


def _recipient(pem: str) -> None:
    from escrow.online.recipient import parse  # heavy, and for plans that have one

    parse(pem)


RecipientText = Annotated[str, Field(min_length=1, max_length=20_000), _told(_recipient)]
DnsName = Annotated[str, _told(check_name)]
Address = Annotated[str, _told(check_address)]
Place = Annotated[str, _told(check_place)]
Provisioner = Annotated[str, _told(check_provisioner)]
Oid = Annotated[str, _checked(check_oid)]
Url = Annotated[str, _checked(check_url)]


class Table(BaseModel):
    """A table of a plan: strict, frozen, and without a key that nobody knows."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)
