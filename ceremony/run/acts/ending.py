"""Acts 9 and 10: memory is wiped, the transcript is made, the archive is signed."""

from ceremony import spoken
from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.archive import seal_archive
from ceremony.run.questions import Facts, Questions, StepError
from ceremony.run.work import Workshop


def zeroize(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Wipe the private keys, shares and passwords that are in memory."""
    shop.zeroize()
    ask.say("Nothing secret is left in the program's memory.")
    return {}


def close(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Make the transcript, and sign the list of everything in the archive.

    Raises StepError in a session that nobody opened.
    """
    from ceremony.forms.transcript import documents

    if not shop.key and not state.aborting:
        message = "The ceremony has no key to sign its journal with: open it again."
        raise StepError(message)
    entries = shop.equipment.entries()
    digest = seal_archive(shop.equipment.out, entries, shop.key, documents(shop.plan, entries))
    ask.say(f"The archive's words:  {' '.join(spoken.witness_words(digest))}")
    return {"archive": digest.hex()}


def settle(_shop: Workshop, _step: Step, _state: State, _ask: Questions) -> Facts:
    """Every exception has its disposition by now: the runner asks for them."""
    return {}
