"""Which list of steps a plan's ceremony has."""

from collections.abc import Iterator

from ceremony.planning.plan import Plan
from ceremony.rules.drilling.rules import Drilling
from ceremony.rules.drilling.steps import Level
from ceremony.rules.listing import Listing
from ceremony.rules.recovering.rules import Recovering
from ceremony.rules.refreshing.rules import Refreshing
from ceremony.rules.reissuing.rules import Reissuing
from ceremony.rules.sealing.rules import Sealing
from ceremony.rules.sealing.steps import Online
from ceremony.rules.signing.rules import Signing
from ceremony.rules.steps import Step
from escrow.policy import Policy, Position


def listing_of(plan: Plan) -> Listing:
    """The list of steps of a plan's ceremony."""
    if plan.session:
        return Signing.of(plan.policy, len(plan.deliveries))
    if plan.drill:
        return Drilling.of(plan.policy, Level[plan.drill.level])
    if plan.reissue:
        return Reissuing.of(plan.policy, plan.reissue.position)
    if plan.recovery:
        return Recovering.of(plan.policy)
    if plan.refresh:
        return Refreshing.of(plan.policy, len(plan.packages))
    return Sealing.of(plan.policy, len(plan.packages), online_of(plan))


def online_of(plan: Plan) -> Online | None:
    """Whether a plan's ceremony makes the tree of an online CA, and what becomes of its passwords."""
    if plan.online is None:
        return None
    return Online.RECIPIENT if plan.online.recipient else Online.SHEET


def every_kind_of_step() -> Iterator[Step]:
    """Steps of every list, contingencies too: what a template has to have words for."""
    small = Policy.plain(2, 2)
    drills = (Drilling.of(small, level) for level in Level)
    for listing in (
        Sealing.of(small, 1, Online.SHEET),
        Signing.of(small, 1),
        Refreshing.of(small, 1),
        *drills,
        Reissuing.of(small, Position(1, 1)),
        Recovering.of(small),
    ):
        yield from (*listing.steps, *listing.contingencies)
