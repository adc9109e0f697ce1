"""The printer and what reads paper back, proved by a page that opens nothing before any key exists."""

from functools import partial

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.acts.reading import type_words
from ceremony.run.paper import TEST_PAGE
from ceremony.run.questions import Facts, Questions, StepError, is_spoilt
from ceremony.run.work import Workshop
from escrow import documents, sealing
from escrow.errors import PageError, PrintError
from escrow.gather import Collection
from escrow.manifest import Manifest
from escrow.policy import Position
from escrow.share import Kind


def prove(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Print a sheet of a set that is made up, read it back, and have words of it typed."""
    manifest = documents.made_up(Kind.SPECIMEN, shop.plan.policy, shop.plan.ca.name)
    position = manifest.policy.positions[0]
    _print(shop, manifest)
    while True:
        collection = Collection(manifest, keep=True)
        try:
            problem = _read(shop, collection, position, ask)
            if not problem:
                words = type_words(shop, collection, position, ask)
                break
        finally:
            collection.close()
        if is_spoilt(ask, problem):
            _print(shop, manifest)
    ask.say("The test page is proven from paper. Shred it.")
    return {"words": words}


def _print(shop: Workshop, manifest: Manifest) -> None:
    shop.equipment.printer.check()
    try:
        write = partial(sealing.write_test_page, manifest, shop.plan.stationery)
        shop.equipment.printer.print(write, TEST_PAGE)
    except PrintError as error:
        message = f"{error} Shred what came out."
        raise StepError(message) from None


def _read(shop: Workshop, collection: Collection, position: Position, ask: Questions) -> str:
    """Read it; what is wrong with what was read, if anything is."""
    try:
        shop.equipment.paper.read(collection, "the test page", TEST_PAGE, ask)
    except PageError as error:
        return str(error)
    if collection.problems or collection.present != {position}:
        return "\n".join(["This is not the test page alone:", *(f"  {each}" for each in collection.verdicts)])
    return ""
