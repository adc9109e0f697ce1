"""What an answer must be: each check turns a line into a value of a plan, or raises ValueError with what to write."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ceremony.planning.draft import Value
from ceremony.planning.plan_errors import said
from ceremony.planning.values import Name, PathText, Text
from escrow.issuing.naming import Attribute
from escrow.issuing.profile import MAX_CA_NAME

Check = Callable[[str], Value]

YES, NO = "yes", "no"


def _of(kind: Any) -> Check:  # noqa: ANN401 - an annotated type
    adapter = TypeAdapter(kind)

    def check(text: str) -> Value:
        try:
            adapter.validate_python(text)
        except ValidationError as error:
            raise ValueError(said(error.errors(include_url=False, include_input=False)[0])) from None
        return text

    return check


a_name, a_text, a_path = _of(Name), _of(Text), _of(PathText)


def a_ca_name(text: str) -> Value:
    """The name of a CA that is to be made."""
    if len(text) > MAX_CA_NAME:
        message = f"is too long: X.509 allows {MAX_CA_NAME} characters."
        raise ValueError(message)
    return a_name(text)


def a_subject(text: str) -> Value:
    """A subject: attributes in their order, with semicolons between them."""
    parts = tuple(part.strip() for part in text.split(";"))
    for part in parts:
        try:
            Attribute.of(part)
        except ValueError as error:
            message = f"is {part!r} at one place, which {error}"
            raise ValueError(message) from None
    return parts


def one_of(*choices: str) -> Check:
    """One of these words."""

    def check(text: str) -> Value:
        known = {choice.lower(): choice for choice in choices}
        if text.lower() not in known:
            message = f"must be {' or '.join(choices)}."
            raise ValueError(message)
        return known[text.lower()]

    return check


def yes_or_no(text: str) -> Value:
    """True for yes, false for no."""
    return one_of(YES, NO)(text) == YES


def a_number(least: int, most: int) -> Check:
    """A whole number in these bounds."""

    def check(text: str) -> Value:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            message = f"must be a number from {least} to {most}."
            raise ValueError(message)
        return int(text)

    return check


def a_date_from(first: dt.date) -> Check:
    """A date, this one or a later one."""

    def check(text: str) -> Value:
        try:
            date = dt.date.fromisoformat(text)
        except ValueError:
            message = f"must be a date such as {first}."
            raise ValueError(message) from None
        if date < first:
            message = f"must be {first} or later."
            raise ValueError(message)
        return date

    return check


def as_answer(value: Value) -> str:
    """The answer that gives a value."""
    if isinstance(value, tuple):
        return "; ".join(value)
    if isinstance(value, bool):
        return YES if value else NO
    return value.isoformat() if isinstance(value, dt.date) else str(value)
