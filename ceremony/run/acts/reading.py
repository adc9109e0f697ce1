"""Read sheets without ending the step for what lies wrong in the scanner, or have them typed; have words typed."""

from collections.abc import Iterator

from ceremony.run.questions import Asked, Questions
from ceremony.run.readback import Place, compare_words, drawn
from ceremony.run.work import Workshop
from escrow.errors import PageError, ShareError
from escrow.gather import Collection
from escrow.policy import Position

TRIES = 3


def read_sheets(shop: Workshop, collection: Collection, what: str, share: str, ask: Questions) -> Iterator[str]:
    """What is to be said of each sheet that was read into a collection, or why nothing was."""
    try:
        yield from map(str, shop.equipment.paper.read(collection, what, share, ask, or_typed=True))
    except PageError as error:
        yield str(error)


def type_words(shop: Workshop, collection: Collection, position: Position, ask: Questions) -> list[str]:
    """Have words of a sheet that was read typed, drawn by lot; their places. Raises ShareError for other words."""
    places = drawn(shop.equipment.lots)
    for place in places:
        _compare(collection, position, place, ask)
    return [str(place) for place in places]


def _compare(collection: Collection, position: Position, place: Place, ask: Questions) -> None:
    """Have the words of a place typed; a slip of the finger may happen twice. Raises ShareError."""
    for tries_left in reversed(range(TRIES)):
        with ask.secret(Asked.WORDS, row=place.row, columns=place.columns_text, place=place) as typed:
            try:
                compare_words(collection.manifest, position, collection.shares[position], place, typed)
            except ShareError as error:
                if not tries_left:
                    raise
                ask.say(f"{error} Type them again.")
            else:
                return
