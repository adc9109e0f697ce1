"""Times that people type, held against the clock: what is far off is asked about once, and then believed."""

import datetime as dt

MOST = dt.timedelta(hours=3)
"""Between what was done before the program and its first question, unless people say otherwise."""

_MINUTE = dt.timedelta(minutes=1)
_HALF_DAY = dt.timedelta(hours=12)
_ZONE = dt.timedelta(minutes=15)  # by which the zones of the world differ
_SLACK = dt.timedelta(minutes=2)
_TWICE = "Look again, and type it once more."


def of_day(typed: str) -> dt.time | None:
    """Hours and minutes; None for what is none."""
    try:
        return dt.datetime.strptime(typed, "%H:%M").time()  # noqa: DTZ007 - UTC, without a day
    except ValueError:
        return None


def doubt_of_past(at: dt.time, now: dt.datetime) -> str:
    """What speaks against a time of day (UTC) at which something was done before `now`; empty for nothing."""
    before = now.replace(second=0) - now.replace(hour=at.hour, minute=at.minute, second=0)
    before = (before + _HALF_DAY) % dt.timedelta(days=1) - _HALF_DAY  # the nearest: midnight may lie in between
    if before < -_MINUTE:
        return f"The clock says {now:%H:%M} UTC: that is yet to come. Is it local time? {_TWICE}"
    if before > MOST:
        return f"The clock says {now:%H:%M} UTC: that was {_length(before)} ago. Is it local time? {_TWICE}"
    return ""


def doubt_of_now(drift: dt.timedelta) -> str:
    """What speaks against a time (UTC) from which the clock is this far off: as far as a time zone is from UTC."""
    nearest = round(drift / _ZONE) * _ZONE
    if not nearest or abs(drift - nearest) > _SLACK:
        return ""
    return f"The clock differs from that by {_length(abs(nearest))}: one of the two is local time, not UTC. {_TWICE}"


def _length(span: dt.timedelta) -> str:
    hours, minutes = divmod(round(span / _MINUTE), 60)
    return f"{hours} h {minutes:02} min"
