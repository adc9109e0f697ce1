"""Shamir's scheme: every quorum, one quorum's worth and no more, the same bytes as ssss, and nothing from k-1 shares.

The field is written here a second time, in the plainest way, so that the tests do not believe the library.
"""

import functools
import itertools
import random
from collections.abc import Callable, Mapping, Sequence

import pytest
from Crypto import Random
from Crypto.Protocol import SecretSharing
from helpers import need, run
from hypothesis import given, settings
from hypothesis import strategies as st

from escrow import shamir
from escrow.errors import EscrowError, PolicyError, ShareError

SECRET = bytes.fromhex("ff102030405060708090a0b0c0d0e0f80000000000000000000000000000001f")
SMALL = [(k, n) for n in range(2, 9) for k in range(2, n + 1)]
LANES = (slice(0, 16), slice(16, 32))
LARGE = [(2, 255), (3, 100), (17, 40), (60, 255)]
EDGES = {
    "random": bytes.fromhex("9e0b60f1d4a7c2385a116be07f93d84c2f8ac3e5901764bd38de52a90c7bf146"),
    "zero": bytes(32),
    "ones": bytes([255] * 32),
    "left only": bytes([7] * 16 + [0] * 16),
    "right only": bytes([0] * 16 + [7] * 16),
    "one bit": bytes([0] * 31 + [1]),
    "top bit": bytes([128] + [0] * 31),
}
PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)

secrets = st.binary(min_size=32, max_size=32)


# The field GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, and polynomials over it.


def times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a >> 128:
            a ^= (1 << 128) | 0b10000111
        b >>= 1
    return product


def power(a: int, exponent: int) -> int:
    result = 1
    while exponent:
        if exponent & 1:
            result = times(result, a)
        a = times(a, a)
        exponent >>= 1
    return result


@functools.cache
def inverse(a: int) -> int:
    return power(a, (1 << 128) - 2)


def evaluate(coefficients: Sequence[int], x: int) -> int:
    """The polynomial with these coefficients (of x^0 first) at x."""
    result = 0
    for exponent, coefficient in enumerate(coefficients):
        result ^= times(coefficient, power(x, exponent))
    return result


def lagrange(points: Mapping[int, int], at: int) -> int:
    """The value at `at` of the polynomial of least degree through the points."""
    result = 0
    for x, y in points.items():
        term = y
        for other in points:
            if other != x:
                term = times(term, times(at ^ other, inverse(x ^ other)))
        result ^= term
    return result


def seeded(seed: int) -> random.Random:
    """The same numbers in every run: what fails once fails again."""
    return random.Random(seed)  # noqa: S311 - chooses examples, keeps no secret


def integer(value: bytes) -> int:
    return int.from_bytes(value, "big")


def split_with(chunks: Sequence[bytes], k: int, n: int) -> dict[int, bytes]:
    """Split SECRET with the library drawing these chunks, all of them and in this order, instead of random bytes."""
    source = list(chunks)

    def drawn(length: int) -> bytes:
        assert length == 16
        return source.pop(0)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SecretSharing, "rng", drawn)
        shares = shamir.split(SECRET, k, n)
    assert not source
    return shares


# Every quorum restores.


@pytest.mark.parametrize(("k", "n"), SMALL)
def test_every_quorum_of_a_small_set_gives_the_secret_back(k: int, n: int) -> None:
    shares = shamir.split(SECRET, k, n)
    assert list(shares) == list(range(1, n + 1))
    assert all(len(value) == 32 for value in shares.values())
    for chosen in itertools.combinations(shares, k):
        assert shamir.combine({x: shares[x] for x in chosen}, k) == SECRET, chosen


@pytest.mark.parametrize("name", EDGES)
def test_special_secrets_come_back_like_any_other(name: str) -> None:
    shares = shamir.split(EDGES[name], 3, 5)
    for chosen in itertools.permutations(shares, 3):
        assert shamir.combine({x: shares[x] for x in chosen}, 3) == EDGES[name]


@PROPERTY
@given(secrets, st.data())
def test_a_random_quorum_of_any_set_gives_the_secret_back(secret: bytes, data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 255))
    k = data.draw(st.integers(2, min(n, 24)))
    shares = shamir.split(secret, k, n)
    chosen = data.draw(st.lists(st.sampled_from(sorted(shares)), min_size=k, max_size=k, unique=True))
    assert shamir.combine({x: shares[x] for x in chosen}, k) == secret


