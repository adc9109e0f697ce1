"""Splitting and combining 256 bits: `escrow.shamir` against ssss and against shamir_mnemonic.

ssss is C, works in the field of 2^256 elements and starts a process for each call. shamir_mnemonic (SLIP-39) is
Python, works in the field of 256 elements with tables, and makes at most 16 shares. Neither encrypts here:
ssss runs without its diffusion layer, and shamir_mnemonic is measured between encryption and mnemonics.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module, util
from itertools import islice

from measure import Line, Measurement, call, duration, medians, program, ratio, run

from escrow import shamir

_CASES = ((3, 5), (8, 15), (128, 255))
_MOST_MNEMONIC_SHARES = 16
_SLOW = 64  # from this threshold on, an operation takes seconds


def lines(*, quick: bool) -> Iterator[Line]:
    """Each case: ours against theirs, split and combine. Above 1, ours takes longer."""
    has_ssss = bool(shutil.which("ssss-split") and shutil.which("ssss-combine"))
    if has_ssss:
        (start,) = medians(5 if quick else 31, program("ssss-split", "-v"))
        yield Line(duration(start), "start of the ssss process alone (ssss-split -v)", "a figure, not a ratio")
    else:
        yield Line("missing", "ssss", "apt-get install ssss")
    if not util.find_spec("shamir_mnemonic"):
        yield Line("missing", "shamir_mnemonic", "pip install '.[benchmark]'")
    for k, n in _CASES:
        if quick and k >= _SLOW:
            yield Line("left out", f"{k:>3} of {n:<3}", "takes seconds; run without --quick")
            continue
        repeats = 3 if k >= _SLOW else (7 if quick else 31)
        if has_ssss:
            yield from _against("the ssss process", k, n, repeats, _ssss)
        if not util.find_spec("shamir_mnemonic"):
            continue
        if n <= _MOST_MNEMONIC_SHARES:
            yield from _against("shamir_mnemonic", k, n, repeats, _mnemonic)
        else:
            limit = f"it makes at most {_MOST_MNEMONIC_SHARES} shares"
            yield Line("not possible", f"{k:>3} of {n:<3}  ours / shamir_mnemonic", limit)


def _against(
    other: str, k: int, n: int, repeats: int, make: Callable[[int, int], tuple[Measurement, Measurement]]
) -> Iterator[Line]:
    """Measure our two operations and another's in turn."""
    seconds = medians(repeats, *_ours(k, n), *make(k, n))
    for what, mine, theirs in zip(("split", "combine"), seconds[:2], seconds[2:], strict=True):
        yield ratio(mine, theirs, f"{k:>3} of {n:<3}  {what:<7}  ours / {other}")


def _ours(k: int, n: int) -> tuple[Measurement, Measurement]:
    secret = os.urandom(shamir.LENGTH)
    shares = shamir.split(secret, k, n)
    quorum = dict(islice(shares.items(), k))
    assert shamir.combine(quorum, k) == secret
    return call(lambda: shamir.split(secret, k, n)), call(lambda: shamir.combine(quorum, k))


def _ssss(k: int, n: int) -> tuple[Measurement, Measurement]:
    secret = os.urandom(shamir.LENGTH).hex() + "\n"
    split = ("ssss-split", "-t", str(k), "-n", str(n), "-w", "benchmark", "-x", "-D", "-q")
    combine = ("ssss-combine", "-t", str(k), "-x", "-D", "-q")
    quorum = "".join(run(*split, stdin=secret).splitlines(keepends=True)[:k])
    return program(*split, stdin=secret), program(*combine, stdin=quorum)


def _mnemonic(k: int, n: int) -> tuple[Measurement, Measurement]:
    # By name, because the types of an optional package are not there to be checked where it is not installed.
    slip39 = import_module("shamir_mnemonic.shamir")
    secret = slip39.EncryptedMasterSecret(1, True, 1, os.urandom(shamir.LENGTH))
    shares = slip39.split_ems(1, [(k, n)], secret)[0]
    group = slip39.ShareGroup()
    for share in shares[:k]:
        group.add(share)
    quorum = {shares[0].group_index: group}
    assert slip39.recover_ems(quorum) == secret
    return call(lambda: slip39.split_ems(1, [(k, n)], secret)), call(lambda: slip39.recover_ems(quorum))
