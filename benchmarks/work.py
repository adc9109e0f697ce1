"""Jobs that the sections run in a process of their own: `python work.py JOB [ARGUMENT...]` prints a JSON object.

Not for people: `run.py` is. All material is specimen material.
"""

import argparse
import datetime as dt
import json
import resource
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from measure import cpu_seconds, scratch

from ceremony.commands.rehearse import rehearse
from escrow import keys, recovery, sealing
from escrow.authority import EscrowedKey
from escrow.files import NewFiles
from escrow.issuing.make import generate
from escrow.memory import Secret, protect
from escrow.policy import Policy
from escrow.share import Kind

_KIB = 1024
_MADE = 2  # how many keys `generate` makes


class Stages:
    """Books processor seconds to what is under way. Also takes what the library tells of its progress."""

    def __init__(self, stage: str) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.most_locked = _status("VmLck")
        self._stage, self._since = stage, 0.0  # since the process began

    def enter(self, stage: str) -> None:
        """Book what was used since the last call, and go on to another stage."""
        now = cpu_seconds()
        self.seconds[self._stage] += now - self._since
        self.most_locked = max(self.most_locked, _status("VmLck"))
        self._stage, self._since = stage, now

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Follow the library's own stages; what comes after one, unannounced, is named after it."""
        self.enter(stage if done < total else f"After: {stage}")


def rehearsal() -> dict[str, dict[str, float]]:
    """Rehearse in a process that nothing protects; processor seconds by stage, the start of Python first."""
    Secret.unlocked_allowed = True  # what `protect` would do where memory cannot be locked
    stages = Stages("Starting")
    _rehearse(stages)
    return {"seconds": stages.seconds}


def protected_rehearsal() -> dict[str, dict[str, float]]:
    """Rehearse as the program does: locked and hardened. Also the locked bytes at first and at most."""
    protect(required=False)
    first = _status("VmLck")
    stages = Stages("Starting")
    _rehearse(stages)
    return {"seconds": stages.seconds, "locked": {"first": first, "most": stages.most_locked}}


def seal(directory: str, threshold: str, shares: str, key_count: str) -> dict[str, float]:
    """Seal as the program does: locked and hardened. Processor seconds, and the most bytes in memory at once."""
    protect(required=False)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    authority = generate("Benchmark", now, _silent)
    more = [
        EscrowedKey(f"more-{number}", f"secrets/more-{number}", keys.generate("EC P-256"), None)
        for number in range(int(key_count) - _MADE)
    ]
    authority = replace(authority, keys=(*authority.keys, *more))
    custodians = tuple(f"Custodian {number}" for number in range(1, int(shares) + 1))
    order = sealing.Order(Kind.SPECIMEN, Policy.plain(int(threshold), int(shares)), custodians, now)
    before = cpu_seconds()
    with NewFiles(Path(directory)) as out:
        sealing.seal(authority, order, out, _silent)
        out.publish()
    return {"seconds": cpu_seconds() - before, "peak": _peak()}


def recover(package: str, *pages: str) -> dict[str, float]:
    """Read one page, then recover from all of them, with nothing protected; processor seconds by stage."""
    Secret.unlocked_allowed = True
    files = [Path(page) for page in pages]
    with scratch() as directory, Secret.of(b"benchmark") as password:
        stages = Stages("Starting")
        sealed = recovery.read_package(Path(package), _silent)
        stages.enter("one page")
        recovery.gather(sealed.manifest, files[:1], keep=True, progress=_silent).close()
        stages.enter("all pages")
        collection = recovery.gather(sealed.manifest, files, keep=True, progress=_silent)
        stages.enter("open")
        with recovery.recombine(collection) as wrapping_key:
            members = recovery.open_checked(sealed, wrapping_key)
        stages.enter("restore")
        with NewFiles(Path(directory) / "restored") as out:
            recovery.restore(sealed.manifest, members, (), password, out=out, progress=_silent)
            out.publish()
        stages.enter("end")
    return stages.seconds


def _rehearse(stages: Stages) -> None:
    with scratch() as directory:
        stages.enter("Rehearsing")
        rehearse(Path(directory), stages)
        stages.enter("Ending")


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def _peak() -> float:
    """The most bytes that this process, or one of its workers, had in memory at once.

    VmHWM, not ru_maxrss, for this process: the latter remembers the size of the process that started it.
    """
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _KIB
    return max(_status("VmHWM"), workers)


def _status(field: str) -> float:
    """A field of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * _KIB for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    jobs: dict[str, Callable[..., object]] = {
        "rehearsal": rehearsal,
        "protected-rehearsal": protected_rehearsal,
        "seal": seal,
        "recover": recover,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=jobs)
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    print(json.dumps(jobs[given.job](*given.arguments)))
