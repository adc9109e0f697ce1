"""Policies: what can be split, what is a quorum, and how many shares are still missing."""

import itertools

import pytest

from escrow.errors import PolicyError
from escrow.policy import MAX_SHARES, Group, Policy, Position, check_threshold

TWO_OF_THREE = Policy.plain(2, 3)
# 2 of 3 groups: officers 2 of 3, executives 1 of 1, auditors 3 of 4
GROUPED = Policy(2, (Group(2, 3), Group(1, 1), Group(3, 4)))
POLICIES = [
    TWO_OF_THREE,
    GROUPED,
    Policy.plain(3, 3),
    Policy(2, (Group(1, 1), Group(1, 1))),
    Policy(3, (Group(2, 2), Group(2, 3), Group(1, 1))),
]


def at(*places: tuple[int, int]) -> list[Position]:
    return [Position(group, x) for group, x in places]


def is_quorum(policy: Policy, present: set[Position]) -> bool:
    """What a policy means, said in another way than the code says it."""
    members = [sum(position.group == g for position in present) for g in range(1, len(policy.groups) + 1)]
    complete = [count >= group.threshold for count, group in zip(members, policy.groups, strict=True)]
    return sum(complete) >= policy.threshold


@pytest.mark.parametrize(
    ("k", "n"), [(1, 1), (2, 2), (2, 3), (3, 5), (2, MAX_SHARES), (254, MAX_SHARES), (MAX_SHARES, MAX_SHARES)]
)
def test_thresholds_that_can_be_split_are_accepted(k: int, n: int) -> None:
    check_threshold(k, n, "shares")


@pytest.mark.parametrize(
    ("k", "n", "message"),
    [
        (0, 3, "A threshold of 0 cannot be met by 3 shares: it must lie between 2 and 3."),
        (-1, 3, "A threshold of -1 cannot be met by 3 shares: it must lie between 2 and 3."),
        (4, 3, "A threshold of 4 cannot be met by 3 shares: it must lie between 2 and 3."),
        (2, 1, "A threshold of 2 cannot be met by 1 shares: it must lie between 1 and 1."),
        (256, 255, "A threshold of 256 cannot be met by 255 shares"),
        (2, 256, "256 shares cannot be made: the number must lie between 1 and 255."),
        (300, 300, "300 shares cannot be made"),
        (0, 0, "0 shares cannot be made"),
        (1, 0, "0 shares cannot be made"),
        (-2, -1, "-1 shares cannot be made"),
        (1, 2, "A threshold of 1 with 2 shares would give each of them the whole secret"),
        (1, 255, "A threshold of 1 with 255 shares would give each of them the whole secret"),
    ],
)
def test_thresholds_that_cannot_be_split_are_refused_and_the_message_says_why(k: int, n: int, message: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        check_threshold(k, n, "shares")
    assert message in str(refusal.value)


@pytest.mark.parametrize("n", [-1, 0, 1, 2, 3, 254, 255, 256])
@pytest.mark.parametrize("k", [-1, 0, 1, 2, 3, 254, 255, 256])
def test_the_rule_for_thresholds_is_the_one_of_the_design(k: int, n: int) -> None:
    allowed = 2 <= k <= n <= 255 or k == n == 1
    try:
        check_threshold(k, n, "shares")
    except PolicyError:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize(
    ("threshold", "groups", "message"),
    [
        (1, [], "0 groups cannot be made"),
        (0, [(2, 3)], "A threshold of 0 cannot be met by 1 groups"),
        (2, [(2, 3)], "A threshold of 2 cannot be met by 1 groups"),
        (3, [(2, 3), (1, 1)], "A threshold of 3 cannot be met by 2 groups"),
        (1, [(2, 3), (2, 3)], "A threshold of 1 with 2 groups"),
        (2, [(2, 3), (1, 2)], "A threshold of 1 with 2 shares"),
        (2, [(2, 3), (4, 3)], "A threshold of 4 cannot be met by 3 shares"),
        (2, [(2, 3), (0, 0)], "0 shares cannot be made"),
        (2, [(2, 3), (2, 256)], "256 shares cannot be made"),
        (2, [(2, 2)] * 256, "256 groups cannot be made"),
        (1, [(1, 1)], "One share alone would be the whole secret"),
    ],
)
def test_a_policy_with_an_impossible_part_cannot_be_made(
    threshold: int, groups: list[tuple[int, int]], message: str
) -> None:
    with pytest.raises(PolicyError) as refusal:
        Policy(threshold, tuple(Group(k, n) for k, n in groups))
    assert message in str(refusal.value)


@pytest.mark.parametrize(("k", "n"), [(2, 2), (2, 3), (3, 5), (255, 255)])
def test_a_plain_policy_is_one_group(k: int, n: int) -> None:
    assert Policy.plain(k, n) == Policy(1, (Group(k, n),))


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 2), (1, 255), (0, 2), (3, 2), (2, 256), (2, 1), (-1, -1)])
def test_a_plain_policy_needs_at_least_two_shares_and_no_more_than_there_are(k: int, n: int) -> None:
    with pytest.raises(PolicyError):
        Policy.plain(k, n)


