"""What the lints look for. Each check yields one sentence for each thing that it finds."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from ceremony.planning.odds import Holder, holdings, person, spares
from ceremony.planning.plan import Custodian, Person, Plan
from ceremony.planning.profiles import profiles_of
from ceremony.preflight.ids import IDS as PREFLIGHT
from escrow.errors import TemplateError
from escrow.issuing.lints import OWN
from escrow.paper.fonts import check_printable
from escrow.policy import and_list
from escrow.share import Kind

MAX_SHARES = 15
REHEARSED_WITHIN = dt.timedelta(days=30)


@dataclass(frozen=True)
class Facts:
    """What is judged: the plan, on which day, and when it was last rehearsed."""

    plan: Plan
    today: dt.date
    rehearsed: dt.date | None


_OF_THE_SET = frozenset(
    ("no-spare", "one-spare", "many-shares", "quorum-under-one-manager", "quorum-in-one-unit", "quorum-at-one-site")
)
_IN_NEED = _OF_THE_SET | {
    *("officer-holds-share", "witness-holds-share", "officers-in-one-unit", "deputy-holds-share", "deputy-of-several"),
    *("own-manager", "package-beside-quorum", "packages-at-one-site", "one-archive", "archives-at-one-site"),
    *("access-needs-ca", "standby-missing"),
}
"""What does not keep those who are left from a recovery."""


def settled(lint: str, facts: Facts) -> bool:
    """Whether it was judged when the set was sealed: what follows does not change it, and only says so."""
    return not facts.plan.seals and lint in (_IN_NEED if facts.plan.recovery else _OF_THE_SET)


def seen_later(lint: str, plan: Plan) -> bool:
    """Whether a waiver is needless is seen on the day: on the machine, or with the root's certificate."""
    return lint in PREFLIGHT or (plan.follows is not None and (lint in OWN or "." in lint))


def same_person_twice(facts: Facts) -> Iterator[str]:
    """Nobody has one role twice."""
    plan = facts.plan
    for role, people in (("custodian", plan.custodians), ("officer", plan.officers), ("witness", plan.witnesses)):
        known: dict[str, str] = {}
        for name in (each.name for each in people):
            if person(name) in known:
                yield f"{known[person(name)]} and {name} are one person, named as {role} twice."
            known.setdefault(person(name), name)


def officer_holds_share(facts: Facts) -> Iterator[str]:
    """Officers are no custodians."""
    return _both(facts.plan.officers, facts.plan.custodians, "an officer and a custodian")


def witness_holds_share(facts: Facts) -> Iterator[str]:
    """Witnesses are no custodians."""
    return _both(facts.plan.witnesses, facts.plan.custodians, "a witness and a custodian")


def officer_is_witness(facts: Facts) -> Iterator[str]:
    """Officers are no witnesses."""
    return _both(facts.plan.officers, facts.plan.witnesses, "an officer and a witness")


def officers_in_one_unit(facts: Facts) -> Iterator[str]:
    """Not all officers are of one unit."""
    if len({person(officer.unit) for officer in facts.plan.officers}) == 1:
        yield f"All officers are of the unit {facts.plan.officers[0].unit}."


def deputy_holds_share(facts: Facts) -> Iterator[str]:
    """Deputies are no custodians."""
    custodians = {person(each.name) for each in facts.plan.custodians}
    for each in facts.plan.custodians:
        if each.deputy and person(each.deputy) in custodians:
            yield f"{each.deputy}, the deputy of {each.name}, is a custodian."


def deputy_of_several(facts: Facts) -> Iterator[str]:
    """Nobody is the deputy of two."""
    represented: dict[str, list[str]] = {}
    for each in facts.plan.custodians:
        if each.deputy:
            represented.setdefault(person(each.deputy), [each.deputy]).append(each.name)
    for deputy, *names in represented.values():
        if len(names) > 1:
            yield f"{deputy} is the deputy of {and_list(names)}."


def own_manager(facts: Facts) -> Iterator[str]:
    """Nobody is their own manager."""
    for each in facts.plan.custodians:
        if person(each.manager) == person(each.name):
            yield f"{each.name} is named as the manager of {each.name}."


def no_spare(facts: Facts) -> Iterator[str]:
    """One share may be lost."""
    if spares(facts.plan.policy) == 0:
        yield f"The quorum is {facts.plan.policy}: the loss of a single share can be final."


def one_spare(facts: Facts) -> Iterator[str]:
    """Two shares may be lost."""
    if spares(facts.plan.policy) == 1:
        yield f"The quorum is {facts.plan.policy}: the loss of two shares can be final."


def many_shares(facts: Facts) -> Iterator[str]:
    """There are not too many shares."""
    number = len(facts.plan.custodians)
    if number > MAX_SHARES:
        yield f"There are {number} shares."


def quorum_under_one_manager(facts: Facts) -> Iterator[str]:
    """No manager has a quorum below and in the own hands."""
    yield from (f"{name} is manager of the custodians of {what}." for name, what in _quorums(facts.plan, "manager"))


def quorum_in_one_unit(facts: Facts) -> Iterator[str]:
    """No unit has a quorum."""
    yield from (f"The unit {name} holds {what}." for name, what in _quorums(facts.plan, "unit"))