def test_the_largest_set_of_all_comes_back_too() -> None:
    assert shamir.combine(shamir.split(SECRET, 255, 255), 255) == SECRET


@pytest.mark.parametrize(("k", "n"), SMALL)
def test_the_shares_are_points_of_the_polynomial_that_ssss_defines(k: int, n: int) -> None:
    drawn = [seeded(number).randbytes(16) for number in range(2 * (k - 1))]
    shares = split_with(drawn, k, n)
    for number, lane in enumerate(LANES):
        own = drawn[number * (k - 1) : (number + 1) * (k - 1)]
        coefficients = [integer(SECRET[lane]), *map(integer, reversed(own)), 1]  # the 1 is the term x^k of ssss
        for x, value in shares.items():
            assert integer(value[lane]) == evaluate(coefficients, x)


def test_the_only_share_of_a_group_of_one_is_the_secret_itself() -> None:
    assert shamir.split(SECRET, 1, 1) == {1: SECRET}
    assert shamir.combine({1: SECRET}, 1) == SECRET
    assert shamir.interpolate({1: SECRET}, 1, 1) == SECRET
    shamir.prove_consistent({1: SECRET}, 1, SECRET)


def test_combining_does_not_depend_on_the_order_of_the_shares() -> None:
    shares = shamir.split(SECRET, 4, 6)
    for chosen in itertools.permutations((1, 3, 4, 6)):
        assert shamir.combine({x: shares[x] for x in chosen}, 4) == SECRET


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_wrong_share_in_a_quorum_gives_another_secret_in_its_own_lane_alone(k: int) -> None:
    shares = shamir.split(SECRET, k, k)
    for x, byte in itertools.product(shares, (0, 15, 16, 31)):
        wrong = bytearray(shares[x])
        wrong[byte] ^= 1
        secret = shamir.combine({**shares, x: bytes(wrong)}, k)
        assert [secret[lane] != SECRET[lane] for lane in LANES] == [byte < 16, byte >= 16]


# A lost share is made again.


@pytest.mark.parametrize(("k", "n"), SMALL)
def test_every_share_is_made_again_by_every_quorum_of_a_small_set(k: int, n: int) -> None:
    shares = shamir.split(SECRET, k, n)
    for chosen in itertools.combinations(shares, k):
        quorum = {x: shares[x] for x in chosen}
        assert {x: shamir.interpolate(quorum, k, x) for x in shares} == shares, chosen


@pytest.mark.parametrize(("k", "n"), LARGE)
def test_a_share_of_a_large_set_is_made_again(k: int, n: int) -> None:
    sample = seeded(n)
    shares = shamir.split(SECRET, k, n)
    for at in sample.sample(sorted(shares), 2):
        chosen = sample.sample(sorted(set(shares) - {at}), k)
        assert shamir.interpolate({x: shares[x] for x in chosen}, k, at) == shares[at]


@PROPERTY
@given(secrets, st.data())
def test_a_random_share_is_made_again_by_a_random_quorum(secret: bytes, data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 255))
    k = data.draw(st.integers(2, min(n, 16)))
    shares = shamir.split(secret, k, n)
    chosen = data.draw(st.lists(st.sampled_from(sorted(shares)), min_size=k, max_size=k, unique=True))
    at = data.draw(st.sampled_from(sorted(shares)))
    assert shamir.interpolate({x: shares[x] for x in chosen}, k, at) == shares[at]


def test_a_share_that_was_never_printed_continues_the_same_polynomial() -> None:
    shares = shamir.split(SECRET, 2, 2)
    new = {x: shamir.interpolate(shares, 2, x) for x in (3, 77, 255)}
    for chosen in itertools.combinations({**shares, **new}, 2):
        assert shamir.combine({x: {**shares, **new}[x] for x in chosen}, 2) == SECRET


# All shares of a set are proved to fit each other.


@pytest.mark.parametrize(("k", "n"), [*SMALL, (1, 1), (60, 60), (30, 60), (2, 120)])
def test_an_honest_set_is_consistent(k: int, n: int) -> None:
    shamir.prove_consistent(shamir.split(SECRET, k, n), k, SECRET)


