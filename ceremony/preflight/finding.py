"""What a check is, what it finds, and the result that is shown and recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ceremony.preflight.machine import Machine


class Status(StrEnum):
    """How a check ended. Only FAIL stops a ceremony; WAIVED is a FAIL that the plan accepts, with its reason."""

    PASS = "PASS"  # noqa: S105 - no password
    WARN = "WARN"
    FAIL = "FAIL"
    WAIVED = "WAIVED"


@dataclass(frozen=True)
class Finding:
    """What a check saw, and what follows. A remedy of its own replaces the check's."""

    status: Status
    value: str
    remedy: str = ""


Judge = Callable[[Machine], Finding]


@dataclass(frozen=True)
class Check:
    """One thing that must hold, in words, and the pure function that looks.

    What cannot be read or understood is never a PASS: it is `unreadable`.
    """

    id: str
    requirement: str
    measured: str
    remedy: str
    judge: Judge
    unreadable: Status


@dataclass(frozen=True)
class Result:
    """One line of the table: public facts without names of people, plain values, fit for JSON."""

    id: str
    requirement: str
    measured: str
    value: str
    status: Status
    remedy: str = ""
    waiver: str = ""


def check(
    identifier: str, *, requirement: str, measured: str, remedy: str, unreadable: Status = Status.FAIL
) -> Callable[[Judge], Check]:
    """Make a check of the function that follows."""

    def make(judge: Judge) -> Check:
        return Check(identifier, requirement, measured, remedy, judge, unreadable)

    return make


def not_needed(made: Check) -> Check:
    """The same check of a ceremony that prints nothing: it holds without looking."""
    return replace(made, judge=lambda _: passed("not looked at: this ceremony prints nothing"))


def passed(value: str) -> Finding:
    """The requirement holds."""
    return Finding(Status.PASS, value)


def warned(value: str, remedy: str = "") -> Finding:
    """It cannot be said that it holds, or it is only good to have."""
    return Finding(Status.WARN, value, remedy)


def failed(value: str, remedy: str = "") -> Finding:
    """The requirement does not hold."""
    return Finding(Status.FAIL, value, remedy)


def listed(items: Iterable[str]) -> str:
    """Things after one another, or the word for none."""
    return ", ".join(items) or "none"
