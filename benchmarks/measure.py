"""What the sections share: measurements in processor seconds, medians of repeats, and tables to print.

Processor time (user and system) is what counts, of a process and of the children that it waited for. It varies
less than time on the clock when the machine does other things. It is never judged against fixed figures, only
against other measurements of the same run.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escrow.memory.process import HARDENED_ENVIRONMENT

ESCROW = Path(sys.executable).with_name("escrow")
"""The console program that belongs to this Python."""

Measurement = Callable[[], float]
"""Does something once and returns what it cost in processor seconds."""

_WORK = Path(__file__).with_name("work.py")
_MEBI = 2**20


def cpu_seconds(*, children_only: bool = False) -> float:
    """Processor seconds used so far by this process and by the children that it waited for, or by those alone."""
    who = [resource.RUSAGE_CHILDREN] + ([] if children_only else [resource.RUSAGE_SELF])
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))


def call(task: Callable[[], object]) -> Measurement:
    """Measure a call in this process."""

    def measure() -> float:
        before = cpu_seconds()
        task()
        return cpu_seconds() - before

    return measure


def program(*command: str | Path, stdin: str = "") -> Measurement:
    """Measure a program from its start to its end, without what it costs this process to start it."""

    def measure() -> float:
        before = cpu_seconds(children_only=True)
        run(*command, stdin=stdin)
        return cpu_seconds(children_only=True) - before

    return measure


def run(*command: str | Path, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a program that must succeed, in a neutral environment plus `env`; return its standard output."""
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=_neutral_environment() | dict(env or {}),
    )
    if done.returncode:
        sys.exit(f"{command[0]} ended with status {done.returncode}:\n{done.stderr}")
    return done.stdout


def job(name: str, *arguments: str | Path | int, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Do one of the jobs of `work.py` in a process of its own; return its result."""
    result: dict[str, Any] = json.loads(run(sys.executable, _WORK, name, *map(str, arguments), env=env))
    return result


def medians(repeats: int, *measurements: Measurement) -> list[float]:
    """Repeat the measurements and return the median of each, in processor seconds.

    They take turns, so that whatever disturbs this machine disturbs all of them alike.
    """
    rounds = [[measure() for measure in measurements] for _ in range(repeats)]
    return [statistics.median(costs) for costs in zip(*rounds, strict=True)]


def median_of_jobs(results: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure in the results of several jobs, in the order of the first."""
    several = list(results)
    return {name: statistics.median(result[name] for result in several) for name in several[0]}


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """A directory in memory for specimens, removed at the end of its `with` block."""
    return tempfile.TemporaryDirectory(dir="/dev/shm")


@dataclass(frozen=True)
class Line:
    """One line of a table: a ratio (or what stands for it), what it means, and the figures that it was made from."""

    value: str
    meaning: str
    figures: str = ""


def ratio(a: float, b: float, meaning: str) -> Line:
    """A line for the ratio of two times in seconds."""
    return Line(f"{a / b:.2f}", meaning, f"{duration(a)} / {duration(b)}")


def duration(seconds: float) -> str:
    """A time in the unit that suits it, with three digits."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def size(length: float) -> str:
    """A number of bytes in MiB."""
    return f"{length / _MEBI:.0f} MiB"


def show(title: str, lines: Iterable[Line]) -> None:
    """Print a table."""
    rows = list(lines)
    values, meanings = (max(map(len, column)) for column in zip(*((r.value, r.meaning) for r in rows), strict=True))
    print(f"\n{title}")
    for row in rows:
        print(f"  {row.value:>{values}}  {row.meaning:<{meanings}}  {row.figures}".rstrip())
    sys.stdout.flush()


def _neutral_environment() -> dict[str, str]:
    """This environment without what would keep Python from using its caches, or change its allocator."""
    unwanted = {"PYTHONDONTWRITEBYTECODE", *HARDENED_ENVIRONMENT}
    return {name: value for name, value in os.environ.items() if name not in unwanted}
