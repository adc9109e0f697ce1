"""Read sheets without ending the step when nothing, or something wrong, lies in the scanner."""

from collections.abc import Iterator

from ceremony.run.questions import Questions
from ceremony.run.work import Workshop
from escrow.errors import PageError
from escrow.gather import Collection


def read_sheets(shop: Workshop, collection: Collection, what: str, share: str, ask: Questions) -> Iterator[str]:
    """What is to be said of each sheet that was read into a collection, or why nothing was."""
    try:
        yield from map(str, shop.equipment.paper.read(collection, what, share, ask))
    except PageError as error:
        yield str(error)