def quorum_at_one_site(facts: Facts) -> Iterator[str]:
    """No site has a quorum."""
    yield from (f"At the site {name} are {what}." for name, what in _quorums(facts.plan, "site"))


def package_beside_quorum(facts: Facts) -> Iterator[str]:
    """No site has all that a recovery needs."""
    packages = {package.site for package in facts.plan.packages}
    archives = {archive.site for archive in facts.plan.archives}
    for name, what in _quorums(facts.plan, "site"):
        if name in packages:
            yield f"At the site {name} are a copy of the package and {what}."
        elif name in archives:
            yield f"At the site {name} are a copy of the archive, with the package in it, and {what}."


def packages_at_one_site(facts: Facts) -> Iterator[str]:
    """Copies of the package are at two sites or more."""
    sites = {package.site for package in facts.plan.packages}
    if len(sites) == 1:
        yield f"Every copy of the package is at the site {sites.pop()}."


def one_archive(facts: Facts) -> Iterator[str]:
    """The archive is kept twice or more."""
    if len(facts.plan.archives) == 1:
        yield f"There is only one copy of the archive, at the site {facts.plan.archives[0].site}."


def archives_at_one_site(facts: Facts) -> Iterator[str]:
    """Copies of the archive are at two sites or more."""
    sites = [archive.site for archive in facts.plan.archives]
    if len(sites) > 1 and len(set(sites)) == 1:
        yield f"Every copy of the archive is at the site {sites[0]}."


def access_needs_ca(facts: Facts) -> Iterator[str]:
    """Nothing that is needed for a recovery needs the CA."""
    yield from (f"This depends on the CA: {each.what}." for each in facts.plan.access if each.depends_on_ca)


def standby_missing(facts: Facts) -> Iterator[str]:
    """There is a standby day."""
    if facts.plan.ceremony.standby is None:
        yield "The plan names no standby day."


def standby_not_after(facts: Facts) -> Iterator[str]:
    """The standby day is later."""
    when = facts.plan.ceremony
    if when.standby and when.standby <= when.date:
        yield f"The standby day, {when.standby}, is not after the ceremony on {when.date}."


def date_past(facts: Facts) -> Iterator[str]:
    """The day is yet to come, or today."""
    when = facts.plan.ceremony
    if when.date < facts.today:
        rest = f"; the standby day is {when.standby}" if standby_ahead(facts) else ""
        yield f"The ceremony's date, {when.date}, is past: today is {facts.today}{rest}."


def standby_ahead(facts: Facts) -> bool:
    """Whether the ceremony may still be held on its standby day."""
    standby = facts.plan.ceremony.standby
    return standby is not None and standby >= facts.today


def not_rehearsed(facts: Facts) -> Iterator[str]:
    """This very plan was rehearsed shortly before its day."""
    day = max(facts.today, facts.plan.ceremony.date)
    if facts.rehearsed is None:
        yield "No rehearsal of this plan, as it stands now, is known."
    elif facts.rehearsed > facts.today + dt.timedelta(days=1):  # a journal's day is UTC's, which may be ahead
        yield f"The rehearsal is dated {facts.rehearsed}, and today is {facts.today}: one of the clocks was wrong."
    elif day - facts.rehearsed > REHEARSED_WITHIN:
        yield f"The last rehearsal, on {facts.rehearsed}, is more than {REHEARSED_WITHIN.days} days before {day}."


def rehearsal_may_wait(facts: Facts) -> bool:
    """Whether there is still time to rehearse, or this is a rehearsal itself."""
    when = facts.plan.ceremony
    return facts.today < when.date or when.kind is Kind.SPECIMEN


def unprintable(facts: Facts) -> Iterator[str]:
    """The fonts have every character."""
    plan = facts.plan
    when = plan.ceremony
    texts = chain(
        (when.id, when.organisation, when.contact, when.place, plan.ca.name),
        *((each.name, each.unit, each.manager, each.deputy or each.name) for each in plan.custodians),
        *((each.name, each.unit) for each in (*plan.officers, *plan.witnesses)),
        *((each.name, each.what) for each in plan.sites),
        (group.name for group in plan.groups),
        (copy.medium for copy in (*plan.packages, *plan.archives)),
        (access.what for access in plan.access),
        (waiver.reason for waiver in plan.waivers),
        (str(each) for profile in profiles_of(plan) or () for each in profile.subject),
    )
    for text in dict.fromkeys(texts):
        try:
            check_printable(text)
        except TemplateError as error:
            yield str(error)


def _both(some: Sequence[Person | Custodian], others: Sequence[Person | Custodian], what: str) -> Iterator[str]:
    known = {person(each.name) for each in others}
    return (f"{each.name} is {what}." for each in some if person(each.name) in known)


def _quorums(plan: Plan, by: Holder) -> Iterator[tuple[str, str]]:
    """Who holds a quorum alone, and which shares."""
    for name, held in holdings(plan, by).items():
        if not plan.policy.missing(held):
            yield name, f"the shares {plan.policy.names_of(held)}, a quorum"
