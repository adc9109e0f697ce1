"""The results as a table of 80 columns without colour, and as JSON."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ceremony.preflight.finding import Result, Status
from ceremony.preflight.run import failures

COLUMNS = 80

_INDENT = 8


def table(results: Sequence[Result]) -> str:
    """Two lines or more for each check, and the verdict at the end."""
    return "\n".join([*(line for result in results for line in _entry(result)), "", *_verdict(results)])


def worst_first(results: Sequence[Result]) -> str:
    """What has to be read aloud, for a screen: how many ended how, what did not pass, and what did by name."""
    lines = [_counts(results)]
    for status in (Status.FAIL, Status.WAIVED, Status.WARN):
        for result in results:
            if result.status is status:
                lines += _wrap(f"{status.value:<{_INDENT}}{result.id}: {result.value}")
                lines += _indented(f"Waived by the plan: {result.waiver}" if result.waiver else result.remedy)
    passed = ", ".join(result.id for result in results if result.status is Status.PASS)
    return "\n".join([*lines, *_wrap(f"{Status.PASS.value:<{_INDENT}}{passed or 'none'}")])


def as_json(results: Sequence[Result]) -> dict[str, object]:
    """The same for a machine."""
    return {"fit": not failures(results), "checks": [asdict(result) for result in results]}


def _counts(results: Sequence[Result]) -> str:
    return ", ".join(f"{sum(1 for result in results if result.status is status)} {status.value}" for status in Status)


def _entry(result: Result) -> Iterator[str]:
    yield from _wrap(f"{result.status.value:<{_INDENT}}{result.id}: {result.requirement}")
    yield from _indented(f"{result.value} [{result.measured}]")
    if result.status is Status.WAIVED:
        yield from _indented(f"Waived by the plan: {result.waiver}")
    elif result.remedy:
        yield from _indented(f"What to do: {result.remedy}")


def _verdict(results: Sequence[Result]) -> Iterator[str]:
    yield _counts(results)
    failed = [result.id for result in failures(results)]
    if failed:
        yield from _wrap(f"This machine is NOT FIT for the ceremony: {', '.join(failed)}.", indent=0)
    else:
        yield "This machine is fit for the ceremony."


def _indented(text: str) -> list[str]:
    return _wrap(" " * _INDENT + text)


def _wrap(text: str, indent: int = _INDENT) -> list[str]:
    return textwrap.wrap(text, COLUMNS - 1, subsequent_indent=" " * indent, break_on_hyphens=False)
