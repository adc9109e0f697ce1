"""What can happen to a set in the years after its ceremony: the register is the fold of these entries of a journal.

No input, no output, no clock: an entry has the day on which the thing happened (`on`), and when it was written (`utc`).
What a thing does to the register is said once, by the function of its event; one that may not be is refused with the
reason, and nothing is written.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ceremony.custody import later
from ceremony.custody.changes import (
    TWICE,
    Changed,
    Fields,
    RegisterError,
    check_bag,
    check_change,
    expiries_of,
    fresh,
    holder_of,
    name_of,
    passed,
    said,
    share_of,
    with_share,
)
from ceremony.custody.ending import destroyed, superseded
from ceremony.custody.register import Copy, Held, Register, ShareSet, Status
from ceremony.rules.bags import bag_number
from ceremony.rules.steps import position_of
from ceremony.run.journal import Entry, JournalError
from escrow.policy import Group, Policy


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
            message = (
                f"There is no set {entry.fields['set_id']} in this register: enter the archive of its ceremony first, "
                "or take the register of its CA."
            )
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
        raise RegisterError(TWICE)
    current = register.current
    if current and fields["ca"] != current.ca:
        message = f"This register is of the CA {current.ca}: {fields['ca']} gets a register of its own."
        raise RegisterError(message)
    gone = fields.get("destroyed")
    if current and gone and gone["set_id"] != current.set_id.hex():
        message = (
            f"It supersedes the set {gone['set_id'][:16].upper()}, and the set in force here is "
            f"{current.set_id.hex()[:16].upper()}. If one in between is missing, enter it first. If not, two new sets "
            "were made for one old one: only one of them counts, and the sheets and copies of the other are destroyed."
        )
        raise RegisterError(message)
    if current and fields["epoch"] <= current.epoch:
        message = f"Its epoch is {fields['epoch']}, and the register has epoch {current.epoch}: it is an older set."
        raise RegisterError(message)
    groups = [Group(group["threshold"], group["shares"]) for group in fields["groups"]]
    policy = Policy(fields["threshold"], tuple(groups))
    shares = {
        position_of(each["share"]): Held(
            position_of(each["share"]), each["label"], holder_of(each), each["bag"], on, "ceremony"
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
        expiries=expiries_of(fields["expiries"]),
    )
    older = {name: superseded(each, on) for name, each in register.sets.items()}
    if gone and gone["set_id"] in older:
        older[gone["set_id"]] = destroyed(older[gone["set_id"]], gone, f"refresh {fields['ceremony']}", on)
    bags = register.bags | fresh(register.bags, {held.bag for held in shares.values()})
    return Register({**older, fields["set_id"]: entered}, bags)


def _attest(at: ShareSet, _bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
    """A custodian showed the closed bag."""
    held = share_of(at, fields)
    if held.status is not Status.HELD:
        found = ". If it was found: 'escrow report SHARE found --bag NUMBER'" if held.status is Status.LOST else ""
        message = f"Share {name_of(at, held)} is {held.status.value}, and what is not held is not attested{found}."
        raise RegisterError(message)
    check_bag(at, held, fields["bag"])
    return with_share(at, replace(held, attested=max(held.attested, on), how=fields["how"])), frozenset()


def _report(at: ShareSet, _bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
    """A sheet was lost, found, seen by somebody, or destroyed."""
    held, status, reason = share_of(at, fields), Status(fields["status"]), said(fields)
    check_change(f"Share {name_of(at, held)}", held.status, status)
    if status is Status.HELD:
        check_bag(at, held, fields["bag"])
        held = replace(held, attested=max(held.attested, on), how="found")
    seen = held.seen or status is Status.EXPOSED
    return with_share(at, replace(held, status=status, since=on, reason=reason, seen=seen)), frozenset()


def _hand_over(at: ShareSet, bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
    """A share passes to another custodian, in the same closed bag or in a new one."""
    held = share_of(at, fields)
    if held.status is not Status.HELD:
        message = f"Share {name_of(at, held)} is {held.status.value}: only a share that is held can be handed over."
        raise RegisterError(message)
    same = bag_number(fields["bag"]) == bag_number(held.bag)
    new = frozenset() if same else fresh(bags, {fields["bag"]})
    return with_share(at, passed(held, holder_of(fields), fields["bag"], on, "handed over")), new


def _copy(at: ShareSet, _bags: frozenset[str], fields: Fields, on: dt.date) -> Changed:
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
        check_change(f"Copy {number}", known.status, status)
        changed = replace(known, status=status, since=on, reason=said(fields))
    return replace(at, copies=(*at.copies[: number - 1], changed, *at.copies[number:])), frozenset()


_EVENTS: Mapping[str, Callable[[ShareSet, frozenset[str], Fields, dt.date], Changed]] = {
    "enter": lambda at, bags, _fields, _on: (at, bags),  # makes a set, and is done by `_enter`
    "attest": _attest,
    "report": _report,
    "hand over": _hand_over,
    "reissue": later.reissue,
    "copy": _copy,
    "drill": later.drill,
    "session": later.session,
    "recovery": later.session,
}
