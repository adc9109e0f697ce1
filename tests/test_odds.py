"""What a plan can bear, against counting every case."""

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ceremony.planning.odds import Fewest, below_quorum, fewest, spares
from escrow.policy import Group, Policy, Position

sizes = st.one_of(
    st.just(Group(1, 1)), st.integers(2, 4).flatmap(lambda n: st.integers(2, n).map(lambda k: Group(k, n)))
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies of up to three groups and nine shares."""
    groups = tuple(draw(st.lists(sizes, min_size=1, max_size=3)))
    assume(sum(group.shares for group in groups) <= 9 and groups != (Group(1, 1),))
    least = min(2, len(groups))
    return Policy(draw(st.integers(least, len(groups))), groups)


def subsets(policy: Policy) -> list[frozenset[Position]]:
    return [
        frozenset(some)
        for number in range(len(policy.positions) + 1)
        for some in itertools.combinations(policy.positions, number)
    ]


def probability(policy: Policy, kept: float) -> float:
    """That no quorum is left, by counting every set of shares that may be left."""
    n = len(policy.positions)
    return math.fsum(
        kept ** len(left) * (1 - kept) ** (n - len(left)) for left in subsets(policy) if policy.missing(left)
    )


@pytest.mark.parametrize(("repaired", "expected"), [(False, "8.0 %"), (True, "0.6 %")])
def test_3_of_5_falls_below_quorum_in_5_years_with_the_known_probabilities(repaired: bool, expected: str) -> None:  # noqa: FBT001 - a parameter of the test
    found = below_quorum(Policy.plain(3, 5), 0.05, 5, repaired=repaired)
    assert f"{found * 100:.1f} %" == expected


@given(policies(), st.floats(0, 1), st.integers(1, 20))
def test_loss_costs_what_counting_every_case_gives(policy: Policy, loss: float, years: int) -> None:
    alone = below_quorum(policy, loss, years, repaired=False)
    assert alone == pytest.approx(probability(policy, (1 - loss) ** years), abs=1e-9)
    repaired = below_quorum(policy, loss, years, repaired=True)
    assert repaired == pytest.approx(1 - (1 - probability(policy, 1 - loss)) ** years, abs=1e-9)


@given(policies())
def test_so_many_shares_may_be_lost_and_one_more_may_not(policy: Policy) -> None:
    lost = spares(policy)
    everyone = frozenset(policy.positions)
    assert all(not policy.missing(everyone - some) for some in subsets(policy) if len(some) <= lost)
    assert any(policy.missing(everyone - some) for some in subsets(policy) if len(some) == lost + 1)


@given(policies(), st.data())
def test_the_fewest_holders_are_the_fewest_of_all_choices(policy: Policy, data: st.DataObject) -> None:
    holder = st.integers(0, 4)
    owners = [data.draw(holder) for _ in policy.positions]
    held = [
        frozenset(p for p, owner in zip(policy.positions, owners, strict=True) if owner == number)
        for number in range(5)
    ]
    extra = data.draw(st.sampled_from(policy.positions))
    held = [each | ({extra} if number == data.draw(holder) else set()) for number, each in enumerate(held) if each]
    by_counting = next(
        number
        for number in range(1, len(held) + 1)
        if any(not policy.missing(frozenset().union(*some)) for some in itertools.combinations(held, number))
    )
    assert fewest(policy, held) == Fewest(by_counting, exact=True)


def test_where_the_first_choice_misleads_the_fewest_are_found_all_the_same() -> None:
    """Two of two groups, 2 of 3 each: the largest holder is in the way of two others."""
    policy = Policy(2, (Group(2, 3), Group(2, 3)))
    a, b = ([Position(group, x) for x in (1, 2, 3)] for group in (1, 2))
    greedy_trap = [
        frozenset({a[0], a[1], b[0]}),
        frozenset({b[1]}),
        frozenset({a[2], a[0], b[2]}),
        frozenset({a[1], b[1]}),
    ]
    assert fewest(policy, greedy_trap).number == 2


def test_the_largest_policy_is_counted_at_once() -> None:
    policy = Policy.plain(128, 255)
    assert fewest(policy, [frozenset({position}) for position in policy.positions]) == Fewest(128, exact=True)
    assert 0 < below_quorum(policy, 0.05, 5, repaired=False) < 1e-9


def test_too_many_choices_are_owned_up_to() -> None:
    """By their sizes 20 holders could be enough, and trying all choices of 20 of 60 would take ages."""
    policy = Policy(2, (Group(20, 40), Group(20, 40)))
    held = [frozenset({Position(1, x), Position(1, x + 20)}) for x in range(1, 21)]
    held += [frozenset({Position(2, x)}) for x in range(1, 41)]
    assert fewest(policy, held) == Fewest(30, exact=False)


def test_holders_who_hold_no_quorum_between_them_are_an_error() -> None:
    with pytest.raises(ValueError, match="hold no quorum"):
        fewest(Policy.plain(2, 3), [frozenset({Position(1, 1)})])
