"""Acts 2 and 3: the plan is compared, the machine examined, the ceremony opened; and the journal's head is shown."""

import datetime as dt

from ceremony import spoken
from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.readback import same_words
from ceremony.run.work import Workshop
from escrow import signature
from escrow.share import Kind


def compare_plan(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show the words of the plan's hash."""
    for number, row in enumerate(spoken.rows_of(shop.plan.words), 1):
        ask.say(f"{number}  {row}")
    return {"plan": shop.plan.digest.hex()}


def preflight(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Examine the machine. Raises StepError for what the plan does not waive; a specimen ceremony only says so."""
    drifts = [_drift(shop, officer.name, ask) for officer in shop.plan.officers[:2]]
    results, failures = shop.equipment.preflight(drifts)
    for result in results:
        if result["status"] != "PASS":
            ask.say(f"{result['status']}  {result['id']}: {result['value']}. {result['remedy'] or result['waiver']}")
    ask.say(f"{len(results)} checks were made; {len(failures)} failed.")
    if failures and shop.plan.ceremony.kind is Kind.SPECIMEN:
        ask.say(f"SPECIMEN: production would refuse this machine for {', '.join(failures)}.")
    elif failures:
        message = f"This machine is not fit: {', '.join(failures)}. Mend it, or plan a waiver with its reason."
        raise StepError(message)
    return {"checks": list(results)}


def _drift(shop: Workshop, officer: str, ask: Questions) -> dt.timedelta:
    """How far the clock is from an officer's watch, to the minute that was typed."""
    while True:
        typed = ask.line(Asked.TIME, officer=officer)
        try:
            watch = dt.datetime.strptime(typed, "%Y-%m-%d %H:%M").replace(tzinfo=dt.UTC)
        except ValueError:
            ask.say("That is no time: an example is 2030-01-15 09:59.")
        else:
            return shop.equipment.now().replace(second=0) - watch


def open_ceremony(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Open with both halves of the plan's words, each typed by its officer; make the key that signs the journal."""
    words, officers = shop.plan.words, shop.plan.officers[:2]
    halves = words[: len(words) // 2], words[len(words) // 2 :]
    for officer, half in zip(officers, halves, strict=True):
        with ask.secret(Asked.HALF, officer=officer.name) as typed:
            if not same_words(typed, half):
                message = f"These are not the words that {officer.name} should have: the ceremony is not opened."
                raise StepError(message)
    if shop.key:
        shop.key.pem.close()
    shop.key = signature.new_key()
    ask.say("The ceremony is open.")
    return {"officers": [officer.name for officer in officers], "key": shop.key.public.hex()}


def write_head(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show the journal's head as it is now, to be written down."""
    head = shop.equipment.entries()[-1].digest
    ask.say(f"The journal's head:  {' '.join(spoken.witness_words(head))}")
    return {"head": head.hex()}
