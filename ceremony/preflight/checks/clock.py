"""The clock: its zone, whether it says what two people's watches say, and whether it is the plan's day."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from ceremony.preflight.finding import Check, Finding, check, failed, passed, warned
from ceremony.preflight.machine import Machine

TOLERANCE = dt.timedelta(seconds=60)
PEOPLE = 2

# A plan's dates are those of its place, and the zone is not known: local times are from UTC-12 to UTC+14 (tz database).
EARLIEST, LATEST = dt.timedelta(hours=14), dt.timedelta(hours=12)
_DAY = dt.timedelta(days=1)

_UTC = {"", "UTC", "UTC0", "Etc/UTC", ":UTC", ":Etc/UTC"}


def clock_drift(now: dt.datetime, typed: Sequence[dt.datetime]) -> dt.timedelta:
    """How far the clock is from what people typed, at the most. Raises ValueError if nobody typed."""
    return max(abs(now - time) for time in typed)


@dataclass(frozen=True)
class Day:
    """What time it is, on which days the ceremony is to be held, and why another one does no harm, if so."""

    now: dt.datetime
    planned: tuple[dt.date, ...]
    excuse: str = ""


def is_on(date: dt.date, now: dt.datetime) -> bool:
    """Whether it is that day anywhere on Earth."""
    midnight = dt.datetime.combine(date, dt.time(), dt.UTC)
    return midnight - EARLIEST <= now < midnight + _DAY + LATEST


@check(
    "clock-zone",
    requirement="The clock is shown in UTC: documents from everywhere then agree.",
    measured="/etc/localtime, TZ",
    remedy="As root: ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime. In the shell: unset TZ",
)
def clock_zone(machine: Machine) -> Finding:
    """The last line of a zone file is its rule (RFC 9636, section 3.3): UTC0 and nothing else."""
    zone = machine.environment().get("TZ")
    if zone is not None:
        return passed(f"UTC, by TZ={zone}") if zone in _UTC else failed("TZ names another zone")
    content = machine.read("/etc/localtime")
    if not content.startswith("TZif"):
        return failed("/etc/localtime is no time zone")
    return passed("UTC") if content.endswith("\nUTC0\n") else failed("/etc/localtime is another zone")


def clock_drift_check(drifts: Sequence[dt.timedelta]) -> Check:
    """The check of what was typed, one drift a person."""

    @check(
        "clock-drift",
        requirement=f"Two people's watches agree with the clock within {TOLERANCE.seconds} seconds.",
        measured="the time in UTC, typed by two people in turn",
        remedy="Set the clock, as root: date --utc --set 'YYYY-MM-DD HH:MM:SS'. Have the watches asked for: --ask-time",
    )
    def drift(_: Machine) -> Finding:
        if not drifts:
            return warned("nobody was asked")
        largest = max(abs(each) for each in drifts)
        value = f"{len(drifts)} asked, {largest.total_seconds():.0f} s at the most"
        return passed(value) if largest <= TOLERANCE and len(drifts) >= PEOPLE else failed(value)

    return drift


def clock_day_check(day: Day | None) -> Check:
    """The check of the day: another one than planned fails, unless there is an excuse."""

    @check(
        "clock-day",
        requirement="It is the plan's day, or its standby day, anywhere on Earth.",
        measured="the clock; date and standby in the plan",
        remedy="Set the clock, or plan this day: people and papers are for another one.",
    )
    def on_the_day(_: Machine) -> Finding:
        if day is None:
            return warned("no plan was named", "Name the plan.")
        value = f"{day.now:%Y-%m-%d %H:%M} UTC, planned {' or '.join(map(str, day.planned))}"
        if any(is_on(date, day.now) for date in day.planned):
            return passed(value)
        return warned(f"{value}: {day.excuse}") if day.excuse else failed(value)

    return on_the_day
