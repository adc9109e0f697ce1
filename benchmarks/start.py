"""How quickly the program answers."""

import sys
from collections.abc import Iterator

from measure import ESCROW, Line, medians, program, ratio

_AIM = 1.5


def lines(*, quick: bool) -> Iterator[Line]:
    """`escrow --help` against what it cannot do without: Python, and click."""
    helping = program(ESCROW, "--help")
    importing = program(sys.executable, "-c", "import click")
    python = program(sys.executable, "-c", "")
    medians(1, helping, importing, python)  # writes the caches
    seconds = medians(15 if quick else 41, helping, importing, python)
    yield ratio(seconds[0], seconds[1], f"escrow --help / python -c 'import click'  (aim: below {_AIM})")
    yield ratio(seconds[0], seconds[2], "escrow --help / python -c ''")
