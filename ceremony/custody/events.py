"""What can happen to a set in the years after its ceremony: the register is the fold of these entries of a journal.

No input, no output, no clock: an entry has the day on which the thing happened (`on`), and when it was written (`utc`).
What a thing does to the register is said once, by the function of its event; one that may not be is refused with the
reason, and nothing is written.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ceremony.custody.ending import destroyed, superseded
from ceremony.custody.register import Copy, Drill, Expiry, Held, Holder, Register, ShareSet, Status
from ceremony.rules.bags import bag_number
from ceremony.rules.steps import position_of
from ceremony.run.journal import Entry, JournalError
from escrow.errors import EscrowError
from escrow.policy import Group, Policy

Fields = Mapping[str, Any]

_TWICE = "This is in the register already."
LEVELS = ("T0", "T1", "T2", "T3", "T4")

_MAY_BECOME = {
    Status.HELD: {Status.LOST, Status.EXPOSED, Status.DESTROYED},
    Status.LOST: {Status.HELD, Status.EXPOSED, Status.DESTROYED},
    Status.EXPOSED: {Status.DESTROYED},  # what was seen stays seen
    Status.DESTROYED: set(),
    Status.SUPERSEDED: {Status.DESTROYED},
}


class RegisterError(EscrowError):
    """The register does not allow this, or it is not the one that its journal describes."""


def replay(entries: Iterable[Entry]) -> Register:
    """The register after a journal. Raises JournalError, with the line, for an entry that cannot be."""
    register = Register()
    for entry in entries:
        try:
            register = after(register, entry)
        except RegisterError as error:
            message = f"Line {entry.n + 1} of the custody journal: {error}"
            raise JournalError(message) from None
    return register


def after(register: Register, entry: Entry) -> Register:
    """The register after one more entry. Raises RegisterError for one that may not be."""
    event = _EVENTS.get(entry.event)
    if not event:
        message = f"The event {entry.event!r} is not known: use a newer program."
        raise RegisterError(message)
    try:
        on = dt.date.fromisoformat(entry.fields["on"])
        if on > dt.date.fromisoformat(entry.utc[:10]) + dt.timedelta(days=1):  # a day: `on` is local, `utc` is not
            message = f"{on} is still to come: give the day on which it happened, or set the clock."
            raise RegisterError(message)
        if entry.event == "enter":
            return _enter(register, entry.fields, on)
        at = register.sets.get(entry.fields["set_id"])
        if not at:
            message = f"There is no set {entry.fields['set_id']} in this register."
            raise RegisterError(message)
        if on < at.created:
            message = f"{on} is before the set was made ({at.created}): give the day on which it happened."
            raise RegisterError(message)
        changed, bags = event(at, register.bags, entry.fields, on)
        return Register({**register.sets, entry.fields["set_id"]: changed}, register.bags | bags)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        message = f"The entry {entry.event!r} lacks something or has it wrong."
        raise RegisterError(message) from None


def _enter(register: Register, fields: Fields, on: dt.date) -> Register:
    """A set comes into the register, with all that its ceremony's archive says. It may supersede another."""
    if fields["set_id"] in register.sets:
        raise RegisterError(_TWICE)
    current = register.current
    if current and fields["ca"] != current.ca:
        message = f"This register is of the CA {current.ca}: {fields['ca']} gets a register of its own."
        raise RegisterError(message)
    if current and fields["epoch"] <= current.epoch:
        message = f"Its epoch is {fields['epoch']}, and the register has epoch {current.epoch}: it is an older set."
        raise RegisterError(message)
    groups = [Group(group["threshold"], group["shares"]) for group in fields["groups"]]
    policy = Policy(fields["threshold"], tuple(groups))
    shares = {
        position_of(each["share"]): Held(
            position_of(each["share"]), each["label"], _holder(each), each["bag"], on, "ceremony"
        )
        for each in fields["shares"]
    }
    if tuple(shares) != policy.positions:
        message = "The shares of the set are not those of its policy."
        raise RegisterError(message)
    entered = ShareSet(
        set_id=bytes.fromhex(fields["set_id"]),
        ca=fields["ca"],
        kind=fields["kind"],
        epoch=fields["epoch"],
        ceremony=fields["ceremony"],
        created=on,
        policy=policy,
        groups=tuple(group["name"] for group in fields["groups"]),
        package=fields["package"],
        archive=fields["archive"],
        shares=shares,
        copies=tuple(Copy(each["of"], each["site"], each["medium"], on) for each in fields["copies"]),
        expiries=_expiries(fields),
    )
    older = {name: superseded(each, on) for name, each in register.sets.items()}
    if (gone := fields.get("destroyed")) and gone["set_id"] in older:
        older[gone["set_id"]] = destroyed(older[gone["set_id"]], gone, f"refresh {fields['ceremony']}", on)
    bags = register.bags | _fresh(register.bags, {held.bag for held in shares.values()})
    return Register({**older, fields["set_id"]: entered}, bags)


