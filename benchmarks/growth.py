"""How the cost grows: with custodians, with the threshold, with keys; and how much memory it takes."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path

from measure import Line, call, duration, job, median_of_jobs, medians, scratch, size

from escrow import shamir

_THRESHOLD, _FEWEST_SHARES, _FEWEST_KEYS = 3, 5, 2
_MOST_SHARES = 255


def lines(*, quick: bool) -> Iterator[Line]:
    """Each line against the smallest case of its kind; the figures are the costs themselves."""
    sealed = {n: _seal(n, _FEWEST_KEYS, quick=quick) for n in ((5, 15, 45) if quick else (5, 15, 45, 135, 255))}
    least = sealed[_FEWEST_SHARES]
    for n, result in sealed.items():
        value = result["seconds"] / n / (least["seconds"] / _FEWEST_SHARES)
        yield Line(
            f"{value:.2f}", f"seal 3 of {n}: a share / a share in 3 of 5", f"{duration(result['seconds'])} in all"
        )
    yield from _memory(sealed)
    yield from _combine((4, 8, 16, 32) if quick else (4, 8, 16, 32, 64, 128), quick=quick)
    yield from _keys(least["seconds"], quick=quick)


def _memory(sealed: dict[int, dict[str, float]]) -> Iterator[Line]:
    most, least = max(sealed), min(sealed)
    a, b = sealed[most]["peak"], sealed[least]["peak"]
    meaning = f"most memory at once, a process or its worker: seal 3 of {most} / 3 of {least}"
    yield Line(f"{a / b:.2f}", meaning, f"{size(a)} / {size(b)}")


def _combine(thresholds: Sequence[int], *, quick: bool) -> Iterator[Line]:
    secret = os.urandom(shamir.LENGTH)
    quorums = {k: dict(islice(shamir.split(secret, k, _MOST_SHARES).items(), k)) for k in thresholds}
    tasks = [call(partial(shamir.combine, quorum, k)) for k, quorum in quorums.items()]
    seconds = dict(zip(thresholds, medians(3 if quick else 7, *tasks), strict=True))
    first = thresholds[0]
    for k, used in seconds.items():
        value = used / k**2 / (seconds[first] / first**2)
        yield Line(f"{value:.2f}", f"combine {k} of {_MOST_SHARES}: cost / k^2 / for k = {first}", duration(used))


def _keys(least: float, *, quick: bool) -> Iterator[Line]:
    for number in (4,) if quick else (4, 8):
        used = _seal(_FEWEST_SHARES, number, quick=quick)["seconds"]
        yield Line(f"{used / least:.2f}", f"seal {number} keys / {_FEWEST_KEYS} keys, 3 of 5", duration(used))


def _seal(shares: int, keys: int, *, quick: bool) -> dict[str, float]:
    """Seal a few times, each in a process of its own: medians of processor seconds and of peak bytes."""
    repeats = 1 if quick else max(1, 45 // shares)
    with scratch() as directory:
        targets = (Path(directory) / str(number) for number in count())
        return median_of_jobs(job("seal", next(targets), _THRESHOLD, shares, keys) for _ in range(repeats))
