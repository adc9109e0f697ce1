"""Shamir's secret sharing of 32 bytes: `split` and `combine` are inverses, `interpolate` makes one share again.

The arithmetic is pycryptodome's, over GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, in the variant that ssss
(Poettering) uses: the polynomial has the extra term x^k. It takes 16 bytes, so a secret is two lanes with
independent polynomials and the same index. The library checks nothing, so everything is checked here first.

Pure functions on bytes: call them in a worker (`escrow.memory.isolate`), never in a process that lives on.
"""

from collections.abc import Mapping, Sequence

from Crypto.Protocol.SecretSharing import Shamir

from escrow.errors import PolicyError, ShareError
from escrow.policy import MAX_SHARES, check_threshold

LANE = 16
LENGTH = 2 * LANE

_ONE = (1).to_bytes(LANE, "big")
_ZERO = bytes(LANE)


def split(secret: bytes, k: int, n: int) -> dict[int, bytes]:
    """Split 32 bytes into n shares of 32 bytes, indexed from 1, of which any k give it back.

    Raises PolicyError unless 2 <= k <= n <= 255, or k = n = 1, where the share is the secret itself.
    """
    check_threshold(k, n, "shares")
    _check_length(secret)
    if n == 1:
        return {1: secret}
    lanes = [dict(Shamir.split(k, n, lane, ssss=True)) for lane in _lanes(secret)]
    return {x: lanes[0][x] + lanes[1][x] for x in range(1, n + 1)}


def combine(shares: Mapping[int, bytes], k: int) -> bytes:
    """Give the secret back from exactly k shares.

    Raises PolicyError for an impossible k, ShareError for a wrong number of shares or an impossible index.
    """
    _check_shares(shares, k)
    if k == 1:
        return shares[1]
    return b"".join(Shamir.combine([(x, value[lane]) for x, value in shares.items()], ssss=True) for lane in _LANES)


def interpolate(shares: Mapping[int, bytes], k: int, at: int) -> bytes:
    """Make the share with index `at` from exactly k shares, without forming the secret.

    Shifting every index by XOR `at` moves the wanted point to 0, where `combine` reads. The term x^k of the
    ssss variant does not shift along: it is taken out of the values first and put into the result.
    Raises like `combine`.
    """
    _check_shares(shares, k)
    _check_index(at)
    if at in shares:
        return shares[at]
    if k == 1:
        message = f"A group with one share has no share {at}."
        raise ShareError(message)
    return b"".join(
        _xor(
            Shamir.combine([(x ^ at, _xor(value[lane], _power(x, k))) for x, value in shares.items()], ssss=False),
            _power(at, k),
        )
        for lane in _LANES
    )


def prove_consistent(shares: Mapping[int, bytes], k: int, secret: bytes) -> None:
    """Prove that all of these n shares lie on one polynomial of degree below k that gives `secret`: every quorum works.

    Each share is multiplied by a random polynomial f with f(0) = 1 and degree n - k. If the shares lie on a
    polynomial p of degree below k, then f*p has degree below n, and combining all n products gives
    p(0) f(0) = p(0). If not, the result is random: it passes with probability 2^-128. One combination of n
    points, where trying quorums would take thousands. (Cascudo and David, SCRAPE, 2017, section 3, in the
    form that the library's own `combine` can evaluate.) Raises ShareError.
    """
    check_threshold(k, len(shares), "shares")
    for x in shares:
        _check_index(x)
    for lane in _LANES:
        weights = dict(Shamir.split(len(shares) - k + 1, max(shares), _ONE))
        products = [
            (x, _multiply(_xor(value[lane], _power(x, k) if k > 1 else _ZERO), weights[x]))
            for x, value in shares.items()
        ]
        if Shamir.combine(products, ssss=False) != secret[lane]:
            message = "The shares do not all give the same key. Nothing may be printed; run the command again."
            raise ShareError(message)


_LANES = (slice(0, LANE), slice(LANE, LENGTH))


def _lanes(value: bytes) -> Sequence[bytes]:
    return [value[lane] for lane in _LANES]


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(a, b, strict=True))


def _multiply(a: bytes, b: bytes) -> bytes:
    """A * b in the field, by the public interface: through (b + 1, a) and (b, 0) the line is a*b at 0."""
    x = int.from_bytes(b, "big")
    return Shamir.combine([(x ^ 1, a), (x, _ZERO)], ssss=False)


def _power(x: int, k: int) -> bytes:
    """x^k in the field: at k-1 zero coefficients and the extra term, the ssss variant's share of zero."""
    result, base = _ONE, x.to_bytes(LANE, "big")
    while k:
        if k & 1:
            result = _multiply(result, base)
        base = _multiply(base, base)
        k >>= 1
    return result


def _check_length(value: bytes) -> None:
    if len(value) != LENGTH:
        message = f"A value to split or combine has {LENGTH} bytes, not {len(value)}."
        raise PolicyError(message)


def _check_index(x: int) -> None:
    if not 1 <= x <= MAX_SHARES:
        message = f"Share {x} cannot exist: shares are numbered from 1 to {MAX_SHARES}."
        raise ShareError(message)


def _check_shares(shares: Mapping[int, bytes], k: int) -> None:
    if not 1 <= k <= MAX_SHARES:
        message = f"A threshold of {k} cannot exist: it lies between 1 and {MAX_SHARES}."
        raise PolicyError(message)
    if len(shares) != k:
        # One share too many would silently give a wrong secret: the term x^k would be taken for x^(k+1).
        message = f"{len(shares)} shares were given to be combined where exactly {k} are needed."
        raise ShareError(message)
    for x, value in shares.items():
        _check_index(x)
        _check_length(value)
    if k == 1 and 1 not in shares:
        message = "The only share of a group has the number 1."
        raise ShareError(message)
