"""The runbook: what it repeats of the list of steps is what the list says."""

from pathlib import Path

import pytest

from ceremony.forms import runbook

RUNBOOK = Path(runbook.__file__).parent.parent / "RUNBOOK.md"


def test_the_steps_in_the_runbook_are_those_of_the_list() -> None:
    """If not: write what `with_steps` gives to the file."""
    text = RUNBOOK.read_text("utf-8")
    assert text == runbook.with_steps(text)


def test_whatever_stood_in_the_section_is_replaced_and_nothing_else() -> None:
    text = f"before\n{runbook.BEGIN}\nold\n{runbook.END}\nafter\n"
    made = runbook.with_steps(text)
    assert made.startswith(f"before\n{runbook.BEGIN}\n\n### Act 0")
    assert made.endswith(f"{runbook.END}\nafter\n")
    assert "old\n" not in made
    assert made == runbook.with_steps(made)


def test_a_runbook_without_the_section_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks"):
        runbook.with_steps("no section")
