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
    holder_of,
    name_of,
    passed,
    with_share,
)
from ceremony.custody.register import Archived, Drill, ShareSet, Status
from ceremony.rules.bags import bag_number
from ceremony.rules.steps import position_of

CRL = "CRL"
"""What the line of a CRL's next update is called: there is one."""
LEVELS = ("T0", "T1", "T2", "T3", "T4")
_READS_EACH = "T2"
"""The level at which each sheet is judged by itself: what it says of one counts until that is judged again."""


def drill(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
    """A drill was held: what was shown is attested, and what was opened is in a new bag.

    A sheet that was read and cannot be used is in its bag all the same, and counts for no quorum.
    """
    if fields["level"] not in LEVELS:
        message = f"A drill has a level of {', '.join(LEVELS)}, and not {fields['level']}."
        raise RegisterError(message)
    at, new = archived(at, bags, fields, on, f"drill {fields['level']}")
    shown = tuple(map(position_of, fields["bags"]))
    bad = set(map(position_of, fields["bad"]))
    for position in shown if fields["level"] == _READS_EACH else ():
        at = with_share(at, replace(at.shares[position], unusable=position in bad))
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


def reissue(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
    """A share was made again from others, which are in new bags; or it was not, and they are all the same.

    What was lost stays known for ever: who held it, and that its sheet may turn up.
    """
    held = at.shares[position_of(fields["share"])]
    name = name_of(at, held)
    at, new = archived(at, bags, fields, on, f"share {name} {'' if fields['made'] else 'not '}made again")
    if not fields["made"]:
        return at, new
    if held.seen or held.status not in {Status.LOST, Status.DESTROYED}:
        why = (
            "somebody saw it, and making it again would not take that back: refresh the set"
            if held.seen
            else f"it is {held.status.value}: report it lost first, if it is"
        )
        message = f"Share {name} is not made again: {why}."
        raise RegisterError(message)
    made = passed(held, holder_of(fields), fields["bag"], on, "reissue")
    strays = held.strays + (held.status is Status.LOST)
    at = with_share(at, replace(made, status=Status.HELD, since=on, reason="", strays=strays, unusable=False))
    return at, new | fresh(bags | new, {fields["bag"]})


def archived(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date, what: str) -> Changed:
    """What every archive of a later ceremony says: which sheets were seen, and in which bags they are now.

    One that ended before another that is in the register must not change what that one said.
    """
    signed = bool(fields.get("expiries") or fields.get("revoked"))
    entered = Archived(fields["ceremony"], what, fields["ended"], fields["archive"], signed)
    if entered.archive in {at.archive, *(each.archive for each in at.archives)}:
        raise RegisterError(TWICE)
    if at.superseded:
        message = f"The set was superseded on {at.superseded}: nothing that was done with it is entered any more."
        raise RegisterError(message)
    seen = {position_of(key): bag for key, bag in fields["bags"].items()}
    changed = {p: bag for p, bag in seen.items() if bag_number(bag) != bag_number(at.shares[p].bag)}
    later = [each.ceremony for each in at.archives if each.ended > entered.ended]
    if later and (changed or fields.get("expiries") or fields.get("made")):
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
