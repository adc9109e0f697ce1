"""The events that come from archives of ceremonies that were held with a set since it was made."""

import datetime as dt
from dataclasses import replace

from ceremony.custody.changes import (
    TWICE,
    Changed,
    Fields,
    RegisterError,
    expiries_of,
    fresh,
    name_of,
    with_share,
)
from ceremony.custody.register import Archived, Drill, ShareSet
from ceremony.rules.bags import bag_number
from ceremony.rules.steps import position_of

CRL = "CRL"
"""What the line of a CRL's next update is called: there is one."""
LEVELS = ("T0", "T1", "T2", "T3", "T4")


def drill(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
    """A drill was held: what was shown is attested, and what was opened is in a new bag."""
    if fields["level"] not in LEVELS:
        message = f"A drill has a level of {', '.join(LEVELS)}, and not {fields['level']}."
        raise RegisterError(message)
    at, new = archived(at, bags, fields, on, f"drill {fields['level']}")
    shown = tuple(map(position_of, fields["bags"]))
    return replace(at, drills=(*at.drills, Drill(fields["level"], on, fields["passed"], fields["minutes"], shown))), new


def session(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
    """The root signed something, or was about to: sheets that were read are in new bags, and other dates count.

    A new CRL takes the place of the one before; what was revoked counts no more.
    """
    at, new = archived(at, bags, fields, on, fields["what"])
    issued, gone = expiries_of(fields["expiries"]), {*expiries_of(fields["revoked"])}
    published = any(each.what == CRL for each in issued)
    left = (each for each in at.expiries if each not in gone and not (published and each.what == CRL))
    return replace(at, expiries=(*left, *issued)), new


def archived(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date, what: str) -> Changed:
    """What every archive of a later ceremony says: which sheets were seen, and in which bags they are now.

    One that ended before another that is in the register must not change what that one said.
    """
    entered = Archived(fields["ceremony"], what, fields["ended"], fields["archive"])
    if entered.archive in {at.archive, *(each.archive for each in at.archives)}:
        raise RegisterError(TWICE)
    if at.superseded:
        message = f"The set was superseded on {at.superseded}: nothing that was done with it is entered any more."
        raise RegisterError(message)
    seen = {position_of(key): bag for key, bag in fields["bags"].items()}
    changed = {p: bag for p, bag in seen.items() if bag_number(bag) != bag_number(at.shares[p].bag)}
    later = [each.ceremony for each in at.archives if each.ended >= entered.ended]
    if later and (changed or fields.get("expiries")):
        message = (
            f"It ended before {', '.join(later)}, which is in the register: its bags and dates are older than those. "
            "Archives are entered in the order in which their ceremonies were held; nothing of this one is entered."
        )
        raise RegisterError(message)
    for position, bag in seen.items():
        held = at.shares[position]
        if not held.is_there:
            message = (
                f"Share {name_of(at, held)} is {held.status.value} by the register, and its sheet was seen in "
                f"{entered.ceremony}. If it was found, note that first: 'escrow report SHARE found --on {on}'."
            )
            raise RegisterError(message)
        if position in changed and on < held.attested:
            message = (
                f"Share {name_of(at, held)} got the bag {bag} on {on}, and the register knows of its bag {held.bag} on "
                f"{held.attested}: one of the two is wrong. Look at the bag."
            )
            raise RegisterError(message)
        at = with_share(at, replace(held, bag=bag, attested=max(held.attested, on), how=what))
    return replace(at, archives=(*at.archives, entered)), fresh(bags, changed.values())
