"""The profiles of the CA that a plan makes: what is left out is as `step ca init` has it, dates follow from the day."""

import datetime as dt
from dataclasses import replace

from ceremony.planning.plan import Plan
from ceremony.planning.tables import Intermediate, Root
from escrow.issuing.naming import Attribute, Constraint
from escrow.issuing.profile import Profile, Profiles, names, subject_of
from escrow.issuing.validity import calendar_years

_DAY = dt.timedelta(days=1)


def profiles_of(plan: Plan) -> Profiles | None:
    """What the certificates are to say; None if the CA is imported.

    They begin when the day before the ceremony's does in UTC, whenever it is really held: so that they can be printed
    before, and are valid wherever on Earth it is that day: in the first zone it begins 14 hours before it does in UTC.
    """
    if plan.ca.keys != "generate":
        return None
    intermediates = plan.intermediates or (Intermediate(),)
    root, *others = (
        _profile(plan, name, table)
        for name, table in zip(names(len(intermediates)), (plan.root or Root(), *intermediates), strict=True)
    )
    return Profiles(plan.ca.name, root, tuple(others), plan.ssh.key if plan.ssh else None)


def begin_of(plan: Plan) -> dt.datetime:
    """When the certificates of a plan begin: by then its day has come in every time zone."""
    return dt.datetime.combine(plan.ceremony.date - _DAY, dt.time(), dt.UTC)


def _profile(plan: Plan, name: str, table: Root) -> Profile:
    begin = begin_of(plan)
    subject = tuple(map(Attribute.of, table.subject)) if table.subject else subject_of(plan.ca.name, _role(name))
    profile = Profile(
        name,
        table.key,
        subject,
        calendar_years(begin, table.years),
        _path_length(name) if table.path_length is None else table.path_length,
        tuple(map(Constraint.of, table.permitted)),
        tuple(map(Constraint.of, table.excluded)),
        key_identifier=table.key_identifier,
    )
    if not isinstance(table, Intermediate):
        return profile
    return replace(profile, policies=table.policies, crl=table.crl, issuers=table.issuers, ocsp=table.ocsp)


def _role(name: str) -> str:
    """`Root CA`, `Intermediate CA`; `Intermediate 2`, which is no longer."""
    role, _, number = name.partition("-")
    return f"{role.capitalize()} {number or 'CA'}"


def _path_length(name: str) -> int:
    return 1 if name == "root" else 0
