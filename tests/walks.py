"""What the tests of every list of steps do with it: mutate it, and walk it at random."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from walk import Walk

from ceremony.rules.checker import StepsError, check
from ceremony.rules.listing import Listing
from ceremony.rules.steps import Step, number
from ceremony.run.journal import JournalError
from escrow.policy import Group, Policy

PLAIN = Policy.plain(3, 5)
GROUPED = Policy(2, (Group(2, 3), Group(1, 1), Group(2, 3)))
SMALL = Policy.plain(2, 2)
POLICIES = [PLAIN, GROUPED, SMALL]


def assert_adds_up(listing: Listing) -> None:
    """The list is right, and no mutation of it: numbered anew each time, so that the numbers give nothing away."""
    check(listing)
    survivors = []
    for name, mutant in _mutants(listing.steps):
        try:
            check(replace(listing, steps=number(mutant)))
        except StepsError:
            continue
        survivors.append(name)
    assert survivors == []


def walk_by_lot(walk: Walk, after_each: Callable[[], object] = lambda: None) -> None:
    """Exceptions, pauses, crashes, failures, wrong answers and aborts, in any order, to the end."""
    for _ in range(2000):
        if walk.state.ended:
            break
        something_happens(walk)
        after_each()
    assert walk.state.ended
    assert walk.engine.replay(walk.entries) == walk.state


def _mutants(listed: Sequence[Step]) -> Iterator[tuple[str, list[Step]]]:
    for n, step in enumerate(listed):
        yield f"without {step.id}", [*listed[:n], *listed[n + 1 :]]
        for place in {n, n + 1, len(listed), 0}:
            yield f"{step.id} doubled at {place}", [*listed[:place], step, *listed[place:]]
        for other in range(n + 1, len(listed)):
            swapped = list(listed)
            swapped[n], swapped[other] = swapped[other], swapped[n]
            yield f"{step.id} and {listed[other].id} swapped", swapped


def something_happens(walk: Walk) -> None:  # noqa: C901, PLR0912 - one branch for each thing that happens
    step = walk.due()
    before = walk.state
    match walk.chance.choices(
        ["step", "crash", "crash inside", "fail", "exception", "settle", "pause", "wrong", "abort"],
        [100, 2, 2, 4, 3, 3, 2, 10, 0.3],
    )[0]:
        case "step":
            if not walk.engine.shut(walk.state, step):
                walk.step()
            else:
                for incident in walk.state.open_incidents:
                    walk.add("settle", exception=incident, disposition="accepted", reason="by all")
        case "crash":
            walk.session()
        case "crash inside" if not walk.engine.shut(walk.state, step):
            walk.add("begin", step=step.id)
            walk.session()
        case "fail" if not walk.engine.shut(walk.state, step):
            walk.add("begin", step=step.id)
            walk.add("fail", step=step.id, problem="torn", again=walk.printed_again(step))
        case "exception":
            walk.add("exception", expected="a", happened="b", done="c", touches=["integrity"])
        case "settle" if walk.state.open_incidents:
            walk.add("settle", exception=walk.state.open_incidents[0], disposition="accepted", reason="by all")
        case "pause":
            walk.add("pause")
        case "abort" if walk.engine.listing.last_abort not in walk.state.done and not walk.state.aborting:
            walk.add("abort", reason="the building is on fire")
        case "wrong":
            for event, fields in _wrong_entries(walk, step):
                with pytest.raises(JournalError):
                    walk.add(event, **fields)
                assert walk.state is before
        case _:
            pass


def _wrong_entries(walk: Walk, step: Step) -> Iterator[tuple[str, dict[str, Any]]]:
    other = walk.chance.choice([s for s in walk.engine.steps if s.id != step.id])
    yield "begin", {"step": other.id}
    yield "end", {"step": step.id, "facts": {}}
    yield "fail", {"step": step.id, "problem": "", "again": None}
    yield "begin", {}
    yield "surprise", {}
    yield "settle", {"exception": 99, "disposition": "accepted", "reason": "x"}
    yield "session", {"plan": "11" * 32, "kind": "specimen", "loss": None}
    yield "session", {"plan": "00" * 32, "kind": "production", "loss": walk.engine.loss(walk.state).rule.name}
    yield "exception", {"expected": "", "happened": "", "done": "", "touches": ["feelings"]}
