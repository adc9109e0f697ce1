"""Acts 2 and 3: the plan is compared, the machine examined, the ceremony opened; and the journal's head is shown."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict

from ceremony import spoken
from ceremony.preflight.run import failures
from ceremony.preflight.show import worst_first
from ceremony.rules.state import Incident, State
from ceremony.rules.steps import Step
from ceremony.run import times
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.readback import number_of_words, same_words
from ceremony.run.work import Workshop
from escrow import signature
from escrow.share import Kind

_TRIES = 3


def compare_plan(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show the words of the plan's hash."""
    for number, row in enumerate(spoken.rows_of(shop.plan.words), 1):
        ask.say(f"{number}  {row}")
    return {"plan": shop.plan.digest.hex()}


def preflight(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Examine the machine. Raises StepError for what the plan does not waive; a specimen ceremony only says so."""
    drifts = [_drift(shop, officer.name, ask) for officer in shop.plan.officers[:2]]
    results = shop.equipment.preflight(drifts)
    ask.say(worst_first(results))
    failed = ", ".join(result.id for result in failures(results))
    if failed and shop.plan.ceremony.kind is Kind.SPECIMEN:
        ask.say(f"SPECIMEN: production would refuse this machine for {failed}.")
    elif failed:
        message = f"This machine is not fit: {failed}. Mend it, or plan a waiver with its reason."
        raise StepError(message)
    return {"checks": [asdict(result) for result in results]}


def _drift(shop: Workshop, officer: str, ask: Questions) -> dt.timedelta:
    """How far the clock is from an officer's watch, to the minute that was typed."""
    before = ""
    while True:
        typed = ask.line(Asked.TIME, officer=officer)
        try:
            watch = dt.datetime.strptime(typed, "%Y-%m-%d %H:%M").replace(tzinfo=dt.UTC)
        except ValueError:
            ask.say("That is no time: an example is 2030-01-15 09:59.")
            continue
        drift = shop.equipment.now().replace(second=0) - watch
        if before or not (before := times.doubt_of_now(drift)):
            return drift
        ask.say(before)


def open_ceremony(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Open with both halves of the plan's words, each typed by its officer; make the key that signs the journal."""
    words, officers = shop.plan.words, shop.plan.officers[:2]
    half = len(words) // len(officers)
    for number, officer in enumerate(officers):
        _have_typed(officer.name, words[number * half : (number + 1) * half], number * half + 1, ask)
    if shop.key:
        shop.key.pem.close()
    shop.key = signature.new_key()
    ask.say("The ceremony is open.")
    return {"officers": [officer.name for officer in officers], "key": shop.key.public.hex()}


def _have_typed(officer: str, half: Sequence[str], first: int, ask: Questions) -> None:
    """Have an officer type a half of the words, the first of which has this number. Raises StepError in the end."""
    which = f"words {first} to {first + len(half) - 1}"
    tries = 0
    while tries < _TRIES:
        with ask.secret(Asked.HALF, officer=officer, first=first, last=first + len(half) - 1) as typed:
            if same_words(typed, half):
                return
            number = number_of_words(typed)
        tries += number > 0  # Enter alone is a slip, and no try
        counted = f" They are {len(half)}, and you typed {number}." if number != len(half) else ""
        ask.say(f"These are not {which} of the plan's hash.{counted} Nothing else is lost.")
    message = f"{officer} did not type {which} of the plan's hash: the ceremony is not opened."
    done = "The ceremony was not opened; the step begins again."
    happened = f"Something else was typed {_TRIES} times."
    raise StepError(message, incident=Incident(f"{officer} types {which}.", happened, done, ("integrity",), None))


def write_head(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show the journal's head as it is now, to be written down."""
    head = shop.equipment.entries()[-1].digest
    ask.say(f"The journal's head:  {' '.join(spoken.witness_words(head))}")
    return {"head": head.hex()}