@pytest.mark.parametrize("name", EDGES)
def test_an_honest_set_of_a_special_secret_is_consistent(name: str) -> None:
    shamir.prove_consistent(shamir.split(EDGES[name], 3, 5), 3, EDGES[name])


@pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 2), (2, 3), (3, 3)])
def test_any_single_changed_bit_of_any_share_is_found(k: int, n: int) -> None:
    shares = shamir.split(SECRET, k, n)
    for x, bit in itertools.product(shares, range(256)):
        wrong = bytes(a ^ b for a, b in zip(shares[x], (1 << bit).to_bytes(32, "big"), strict=True))
        with pytest.raises(ShareError, match="do not all give the same key"):
            shamir.prove_consistent({**shares, x: wrong}, k, SECRET)


@pytest.mark.parametrize(("k", "n"), [*SMALL, (20, 40), (40, 40)])
def test_a_changed_bit_is_found_in_every_share_of_sets_of_every_size(k: int, n: int) -> None:
    sample = seeded(k + n)
    shares = shamir.split(SECRET, k, n)
    for x in shares if n < 9 else sample.sample(sorted(shares), 5):
        wrong = (integer(shares[x]) ^ (1 << sample.randrange(256))).to_bytes(32, "big")
        with pytest.raises(ShareError, match="do not all give the same key"):
            shamir.prove_consistent({**shares, x: wrong}, k, SECRET)


@pytest.mark.parametrize(("k", "n"), [(2, 4), (3, 5), (4, 6)])
def test_some_shares_of_a_set_are_consistent_whichever_they_are_and_one_wrong_among_them_is_found(
    k: int, n: int
) -> None:
    shares = shamir.split(SECRET, k, n)
    for count in range(k, n + 1):
        for chosen in itertools.combinations(shares, count):
            some = {x: shares[x] for x in chosen}
            shamir.prove_consistent(some, k, SECRET)
            for x in some:
                wrong = (integer(shares[x]) ^ (1 << seeded(x).randrange(256))).to_bytes(32, "big")
                with pytest.raises(ShareError, match="do not all give the same key"):
                    shamir.prove_consistent({**some, x: wrong}, k, SECRET)


def test_a_few_shares_with_large_numbers_are_consistent() -> None:
    shares = shamir.split(SECRET, 3, 255)
    shamir.prove_consistent({x: shares[x] for x in (255, 2, 254, 77)}, 3, SECRET)
    with pytest.raises(ShareError, match="do not all give the same key"):
        shamir.prove_consistent({x: shares[x] for x in (255, 2, 254, 77)} | {77: shares[76]}, 3, SECRET)


@pytest.mark.parametrize(("k", "n"), [(2, 3), (3, 5), (4, 4)])
def test_a_set_of_another_secret_threshold_or_order_is_not_consistent(k: int, n: int) -> None:
    shares = shamir.split(SECRET, k, n)
    other = shamir.split(EDGES["random"], k, n)
    wrong_sets = {
        "another secret": (other, k),
        "a share of another split": ({**shares, n: other[n]}, k),
        "a higher threshold": (shamir.split(SECRET, k + 1, n), k) if k < n else (other, k),
        "two shares swapped": ({**shares, 1: shares[2], 2: shares[1]}, k),
        "lanes swapped": ({x: value[16:] + value[:16] for x, value in shares.items()}, k),
    }
    for name, (values, threshold) in wrong_sets.items():
        with pytest.raises(ShareError):
            shamir.prove_consistent(values, threshold, SECRET)
            pytest.fail(name)


def test_errors_in_two_shares_that_cancel_out_for_one_quorum_are_found() -> None:
    """Errors that vanish in one combination: only random weights find them for certain."""
    k, n = 2, 4
    shares = shamir.split(SECRET, k, n)
    # The line through two points, shifted at both so that its value at 0 stays: e1*l1(0) + e2*l2(0) = 0.
    weight = {x: times(y, inverse(x ^ y)) for x, y in ((1, 2), (2, 1))}
    changed = {1: weight[2], 2: weight[1]}
    forged = {x: (integer(shares[x]) ^ (changed.get(x, 0) << 128)).to_bytes(32, "big") for x in shares}
    assert forged != shares
    assert shamir.combine({x: forged[x] for x in (1, 2)}, k) == SECRET
    with pytest.raises(ShareError):
        shamir.prove_consistent(forged, k, SECRET)


