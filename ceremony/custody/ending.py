"""How a set ends: another one supersedes it, and what of it is there is destroyed."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ceremony.custody.register import ShareSet, Status
from ceremony.rules.steps import position_of


def superseded(at: ShareSet, on: dt.date) -> ShareSet:
    """The set from the day on that another one counts."""
    shares = {
        position: replace(held, status=Status.SUPERSEDED, since=on) if held.status is Status.HELD else held
        for position, held in at.shares.items()
    }
    return replace(at, shares=shares, superseded=at.superseded or on)


def destroyed(at: ShareSet, gone: Mapping[str, Any], reason: str, on: dt.date) -> ShareSet:
    """The set without what was destroyed in the ceremony that superseded it: shares by key, copies by number."""
    end: dict[str, Any] = {"status": Status.DESTROYED, "since": on, "reason": reason}
    away = {position_of(key) for key in gone["shares"]}
    shares = {position: replace(held, **end) if position in away else held for position, held in at.shares.items()}
    copies = [replace(copy, **end) if number in gone["copies"] else copy for number, copy in enumerate(at.copies, 1)]
    return replace(at, shares=shares, copies=tuple(copies))