@pytest.mark.parametrize(
    ("policy", "positions"),
    [
        (TWO_OF_THREE, at((1, 1), (1, 2), (1, 3))),
        (GROUPED, at((1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2), (3, 3), (3, 4))),
    ],
    ids=str,
)
def test_positions_are_numbered_from_1_in_order_of_groups(policy: Policy, positions: list[Position]) -> None:
    assert list(policy.positions) == positions


def test_each_group_has_its_threshold() -> None:
    assert [GROUPED.threshold_of(group) for group in (1, 2, 3)] == [2, 1, 3]


@pytest.mark.parametrize(
    ("policy", "present", "missing"),
    [
        (TWO_OF_THREE, at(), 2),
        (TWO_OF_THREE, at((1, 3)), 1),
        (TWO_OF_THREE, at((1, 3), (1, 3)), 1),  # the same share twice is one share
        (TWO_OF_THREE, at((1, 3), (1, 1)), 0),
        (TWO_OF_THREE, at((1, 1), (1, 2), (1, 3)), 0),
        (GROUPED, at(), 3),  # the cheapest two groups: 1 + 2
        (GROUPED, at((2, 1)), 2),
        (GROUPED, at((1, 1)), 2),
        (GROUPED, at((1, 1), (1, 2)), 1),
        (GROUPED, at((1, 1), (1, 2), (1, 3)), 1),  # a third officer replaces nobody
        (GROUPED, at((3, 1), (3, 2)), 2),  # 1 auditor + 1 executive, cheaper than 2 officers
        (GROUPED, at((3, 1), (3, 2), (3, 3)), 1),
        (GROUPED, at((3, 1), (3, 2), (3, 3), (3, 4)), 1),
        (GROUPED, at((1, 1), (3, 1), (3, 2)), 2),
        (GROUPED, at((1, 1), (2, 1), (3, 1)), 1),
        (GROUPED, at((2, 1), (1, 2), (1, 3)), 0),
        (GROUPED, at((1, 1), (1, 2), (3, 1), (3, 2), (3, 4)), 0),
    ],
    ids=str,
)
def test_missing_counts_the_shares_that_the_shortest_way_to_a_quorum_still_needs(
    policy: Policy, present: list[Position], missing: int
) -> None:
    assert policy.missing(present) == missing


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_missing_is_the_fewest_shares_that_make_a_quorum_for_every_set_of_shares(policy: Policy) -> None:
    everything = set(policy.positions)
    subsets = [
        set(chosen) for size in range(len(everything) + 1) for chosen in itertools.combinations(everything, size)
    ]
    quorums = [subset for subset in subsets if is_quorum(policy, subset)]
    for present in subsets:
        assert policy.missing(present) == min(len(quorum - present) for quorum in quorums), present


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_choose_picks_a_quorum_and_not_a_share_more_from_every_set_that_has_one(policy: Policy) -> None:
    everything = policy.positions
    for size in range(len(everything) + 1):
        for present in itertools.combinations(everything, size):
            if policy.missing(present):
                continue
            chosen = policy.choose(reversed(present))
            assert set(chosen) <= set(present)
            assert len(set(chosen)) == len(chosen)
            assert is_quorum(policy, set(chosen))
            assert not any(is_quorum(policy, set(chosen) - {share}) for share in chosen)


