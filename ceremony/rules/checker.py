"""Prove that a list of steps adds up, crashes included. The script is not printed and nothing is run if it does not."""

from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

from ceremony.rules.listing import Listing
from ceremony.rules.state import State
from ceremony.rules.steps import CLOSED, VOLATILE, Act, Step
from escrow.errors import EscrowError


class StepsError(EscrowError):
    """The list of steps does not add up."""


def check(listing: Listing) -> None:
    """Raise StepsError unless the list leads to its goal, by itself and from every crash.

    Every requirement is provided earlier, and everything provided is provided once and used; acts are in order; every
    secret made is used for something, wiped, and not needed after; whatever a crash takes away, the rest of the list
    can still be done.
    """
    _check_names(listing.steps)
    _check_facts(listing.steps)
    _check_secrets(listing.steps)
    for crash in range(len(listing.steps) + 1):
        _check_crash(listing, crash)


def _check_names(listed: Sequence[Step]) -> None:
    acts = [step.act for step in listed]
    if acts != sorted(acts, key=list(Act).index):
        _refuse("the acts are not in order")
    for name, times in Counter(step.id for step in listed).items():
        if times > 1:
            _refuse(f"the step {name} stands {times} times")


def _check_facts(listed: Sequence[Step]) -> None:
    held: set[str] = set()
    for step in listed:
        if absent := step.requires - held:
            _refuse(f"the step {step.id} requires {_texts(absent)}, which nothing before it provides")
        if twice := step.provides & held:
            _refuse(f"the step {step.id} provides {_texts(twice)} once more")
        held |= step.provides
    used = {CLOSED}.union(*(step.requires | step.wipes for step in listed))
    if idle := held - used:
        _refuse(f"nothing requires {_texts(idle)}")
    if CLOSED not in held:
        _refuse("nothing closes the ceremony")


def _check_secrets(listed: Sequence[Step]) -> None:
    for secret in VOLATILE:
        places = [place for place, step in enumerate(listed) if secret in step.provides]
        wiped = [place for place, step in enumerate(listed) if secret in step.wipes]
        used = [place for place, step in enumerate(listed) if secret in step.requires]
        if not places and not used:
            continue  # this ceremony has no such secret
        if not places or not wiped or wiped[0] < places[0]:
            _refuse(f"{secret} are not wiped after they were made")
        if not used:
            _refuse(f"{secret} are made and never used")
        if used[-1] > wiped[0]:
            _refuse(f"the step {listed[used[-1]].id} requires {secret}, which were wiped before")


def _check_crash(listing: Listing, crash: int) -> None:
    """Follow the list after the memory was lost when the first `crash` steps had been done."""
    listed = listing.steps
    held: frozenset[str] = frozenset()
    for step in listed[:crash]:
        held = (held | step.provides) - step.wipes
    done = {step.id for step in listed[:crash]}
    loss = listing.loss(State(done={name: {} for name in done}, held=held & VOLATILE, papers="papers" in done))
    done -= loss.undone
    held = frozenset().union(*(step.provides for step in listed if step.id in done)) - VOLATILE
    if loss.owed:
        held |= loss.owed.provides
    for step in listed:
        if step.id in done:
            continue
        if absent := step.requires - held:
            last = listed[crash - 1].id if crash else "the beginning"
            _refuse(f"after a crash behind {last} the step {step.id} would lack {_texts(absent)}")
        held = (held | step.provides) - step.wipes


def _refuse(what: str) -> NoReturn:
    message = f"The list of steps does not add up: {what}. Nothing is printed or run from it."
    raise StepsError(message)


def _texts(facts: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(facts))