def _attest(at: ShareSet, _bags: frozenset[str], fields: Fields, on: dt.date) -> tuple[ShareSet, frozenset[str]]:
    """A custodian showed the closed bag."""
    held = _share(at, fields)
    if held.status is not Status.HELD:
        found = ". If it was found: 'escrow report SHARE found --bag NUMBER'" if held.status is Status.LOST else ""
        message = f"Share {_name(at, held)} is {held.status.value}, and what is not held is not attested{found}."
        raise RegisterError(message)
    _check_bag(at, held, fields["bag"])
    return _with(at, replace(held, attested=max(held.attested, on), how=fields["how"])), frozenset()


def _report(at: ShareSet, _bags: frozenset[str], fields: Fields, on: dt.date) -> tuple[ShareSet, frozenset[str]]:
    """A sheet was lost, found, seen by somebody, or destroyed."""
    held, status, reason = _share(at, fields), Status(fields["status"]), _said(fields)
    _check_change(f"Share {_name(at, held)}", held.status, status)
    if status is Status.HELD:
        _check_bag(at, held, fields["bag"])
        held = replace(held, attested=max(held.attested, on), how="found")
    seen = held.seen or status is Status.EXPOSED
    return _with(at, replace(held, status=status, since=on, reason=reason, seen=seen)), frozenset()


