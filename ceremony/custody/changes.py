"""What the events of the register have in common: the checks of a share, a custodian, a bag, and of a change."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ceremony.custody.register import Expiry, Held, Holder, ShareSet, Status
from ceremony.rules.bags import bag_number
from ceremony.rules.steps import position_of
from escrow.errors import EscrowError

Fields = Mapping[str, Any]
Changed = tuple[ShareSet, frozenset[str]]
"""A set after an event, and the bags that it used."""

TWICE = "This is in the register already."

_MAY_BECOME = {
    Status.HELD: {Status.LOST, Status.EXPOSED, Status.DESTROYED},
    Status.LOST: {Status.HELD, Status.EXPOSED, Status.DESTROYED},
    Status.EXPOSED: {Status.DESTROYED},  # what was seen stays seen
    Status.DESTROYED: set(),
    Status.SUPERSEDED: {Status.DESTROYED},
}


class RegisterError(EscrowError):
    """The register does not allow this, or it is not the one that its journal describes."""


def share_of(at: ShareSet, fields: Fields) -> Held:
    """The share that an entry is about. Raises RegisterError for none, or if its set only waits to be destroyed."""
    position = position_of(fields["share"])
    if position not in at.shares:
        message = f"There is no share {at.policy.name_of(position)}: the set is {at.policy}."
        raise RegisterError(message)
    if at.superseded and fields.get("status") != Status.DESTROYED.value:
        message = f"The set was superseded on {at.superseded}: its sheets can only be destroyed."
        raise RegisterError(message)
    return at.shares[position]


def check_bag(at: ShareSet, held: Held, shown: str) -> None:
    """Raise RegisterError for another bag than the register has."""
    if bag_number(shown) != bag_number(held.bag):
        message = (
            f"Share {name_of(at, held)} is in bag {held.bag}, and the bag that was shown is {shown}. If it is no slip "
            "in reading, the sheet may have been taken out: do not attest it, and look into the bag together."
        )
        raise RegisterError(message)


def name_of(at: ShareSet, held: Held) -> str:
    """What people call a share."""
    return at.policy.name_of(held.position)


def with_share(at: ShareSet, held: Held) -> ShareSet:
    """The set with a share changed."""
    return replace(at, shares={**at.shares, held.position: held})


def passed(held: Held, to: Holder, bag: str, on: dt.date, how: str) -> Held:
    """A share with its next holder, who may be the same; the one before stays known."""
    previous = held.previous if to.name == held.holder.name else (held.holder, *held.previous)
    return replace(held, holder=to, previous=previous, bag=bag, attested=on, how=how)


def holder_of(fields: Fields) -> Holder:
    """The custodian in an entry. Raises RegisterError for one that lacks something."""
    texts = [fields[name] for name in ("holder", "manager", "unit", "site", "deputy")]
    if not all(isinstance(text, str) and text.isprintable() for text in texts) or not all(map(str.strip, texts[:-1])):
        message = "A custodian has a name, a manager, a unit and a site, each of one line."
        raise RegisterError(message)
    return Holder(*texts)


def said(fields: Fields) -> str:
    """The reason in an entry. Raises RegisterError for none."""
    reason = fields["reason"]
    if not reason.strip() or not reason.isprintable():
        message = "Say in a line what happened: the reason is part of the register."
        raise RegisterError(message)
    return str(reason)


def expiries_of(listed: Iterable[Fields]) -> tuple[Expiry, ...]:
    """What ends, and on which day."""
    return tuple(Expiry(each["what"], dt.date.fromisoformat(each["last"])) for each in listed)


def check_change(what: str, before: Status, now: Status) -> None:
    """Raise RegisterError for what a share or copy cannot become."""
    if now not in _MAY_BECOME[before]:
        known = "that is known" if before is now else f"cannot become {now.value}"
        message = f"{what} is {before.value} by the register: {known}. Nothing was written."
        raise RegisterError(message)


def fresh(bags: frozenset[str], new: Iterable[str]) -> frozenset[str]:
    """Bags as they are compared. Raises RegisterError for one that was used before, or has no number."""
    numbers = [bag_number(bag) for bag in new]
    if again := [number for number in numbers if number in bags or numbers.count(number) > 1 or not number]:
        message = f"The bag {again[0] or 'without a number'} was used before: each bag is used once."
        raise RegisterError(message)
    return frozenset(numbers)
