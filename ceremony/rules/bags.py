"""Numbers of tamper-evident bags: every sheet has one, and each is used once."""

from collections.abc import Collection, Mapping
from typing import Any

from ceremony.rules.state import State
from ceremony.rules.steps import Action, Step
from ceremony.run.journal import JournalError
from escrow.policy import Policy, Position

LONGEST = 12
"""So many boxes there are on label and receipt."""

_NO_NUMBER = "a bag has no number"


def bag_number(given: str) -> str:
    """A bag's number as it is compared: blanks and letter case do not matter."""
    return "".join(given.split()).upper()


def new_bags(policy: Policy, state: State, step: Step, facts: Mapping[str, Any]) -> dict[str, Position]:
    """The bags that a step notes, by number: the share whose sheet is in each.

    One for the share of a step that bags its sheet; or one for every sheet that was taken out of its bag, as far as
    the journal knows, and any other. Raises JournalError for a number that is missing or was used before.
    """
    if step.action is Action.BAG and step.position:
        expected = allowed = {step.position}
        given = {step.position: facts["bag"]}
    else:
        expected = set(state.opened)
        allowed = set(policy.positions)
        given = {Position(*map(int, name.split("."))): number for name, number in facts["bags"].items()}
    if not expected <= set(given) <= allowed:
        raise JournalError(_NO_NUMBER)
    check_new(given.values(), state)
    return {number: position for position, number in given.items()}


def check_new(given: Collection[object], state: State) -> None:
    """Raise JournalError unless these are the numbers of bags, none of which was used before."""
    numbers = [each for each in given if isinstance(each, str) and each.strip()]
    if len(numbers) != len(given):
        raise JournalError(_NO_NUMBER)
    if any(len(bag_number(each)) > LONGEST or not each.isprintable() for each in numbers):
        message = f"a bag's number has at most {LONGEST} visible characters: label and receipt have no more boxes"
        raise JournalError(message)
    known = {bag_number(number) for number in (*state.bags, *state.old_bags)}
    if len({bag_number(number) for number in numbers} - known) != len(numbers):
        message = "a bag's number was used before: each bag is used once"
        raise JournalError(message)