def _hand_over(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> tuple[ShareSet, frozenset[str]]:
    """A share passes to another custodian, in the same closed bag or in a new one."""
    held = _share(at, fields)
    if held.status is not Status.HELD:
        message = f"Share {_name(at, held)} is {held.status.value}: only a share that is held can be handed over."
        raise RegisterError(message)
    same = bag_number(fields["bag"]) == bag_number(held.bag)
    new = frozenset() if same else _fresh(bags, {fields["bag"]})
    return _with(at, _passed(held, _holder(fields), fields["bag"], on, "handed over")), new


def _reissue(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> tuple[ShareSet, frozenset[str]]:
    """A share that was lost was made again at its index, and is in a new bag."""
    held = _share(at, fields)
    if held.seen or held.status not in {Status.LOST, Status.DESTROYED}:
        why = (
            "somebody saw it, and making it again would not take that back: refresh the set"
            if held.seen
            else f"it is {held.status.value}: report it lost first, if it is"
        )
        message = f"Share {_name(at, held)} is not made again: {why}."
        raise RegisterError(message)
    strays = held.strays + (held.status is Status.LOST)
    passed = _passed(held, _holder(fields), fields["bag"], on, "reissue")
    return _with(at, replace(passed, status=Status.HELD, since=on, reason="", strays=strays)), _fresh(
        bags, {fields["bag"]}
    )


def _copy(at: ShareSet, _bags: frozenset[str], fields: Fields, on: dt.date) -> tuple[ShareSet, frozenset[str]]:
    """A copy was read back, lost or destroyed, or another one was made: then it has the next number."""
    number, status = fields["copy"], Status(fields["status"])
    if number == len(at.copies) + 1 and status is Status.HELD:
        made = Copy(fields["of"], fields["site"], fields["medium"], on)
        return replace(at, copies=(*at.copies, made)), frozenset()
    if not 1 <= number <= len(at.copies):
        message = f"There is no copy {number}: the register has {len(at.copies)}."
        raise RegisterError(message)
    known = at.copies[number - 1]
    if status is Status.HELD and known.status is Status.HELD:
        changed = replace(known, read=max(known.read, on))
    else:
        _check_change(f"Copy {number}", known.status, status)
        changed = replace(known, status=status, since=on, reason=_said(fields))
    return replace(at, copies=(*at.copies[: number - 1], changed, *at.copies[number:])), frozenset()


def _drill(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> tuple[ShareSet, frozenset[str]]:
    """A drill was held: what was shown is attested, and what was opened is in a new bag."""
    if fields["level"] not in LEVELS:
        message = f"A drill has a level of {', '.join(LEVELS)}, and not {fields['level']}."
        raise RegisterError(message)
    if (archive := fields.get("archive", "")) and archive in {drill.archive for drill in at.drills}:
        raise RegisterError(_TWICE)
    shown = {position_of(key): bag for key, bag in fields["bags"].items()}
    new = set()
    for position, bag in shown.items():
        held = at.shares[position]
        if held.status is not Status.HELD:
            message = f"Share {_name(at, held)} is {held.status.value} by the register, and was shown in a drill."
            raise RegisterError(message)
        if bag_number(bag) != bag_number(held.bag):
            new.add(bag)
        at = _with(at, replace(held, bag=bag, attested=max(held.attested, on), how=f"drill {fields['level']}"))
    held_drill = Drill(fields["level"], on, fields["passed"], fields["minutes"], tuple(shown), archive)
    return replace(at, drills=(*at.drills, held_drill)), _fresh(bags, new)


def _expire(at: ShareSet, _bags: frozenset[str], fields: Fields, _on: dt.date) -> tuple[ShareSet, frozenset[str]]:
    """Certificates or CRLs were issued since: these count now."""
    return replace(at, expiries=_expiries(fields)), frozenset()


_EVENTS: Mapping[str, Callable[[ShareSet, frozenset[str], Fields, dt.date], tuple[ShareSet, frozenset[str]]]] = {
    "enter": lambda at, bags, _fields, _on: (at, bags),  # makes a set, and is done by `_enter`
    "attest": _attest,
    "report": _report,
    "hand over": _hand_over,
    "reissue": _reissue,
    "copy": _copy,
    "drill": _drill,
    "expire": _expire,
}


def _share(at: ShareSet, fields: Fields) -> Held:
    position = position_of(fields["share"])
    if position not in at.shares:
        message = f"There is no share {at.policy.name_of(position)}: the set is {at.policy}."
        raise RegisterError(message)
    if at.superseded and fields.get("status") != Status.DESTROYED.value:
        message = f"The set was superseded on {at.superseded}: its sheets can only be destroyed."
        raise RegisterError(message)
    return at.shares[position]


def _check_bag(at: ShareSet, held: Held, shown: str) -> None:
    if bag_number(shown) != bag_number(held.bag):
        message = (
            f"Share {_name(at, held)} is in bag {held.bag}, and the bag that was shown is {shown}. If it is no slip in "
            "reading, the sheet may have been taken out: do not attest it, and look into the bag together."
        )
        raise RegisterError(message)


def _name(at: ShareSet, held: Held) -> str:
    return at.policy.name_of(held.position)


def _with(at: ShareSet, held: Held) -> ShareSet:
    return replace(at, shares={**at.shares, held.position: held})


def _passed(held: Held, to: Holder, bag: str, on: dt.date, how: str) -> Held:
    previous = held.previous if to.name == held.holder.name else (held.holder, *held.previous)
    return replace(held, holder=to, previous=previous, bag=bag, attested=on, how=how)


def _holder(fields: Fields) -> Holder:
    texts = [fields[name] for name in ("holder", "manager", "unit", "site", "deputy")]
    if not all(isinstance(text, str) and text.isprintable() for text in texts) or not all(map(str.strip, texts[:-1])):
        message = "A custodian has a name, a manager, a unit and a site, each of one line."
        raise RegisterError(message)
    return Holder(*texts)


def _said(fields: Fields) -> str:
    reason = fields["reason"]
    if not reason.strip() or not reason.isprintable():
        message = "Say in a line what happened: the reason is part of the register."
        raise RegisterError(message)
    return str(reason)


def _expiries(fields: Fields) -> tuple[Expiry, ...]:
    return tuple(Expiry(each["what"], dt.date.fromisoformat(each["last"])) for each in fields["expiries"])


def _check_change(what: str, before: Status, now: Status) -> None:
    if now not in _MAY_BECOME[before]:
        known = "that is known" if before is now else f"cannot become {now.value}"
        message = f"{what} is {before.value} by the register: {known}. Nothing was written."
        raise RegisterError(message)


def _fresh(bags: frozenset[str], new: Iterable[str]) -> frozenset[str]:
    """Bags as they are compared. Raises RegisterError for one that was used before, or has no number."""
    numbers = [bag_number(bag) for bag in new]
    if again := [number for number in numbers if number in bags or numbers.count(number) > 1 or not number]:
        message = f"The bag {again[0] or 'without a number'} was used before: each bag is used once."
        raise RegisterError(message)
    return frozenset(numbers)