@pytest.mark.parametrize(("k", "n"), [(0, 3), (1, 3), (4, 3), (-1, 3), (2, 0)])
def test_consistency_is_not_claimed_for_an_impossible_threshold(k: int, n: int) -> None:
    shares = dict.fromkeys(range(1, n + 1), SECRET)
    with pytest.raises(PolicyError):
        shamir.prove_consistent(shares, k, SECRET)


# What the library would do silently wrong never reaches it.


def refuse(error: type[Exception], match: str, *operations: Callable[[], object]) -> None:
    for operation in operations:
        with pytest.raises(error, match=match):
            operation()


@pytest.fixture
def library_is_off_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: object, **__: object) -> bytes:
        pytest.fail("the library was reached")

    monkeypatch.setattr(SecretSharing.Shamir, "split", staticmethod(reached))
    monkeypatch.setattr(SecretSharing.Shamir, "combine", staticmethod(reached))


@pytest.mark.usefixtures("library_is_off_limits")
@pytest.mark.parametrize(
    ("k", "n"), [(0, 0), (0, 3), (1, 2), (1, 255), (-1, 3), (4, 3), (2, 1), (2, 256), (256, 256), (2, -1)]
)
def test_impossible_splits_are_refused(k: int, n: int) -> None:
    with pytest.raises(PolicyError):
        shamir.split(SECRET, k, n)


@pytest.mark.usefixtures("library_is_off_limits")
@pytest.mark.parametrize("length", [0, 1, 15, 16, 31, 33, 64])
def test_secrets_and_shares_of_other_lengths_are_refused(length: int) -> None:
    refuse(
        EscrowError,
        f"has 32 bytes, not {length}",
        lambda: shamir.split(bytes(length), 2, 3),
        lambda: shamir.split(bytes(length), 1, 1),
        lambda: shamir.combine({1: bytes(32), 2: bytes(length)}, 2),
        lambda: shamir.combine({1: bytes(length)}, 1),
        lambda: shamir.interpolate({1: bytes(32), 2: bytes(length)}, 2, 3),
        lambda: shamir.interpolate({1: bytes(32), 2: bytes(length)}, 2, 2),
    )


# Index 0 would give back whatever was handed in as share 0; a negative one never ends; above 255 there is none.
WRONG_INDEXES = [0, -1, -255, 256, 1 << 64, 1 << 128]


@pytest.mark.usefixtures("library_is_off_limits")
@pytest.mark.parametrize("x", WRONG_INDEXES)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_shares_with_an_impossible_number_are_refused(k: int, x: int) -> None:
    shares = dict.fromkeys([*range(1, k), x], bytes(32))
    refuse(
        ShareError,
        f"Share {x} cannot exist",
        lambda: shamir.combine(shares, k),
        lambda: shamir.interpolate(shares, k, 9),
        lambda: shamir.prove_consistent(shares, k, bytes(32)),
    )


@pytest.mark.usefixtures("library_is_off_limits")
@pytest.mark.parametrize("x", WRONG_INDEXES)
def test_a_share_with_an_impossible_number_is_not_made(x: int) -> None:
    with pytest.raises(ShareError, match=f"Share {x} cannot exist"):
        shamir.interpolate({1: bytes(32), 2: bytes(32)}, 2, x)


@pytest.mark.usefixtures("library_is_off_limits")
def test_a_group_of_one_has_the_share_1_and_no_other() -> None:
    with pytest.raises(ShareError, match="has no share 2"):
        shamir.interpolate({1: bytes(32)}, 1, 2)
    with pytest.raises(ShareError, match="has the number 1"):
        shamir.combine({2: bytes(32)}, 1)
    with pytest.raises(ShareError, match="has the number 1"):
        shamir.interpolate({2: bytes(32)}, 1, 1)


