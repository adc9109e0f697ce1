"""A plan's dates as a calendar (RFC 5545). The same plan gives the same calendar: no clock is asked."""

import datetime as dt
from collections.abc import Iterator

from icalendar import Calendar, Event

from ceremony.planning.plan import Plan
from escrow import __version__

RESERVED = dt.timedelta(hours=4)
_REHEARSED_BEFORE = dt.timedelta(days=7)  # the same day of the week, and time left to mend what it shows
_LAST_DAY = 28  # every month has it, in every year: a series on the 29th to 31st would skip some
_DRILL_MONTHS = 6  # half a year from each attestation, so that sheets are looked at twice a year


def calendar(plan: Plan) -> bytes:
    """Ceremony, rehearsal, standby, yearly attestations and drills, and the end of retention.

    Times have no zone: they are the wall clock's at the ceremony's place. A discreet plan's calendar names nobody.
    """
    made = Calendar()
    made.add("prodid", f"-//step-ca escrow//{__version__}//EN")
    made.add("version", "2.0")
    for event in _events(plan):
        made.add_component(event)
    return bytes(made.to_ical())


def _events(plan: Plan) -> Iterator[Event]:
    when = plan.ceremony
    yield _session(plan, "rehearsal", when.date - _REHEARSED_BEFORE, f"Rehearsal of key ceremony {when.id}")
    yield _session(plan, "ceremony", when.date, f"Key ceremony {when.id}")
    if when.standby:
        yield _session(plan, "standby", when.standby, f"Standby day of key ceremony {when.id}")
    attestation = "Every custodian shows that the bag is there, closed, and bears its number. Losses are repaired."
    yield from _yearly(plan, "attestation", 12, f"Attest the shares of {when.id}", attestation)
    drill = "Prove that a quorum can be had, and restore to a scratch CA where that is due."
    yield from _yearly(plan, "drill", _DRILL_MONTHS, f"Recovery drill for {when.id}", drill)
    ends = f"The records of key ceremony {when.id} were to be kept until today. Decide what is kept on."
    yield _day(plan, "retention", plan.retain_until, f"Retention of {when.id} ends", ends)


def _session(plan: Plan, what: str, date: dt.date, summary: str) -> Event:
    event = _event(plan, what, summary, _people(plan))
    event.add("dtstart", dt.datetime.combine(date, plan.ceremony.start))
    event.add("duration", RESERVED)
    event.add("location", plan.ceremony.place)
    return event


def _yearly(plan: Plan, what: str, months: int, summary: str, description: str) -> Iterator[Event]:
    """A series from so many months after the ceremony until retention ends; nothing if that is sooner."""
    first = _months_later(plan.ceremony.date, months)
    if first <= plan.retain_until:
        event = _day(plan, what, first, summary, description)
        event.add("rrule", {"freq": "yearly", "until": plan.retain_until})
        yield event


def _day(plan: Plan, what: str, date: dt.date, summary: str, description: str) -> Event:
    event = _event(plan, what, summary, description)
    event.add("dtstart", date)
    event.add("transp", "TRANSPARENT")  # the whole day, but nobody is busy all of it
    return event


def _event(plan: Plan, what: str, summary: str, description: str) -> Event:
    event = Event()
    event.add("uid", f"{what}-{plan.digest[:16].hex()}@step-ca-escrow")
    event.add("dtstamp", dt.datetime.combine(plan.ceremony.date, dt.time(), dt.UTC))
    event.add("summary", summary)
    event.add("description", description)
    return event


def _people(plan: Plan) -> str:
    if plan.documents.discreet:
        return "Who is needed has been told."
    roles = (("Officers", plan.officers), ("Witnesses", plan.witnesses), ("Custodians", plan.custodians))
    lines = [f"{role}: {', '.join(each.name for each in people)}" for role, people in roles]
    return "\n".join([f"{plan.ceremony.organisation}, CA {plan.ca.name}", *lines, f"Contact: {plan.ceremony.contact}"])


def _months_later(date: dt.date, months: int) -> dt.date:
    years, month = divmod(date.month - 1 + months, 12)
    return dt.date(date.year + years, month + 1, min(date.day, _LAST_DAY))
