"""The day of a ceremony: a plan's dates are of a place whose zone nobody says, and the clock is in UTC."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from player import TEMPLATE

from ceremony.planning.plan import Plan, parse
from ceremony.planning.profiles import profiles_of
from ceremony.preflight.checks.clock import is_on
from ceremony.preflight.finding import Status
from ceremony.run.acts import keys, opening
from ceremony.run.examine import look
from ceremony.run.questions import Questions, StepError
from escrow.issuing import make

DAY = dt.date(2030, 1, 15)
MIDNIGHT = dt.datetime(2030, 1, 15, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SPECIMEN = ('kind = "production"', 'kind = "specimen"')
WAIVED = ("[retention]", '[[waiver]]\nlint = "clock-day"\nreason = "The hall was flooded."\n\n[retention]')


def plan(*changes: tuple[str, str]) -> Plan:
    """The example plan, changed: its day is the 15th, its standby day the 22nd of January 2030."""
    text = TEMPLATE.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse(text.encode(), Path("ceremony.toml"))


@pytest.mark.parametrize("zone", range(-12, 15))
def test_certificates_have_begun_when_the_day_of_the_ceremony_begins_in_whatever_zone(zone: int) -> None:
    begins = dt.datetime.combine(DAY, dt.time(), dt.timezone(zone * HOUR))
    for profile in profiles_of(plan()) or ():
        assert profile.validity.first <= begins
    for moment in (begins, begins + 24 * HOUR - dt.timedelta(seconds=1)):
        assert is_on(DAY, moment.astimezone(dt.UTC))


@pytest.mark.parametrize(
    ("hours", "changes", "excuse", "status"),
    [
        (10, (), "", Status.PASS),
        (7 * 24 + 10, (), "", Status.PASS),
        (3 * 24, (), "", Status.FAIL),
        (3 * 24, (WAIVED,), "", Status.WAIVED),
        (3 * 24, (), "begun before, and gone on with", Status.WARN),
        (-400 * 24, (SPECIMEN,), "", Status.WARN),
    ],
    ids=["the day", "the standby day", "another day", "waived", "gone on with", "a rehearsal"],
)
def test_another_day_than_the_plans_is_refused_unless_it_is_waived_or_a_specimen(
    hours: int, changes: tuple[tuple[str, str], ...], excuse: str, status: Status
) -> None:
    results = look(plan(*changes), lambda *_: None, MIDNIGHT + hours * HOUR, excuse)([])
    assert {result.id: result.status for result in results}["clock-day"] is status


class WasMade(Exception):  # noqa: N818 - it says that keys were asked for
    """Keys would have been made."""


@pytest.mark.parametrize(
    ("now", "changes", "expected"),
    [
        (MIDNIGHT - 24 * HOUR - dt.timedelta(seconds=1), (), StepError),
        (MIDNIGHT - 24 * HOUR, (), WasMade),
        (MIDNIGHT - 24 * HOUR * 90, (SPECIMEN,), WasMade),
    ],
    ids=["a second too early", "when they begin", "a rehearsal"],
)
def test_no_key_is_made_for_certificates_that_begin_later(
    now: dt.datetime, changes: tuple[tuple[str, str], ...], expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_keys(*_: object) -> None:
        raise WasMade

    monkeypatch.setattr(make, "make_keys", make_keys)
    equipment = SimpleNamespace(now=lambda: now, progress=lambda *_: None)
    shop: Any = SimpleNamespace(plan=plan(*changes), equipment=equipment, forget=lambda: None)
    act: Callable[..., object] = keys.make_keys
    with pytest.raises(expected):
        act(shop, None, None, None)


class Typing:
    """A desk at which these lines are typed, in turn."""

    def __init__(self, *typed: str) -> None:
        self.typed, self.said = list(typed), list[str]()

    def page(self, lines: object) -> None:
        raise AssertionError(lines)

    secret = page

    def say(self, text: str) -> None:
        self.said.append(text)

    def line(self, *_: object) -> str:
        return self.typed.pop(0)


@pytest.mark.parametrize(
    ("typed", "drift"),
    [
        (["2030-01-15 11:00", "2030-01-15 10:01"], dt.timedelta(minutes=-1)),
        (["2030-01-15 11:00", "2030-01-15 11:00"], -HOUR),
    ],
    ids=["local time, mended", "the clock is in local time"],
)
def test_a_watch_that_shows_local_time_is_told_before_the_clock_is_blamed(
    typed: list[str], drift: dt.timedelta
) -> None:
    desk: Any = Typing(*typed)
    seen: list[dt.timedelta] = []

    def examine(drifts: list[dt.timedelta]) -> list[object]:
        seen.extend(drifts)
        return []

    equipment = SimpleNamespace(now=lambda: MIDNIGHT + 10 * HOUR, preflight=examine)
    shop: Any = SimpleNamespace(plan=plan(), equipment=equipment)
    desk.typed += ["2030-01-15 10:00"]  # the other officer
    preflight: Callable[..., object] = opening.preflight
    preflight(shop, None, None, Questions(desk, {}))
    assert seen == [drift, dt.timedelta(0)]
    assert "1 h 00 min: one of the two is local time, not UTC" in desk.said[0]