@pytest.mark.parametrize(
    ("policy", "present", "chosen"),
    [
        (TWO_OF_THREE, at((1, 3), (1, 2), (1, 1)), at((1, 1), (1, 2))),
        (TWO_OF_THREE, at((1, 3), (1, 3), (1, 2)), at((1, 2), (1, 3))),
        (GROUPED, at((3, 4), (3, 2), (3, 1), (3, 3), (2, 1), (1, 1)), at((2, 1), (3, 1), (3, 2), (3, 3))),
        (GROUPED, list(GROUPED.positions), at((1, 1), (1, 2), (2, 1))),
    ],
    ids=str,
)
def test_choose_takes_the_first_complete_groups_and_the_first_shares_of_each(
    policy: Policy, present: list[Position], chosen: list[Position]
) -> None:
    assert list(policy.choose(present)) == chosen
    assert policy.choose(iter(present)) == tuple(chosen)


def test_a_share_has_one_name_for_people_and_a_short_one_and_both_have_the_group_only_where_there_are_several() -> None:
    names = {policy: [policy.name_of(p) for p in policy.positions] for policy in (TWO_OF_THREE, GROUPED)}
    assert names[TWO_OF_THREE] == ["1", "2", "3"]
    assert names[GROUPED][:5] == ["1 of group 1", "2 of group 1", "3 of group 1", "1 of group 2", "1 of group 3"]
    for policy in POLICIES:
        short = [policy.short_name_of(position) for position in policy.positions]
        assert len(set(short)) == len(policy.positions)
        assert all(name.replace("-", "").isdecimal() and len(name) <= 7 for name in short)
    assert TWO_OF_THREE.short_name_of(Position(1, 3)) == "3"
    assert GROUPED.short_name_of(Position(3, 4)) == "3-4"
    assert GROUPED.name_of(Position(9, 200)) == "200 of group 9", "wrong shares are named, too"


@pytest.mark.parametrize(
    ("policy", "positions", "names"),
    [
        (TWO_OF_THREE, at(), ""),
        (TWO_OF_THREE, at((1, 2)), "2"),
        (TWO_OF_THREE, at((1, 3), (1, 1)), "1 and 3"),
        (TWO_OF_THREE, at((1, 2), (1, 3), (1, 1)), "1, 2 and 3"),
        (GROUPED, at((1, 2)), "2 of group 1"),
        (GROUPED, at((3, 4), (1, 3), (3, 1), (1, 1), (2, 1)), "1 and 3 of group 1, 1 of group 2, 1 and 4 of group 3"),
    ],
    ids=str,
)
def test_several_shares_are_named_in_order_and_by_group(policy: Policy, positions: list[Position], names: str) -> None:
    assert policy.names_of(iter(positions)) == names


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (TWO_OF_THREE, "2 of 3"),
        (Policy.plain(255, 255), "255 of 255"),
        (GROUPED, "2 of 3 groups (2 of 3, 1 of 1, 3 of 4)"),
        (Policy(2, (Group(1, 1), Group(2, 2))), "2 of 2 groups (1 of 1, 2 of 2)"),
    ],
)
def test_a_policy_reads_as_people_say_it(policy: Policy, text: str) -> None:
    assert str(policy) == text
