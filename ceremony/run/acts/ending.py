"""Acts 9 and 10: memory is wiped, the transcript is made, the archive is signed."""

from collections.abc import Mapping
from dataclasses import replace

from ceremony import spoken
from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.acts.signing import inventory_of
from ceremony.run.archive import MAX_FILE, contents, seal_archive
from ceremony.run.before import ORIGIN
from ceremony.run.questions import Facts, Questions, StepError
from ceremony.run.work import Workshop
from escrow import inventory
from escrow.files import read_public
from escrow.root import first_inventory


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
    if shop.plan.refresh:
        _carry_on(shop, state)
    last = {**documents(shop.plan, entries), **_inventory(shop, state)}
    digest = seal_archive(shop.equipment.out, entries, shop.key, last)
    ask.say(f"The archive's words:  {' '.join(spoken.witness_words(digest))}")
    return {"archive": digest.hex()}


def _carry_on(shop: Workshop, state: State) -> None:
    """After a refresh, whence the keys came; after one that was aborted all of the old set, which counts."""
    if state.aborting:
        shop.remove_void()
        shop.carry(shop.last().files)
    else:
        shop.carry({ORIGIN: shop.last().origin})


def _inventory(shop: Workshop, state: State) -> Mapping[str, bytes]:
    """The inventory that the ceremony leaves; none where there is no set, or no root key in it."""
    if shop.plan.drill or shop.plan.reissue or shop.plan.refresh or shop.plan.recovery:
        last = shop.last()
        return (
            {inventory.FILE: replace(last.inventory, before=last.archive).encode()}
            if last.inventory and last.archive
            else {}
        )
    if shop.plan.session:
        return {inventory.FILE: inventory_of(shop, state).encode()}
    if "seal" not in state.done or state.aborting:
        return {}
    files = {name: read_public(shop.equipment.out / name, MAX_FILE) for name in contents(shop.equipment.out).digests}
    first = first_inventory(shop.package(state).manifest, files, shop.plan.ceremony.id)
    return {inventory.FILE: first.encode()} if first else {}


def settle(_shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Every exception has its disposition by now: the runner asks for them."""
    ask.say("Every exception has its disposition." if state.incidents else "There is no exception.")
    return {}
