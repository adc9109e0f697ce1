"""A plan's calendar, read back by the library that wrote it, and by the eye of RFC 5545."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from helpers import escrow
from icalendar import Calendar

from ceremony.planning import draft
from ceremony.planning.calendar import calendar
from ceremony.planning.plan import Plan, parse

EXAMPLE = draft.fill({}, {})


def plan(*pairs: str) -> Plan:
    text = EXAMPLE
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return parse(text.encode(), Path("ceremony.toml"))


def events(plan: Plan) -> dict[str, Any]:
    """By what they are: the first part of their UIDs."""
    read = Calendar.from_ical(calendar(plan))
    return {str(event["uid"]).partition("-")[0]: event for event in read.walk("VEVENT")}


def test_every_date_of_the_plan_is_in_its_calendar() -> None:
    found = {name: event["dtstart"].dt for name, event in events(plan()).items()}
    assert found == {
        "rehearsal": dt.datetime(2030, 1, 8, 10),  # noqa: DTZ001 - the wall clock's time at the place
        "ceremony": dt.datetime(2030, 1, 15, 10),  # noqa: DTZ001 - the same
        "standby": dt.datetime(2030, 1, 22, 10),  # noqa: DTZ001 - the same
        "attestation": dt.date(2031, 1, 15),
        "drill": dt.date(2030, 7, 15),
        "retention": dt.date(2040, 1, 15),
    }


def test_the_yearly_ones_end_with_retention() -> None:
    found = events(plan())
    for name in ("attestation", "drill"):
        assert found[name]["rrule"].to_ical().decode() == "FREQ=YEARLY;UNTIL=20400115"
    assert not {"attestation"} & set(events(plan("years = 10", "until = 2030-12-31")))
    assert not {"attestation", "drill"} & set(events(plan("years = 10", "until = 2030-02-01")))


@pytest.mark.parametrize(
    ("date", "attestation", "drill"),
    [
        ("2028-02-29", dt.date(2029, 2, 28), dt.date(2028, 8, 28)),
        ("2027-08-31", dt.date(2028, 8, 28), dt.date(2028, 2, 28)),
        ("2029-12-31", dt.date(2030, 12, 28), dt.date(2030, 6, 28)),
    ],
)
def test_no_year_is_skipped_because_a_month_is_short(date: str, attestation: dt.date, drill: dt.date) -> None:
    """A yearly series that begins on 29 February would come every fourth year only (RFC 5545, 3.3.10)."""
    found = events(plan("date = 2030-01-15", f"date = {date}"))
    assert (found["attestation"]["dtstart"].dt, found["drill"]["dtstart"].dt) == (attestation, drill)


def test_what_the_plan_says_is_told_with_the_place_and_the_people() -> None:
    event = events(plan("Room 101, Head Office", "Räum 1; ground floor, left"))["ceremony"]
    assert event["location"] == "Räum 1; ground floor, left"
    assert event["summary"] == "Key ceremony 2030-ROOT-1"
    for text in (
        "Example Ltd",
        "Example CA",
        "Grace Hopper",
        "Katherine Johnson",
        "Chien-Shiung Wu",
        "+44 20 7946 0000",
    ):
        assert text in event["description"]


def test_a_discreet_plans_calendar_names_nobody() -> None:
    discreet = plan("discreet = false", "discreet = true")
    made = calendar(discreet).decode().replace("\r\n ", "")
    names = [each.name for each in (*discreet.officers, *discreet.witnesses)]
    names += [each.name for each in discreet.custodians]
    for text in (*names, "Example Ltd", "Example CA", "security@example.com"):
        assert text not in made
        assert text in calendar(plan()).decode().replace("\r\n ", "").replace("\\,", ",")


def test_without_a_standby_day_there_is_none() -> None:
    assert "standby" not in events(plan("standby = 2030-01-22\n", ""))


def test_the_same_plan_gives_the_same_calendar_and_another_plan_other_ids() -> None:
    assert calendar(plan()) == calendar(plan())
    found, others = events(plan()), events(plan("10:00:00", "10:00:00", "# The plan", "#  The plan"))
    assert {event["dtstamp"].dt for event in found.values()} == {dt.datetime(2030, 1, 15, tzinfo=dt.UTC)}
    ids = [event["uid"] for event in found.values()]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & {event["uid"] for event in others.values()}


def test_lines_are_folded_and_end_as_the_specification_says() -> None:
    """RFC 5545, 3.1: CRLF, and 75 bytes at most."""
    lines = calendar(plan("Example Ltd", "É" * 60)).split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line for line in lines)
    assert lines[:2] == [b"BEGIN:VCALENDAR", b"VERSION:2.0"]


def test_the_command_writes_it_to_standard_output_or_to_a_new_file(tmp_path: Path) -> None:
    path, out = tmp_path / "ceremony.toml", tmp_path / "dates.ics"
    path.write_text(EXAMPLE)
    shown = escrow("calendar", path).expect()
    assert shown.out.encode() == calendar(plan())
    escrow("calendar", path, "--out", out).expect()
    assert out.read_bytes() == calendar(plan())
    assert "never overwritten" in escrow("calendar", path, "--out", out).expect(3).err