@pytest.mark.usefixtures("library_is_off_limits")
@pytest.mark.parametrize("k", [0, -1, 256, 1000])
def test_impossible_thresholds_are_refused(k: int) -> None:
    shares = dict.fromkeys(range(1, max(k, 0) + 1), bytes(32))
    refuse(
        PolicyError,
        f"A threshold of {k} cannot exist",
        lambda: shamir.combine(shares, k),
        lambda: shamir.interpolate(shares, k, 1),
    )


@pytest.mark.usefixtures("library_is_off_limits")
@pytest.mark.parametrize("k", [1, 2, 3, 7])
@pytest.mark.parametrize("difference", [-2, -1, 1, 2])
def test_one_share_too_many_or_too_few_is_refused(k: int, difference: int) -> None:
    count = max(0, k + difference)
    shares = dict.fromkeys(range(1, count + 1), bytes(32))
    refuse(
        ShareError,
        f"{count} shares were given .* where exactly {k} are needed",
        lambda: shamir.combine(shares, k),
        lambda: shamir.interpolate(shares, k, 200),
    )


def test_the_library_would_give_a_wrong_secret_for_one_share_too_many() -> None:
    """The reason for the refusal above; should the library change, its comment in shamir.py has to."""
    shares = shamir.split(SECRET, 2, 3)
    left = [(x, value[:16]) for x, value in shares.items()]
    assert SecretSharing.Shamir.combine(left[:2], ssss=True) == SECRET[:16]
    assert SecretSharing.Shamir.combine(left, ssss=True) != SECRET[:16]


# Debian's ssss, both ways. Its indexes have leading zeros where n has more than one digit.


@pytest.mark.parametrize(("k", "n"), [(2, 2), (2, 3), (3, 5), (4, 12), (2, 101)])
@pytest.mark.parametrize("name", ["random", "zero", "ones", "one bit"])
def test_what_ssss_split_split_is_combined_and_extended_here(name: str, k: int, n: int) -> None:
    need("ssss-split")
    values: dict[int, bytes] = dict.fromkeys(range(1, n + 1), b"")
    for lane in LANES:
        command = ["ssss-split", "-t", str(k), "-n", str(n), "-x", "-D", "-Q", "-s", "128"]
        lines = run(*command, stdin=EDGES[name][lane].hex() + "\n").expect().out.split()
        assert len(lines) == n
        for line in lines:
            index, _, digits = line.partition("-")
            values[int(index)] += bytes.fromhex(digits)
    sample = seeded(n)
    for _ in range(5):
        quorum = {x: values[x] for x in sample.sample(sorted(values), k)}
        assert shamir.combine(quorum, k) == EDGES[name]
        at = sample.randint(1, n)
        assert shamir.interpolate(quorum, k, at) == values[at]
    if n < 20:
        shamir.prove_consistent(values, k, EDGES[name])


@pytest.mark.parametrize(("k", "n"), [(2, 2), (2, 3), (3, 5), (5, 12), (2, 255), (20, 255)])
@pytest.mark.parametrize("name", ["random", "zero", "ones", "one bit"])
def test_what_was_split_here_is_combined_by_ssss_combine(name: str, k: int, n: int) -> None:
    need("ssss-combine")
    shares = shamir.split(EDGES[name], k, n)
    chosen = seeded(k).sample(sorted(shares), k)
    result = b""
    for lane in LANES:
        lines = "".join(f"{x}-{shares[x][lane].hex()}\n" for x in chosen)
        answer = run("ssss-combine", "-t", str(k), "-x", "-D", stdin=lines).expect()
        result += bytes.fromhex(answer.err.split()[-1])
    assert result == EDGES[name]


def test_a_share_that_was_made_again_is_as_good_for_ssss_combine_as_the_lost_one() -> None:
    need("ssss-combine")
    shares = shamir.split(SECRET, 3, 5)
    again = shamir.interpolate({x: shares[x] for x in (1, 3, 4)}, 3, 5)
    lines = "".join(f"{x}-{value[:16].hex()}\n" for x, value in ((5, again), (2, shares[2]), (1, shares[1])))
    assert run("ssss-combine", "-t", "3", "-x", "-D", stdin=lines).expect().err.split()[-1] == SECRET[:16].hex()


# Perfect secrecy: k-1 shares fit every secret equally well.


@pytest.mark.parametrize(("k", "n"), [(2, 3), (3, 5), (4, 5), (5, 5)])
def test_k_minus_1_shares_fit_every_candidate_for_the_secret(k: int, n: int) -> None:
    shares = shamir.split(SECRET, k, n)
    candidates = [*EDGES.values(), SECRET, *(seeded(k).randbytes(32) for _ in range(2))]
    for known in itertools.combinations(shares, k - 1):
        lost = next(x for x in shares if x not in known)
        made = set()
        for candidate in candidates:
            parts = []
            for lane in LANES:
                # Through the known shares and the candidate at 0 there is exactly one polynomial; ssss adds x^k.
                points = {0: integer(candidate[lane])}
                points |= {x: integer(shares[x][lane]) ^ power(x, k) for x in known}
                parts.append((lagrange(points, lost) ^ power(lost, k)).to_bytes(16, "big"))
            missing = b"".join(parts)
            assert shamir.combine({**{x: shares[x] for x in known}, lost: missing}, k) == candidate
            assert (missing == shares[lost]) == (candidate == SECRET)
            made.add(missing)
        assert len(made) == len(set(candidates))  # another secret is another missing share: the map is one to one


def coefficients_of(shares: Mapping[int, bytes], k: int, lane: slice) -> list[int]:
    """All k coefficients of a lane, from its first k shares, by solving the linear equations for them."""
    rows = [
        [power(x, exponent) for exponent in range(k)] + [integer(shares[x][lane]) ^ power(x, k)]
        for x in range(1, k + 1)
    ]
    for column in range(k):
        pivot = next(row for row in range(column, k) if rows[row][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [times(inverse(rows[column][column]), value) for value in rows[column]]
        for row in range(k):
            if row != column and (factor := rows[row][column]):
                rows[row] = [a ^ times(factor, b) for a, b in zip(rows[row], rows[column], strict=True)]
    return [row[-1] for row in rows]


def zeros(_: random.Random) -> bytes:
    return bytes(16)


def ones(_: random.Random) -> bytes:
    return bytes([255] * 16)


def anything(sample: random.Random) -> bytes:
    return sample.randbytes(16)


def zero_or_anything(sample: random.Random) -> bytes:
    return sample.choice([bytes(16), sample.randbytes(16)])


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize("draw", [zeros, ones, anything, zero_or_anything])
def test_the_random_bytes_are_the_coefficients_so_that_zero_is_as_likely_as_any(
    draw: Callable[[random.Random], bytes], k: int
) -> None:
    """The map from random bytes to coefficients is the identity: uniform bytes make uniform coefficients.

    A coefficient that could not be zero, the leading one above all, would rule out secrets.
    """
    sample = seeded(k)
    for _ in range(5):
        drawn = [draw(sample) for _ in range(2 * (k - 1))]
        shares = split_with(drawn, k, k)
        for number, lane in enumerate(LANES):
            constant, *others = coefficients_of(shares, k, lane)
            assert constant == integer(SECRET[lane])
            own = drawn[number * (k - 1) : (number + 1) * (k - 1)]
            assert others == [integer(chunk) for chunk in reversed(own)]


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_set_whose_leading_coefficients_are_zero_works_like_any_other(k: int) -> None:
    drawn = [bytes(16), *[bytes([1] * 16)] * (k - 2)] * 2  # the leading coefficient is drawn first
    shares = split_with(drawn, k, 6)
    assert [coefficients_of(shares, k, lane)[k - 1] for lane in LANES] == [0, 0]
    for chosen in itertools.combinations(shares, k):
        quorum = {x: shares[x] for x in chosen}
        assert shamir.combine(quorum, k) == SECRET
        assert {x: shamir.interpolate(quorum, k, x) for x in shares} == shares
    shamir.prove_consistent(shares, k, SECRET)


def test_the_randomness_is_the_operating_systems_and_fresh_for_every_lane_and_split() -> None:
    assert vars(SecretSharing)["rng"] is Random.get_random_bytes
    seen = [coefficients_of(shamir.split(bytes(32), 3, 3), 3, lane)[1:] for _ in range(20) for lane in LANES]
    flat = [coefficient for coefficients in seen for coefficient in coefficients]
    assert len(set(flat)) == len(flat)
    for bit in range(128):
        assert {coefficient >> bit & 1 for coefficient in flat} == {0, 1}, bit
