"""The pages of the script after its acts: failures, exception sheets, words and letters, requirements."""

from collections.abc import Iterator, Sequence

from reportlab.platypus import Flowable

from ceremony.forms.acts import Acts
from ceremony.forms.pieces import (
    GAP,
    MM,
    WORDS_OF_A_HASH,
    Boxes,
    Cell,
    Marked,
    grid,
    heading,
    new_page,
    side_by_side,
    space,
    text,
)
from ceremony.forms.words import numbers_of
from ceremony.rules.listing import Listing
from escrow.paper.texts import Texts
from escrow.wordlist import WORDS

SHEETS = 5
_AGAIN = 8
_COLUMNS = 6  # a divisor of the 36 letters and digits


def contingencies(acts: Acts) -> Iterator[Flowable]:
    """The table of crashes, the steps that only a failure calls for, and room for those that are done again."""
    say, width = acts.say, acts.width
    yield new_page()
    yield from heading(say("contingency.title"))
    yield text(say("contingency.text"))
    yield space()
    rows: list[list[Cell]] = [[say("contingency.when"), say("contingency.rule")]]
    rows += [
        [text(say(f"crash.{rule.value}"), "bold"), acts.wording.loss(rule)] for rule in acts.wording.listing.losses
    ]
    yield grid(rows, [48 * MM, width - 48 * MM], head=1)
    yield text(say("contingency.steps"), "subheading")
    yield acts.table(acts.wording.listing.contingencies)
    yield from _done_again(say, width)


def _done_again(say: Texts, width: float) -> Iterator[Flowable]:
    names = ["acts.step", "contingency.what", "acts.initials", "acts.time"]
    rows: list[list[Cell]] = [[say(name) for name in names]]
    rows += [["", Boxes(WORDS_OF_A_HASH), "", ""] for _ in range(_AGAIN)]
    yield from heading(say("contingency.again"), 130 * MM)
    yield text(say("contingency.again_text"))
    yield space()
    middle = [("VALIGN", (0, 1), (-1, -1), "MIDDLE")]
    yield grid(rows, [22 * MM, width - 62 * MM, 20 * MM, 20 * MM], middle, head=1, least=11 * MM)


def exceptions(say: Texts, width: float, height: float) -> Iterator[Flowable]:
    """Sheets for what went otherwise, a page each."""
    for number in range(1, SHEETS + 1):
        yield new_page()
        yield from heading(say("exception.title", number=number, sheets=SHEETS))
        yield text(say("exception.text"))
        yield space()
        yield from _exception(say, width, height - 87 * MM)


def _exception(say: Texts, width: float, room: float) -> Iterator[Flowable]:
    head: list[Cell] = [
        [text(say("exception.number")), Boxes("__")],
        [text(say("exception.time")), Boxes("__:__")],
        [text(say("exception.step")), Boxes("__.____")],
    ]
    yield grid([head], [width / 3] * 3)
    told = ["expected", "happened", "done"]
    heights = [room * part for part in (0.22, 0.34, 0.26)]
    yield grid([[text(say(f"exception.{name}"), "bold")] for name in told], [width], heights=heights)
    harms: list[list[Cell]] = [
        [
            text(say("exception.touches"), "bold") if first else "",
            text(say(f"exception.{name}")),
            Marked(say("exception.yes"), circle=True),
            Marked(say("exception.no"), circle=True),
        ]
        for first, name in ((True, "confidentiality"), (False, "integrity"), (False, "availability"))
    ]
    box = [("BOX", (0, 0), (-1, -1), 0.5, "black")]
    yield grid(harms, [40 * MM, 40 * MM, 30 * MM, width - 110 * MM], box, lines=False)
    settled = [Marked(say(f"exception.{name}"), circle=True) for name in ("accepted", "mended", "aborted")]
    columns = [40 * MM, 40 * MM, 30 * MM, width - 113 * MM]
    choice = side_by_side([text(say("exception.disposition"), "bold"), *settled], columns)
    yield grid([[choice], [text(say("exception.reason"))]], [width], heights=[None, room * 0.18])
    names = ["officer", "other_officer", "witness"]
    yield grid([[text(say(f"exception.{name}")) for name in names]], [width / 3] * 3, heights=[15 * MM])


def tables(say: Texts, width: float) -> Iterator[Flowable]:
    """The words of all bytes, and letters and digits as they are read aloud."""
    yield new_page()
    yield from heading(say("tables.title"))
    yield text(say("tables.words"), "subheading")
    yield text(say("tables.words_text"))
    yield space()
    digits = "0123456789abcdef"
    rows: list[list[Cell]] = [["", *(text(digit, "center-bold") for digit in digits)]]
    for row, digit in enumerate(digits):
        words = (text(word, "mono-center") for word in WORDS[16 * row : 16 * row + 16])
        rows.append([text(digit, "center-bold"), *words])
    first = 8 * MM
    tight = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
    yield grid(rows, [first, *[(width - first) / 16] * 16], tight, head=1, pad=2)
    yield text(say("tables.letters"), "subheading")
    cells: list[Cell] = []
    for sign, word in say.table("nato").items():
        cells += [text(sign, "bold"), text(word)]
    lines = [cells[start : start + 2 * _COLUMNS] for start in range(0, len(cells), 2 * _COLUMNS)]
    letter = 7 * MM
    yield grid(lines, [letter, width / _COLUMNS - letter] * _COLUMNS, pad=2)


def requirements(say: Texts, width: float, listing: Listing) -> Iterator[Flowable]:
    """Which steps are modelled on what, and where the ceremony departs from it."""
    head, *others = requirement_rows(say, listing)
    rows: list[list[Cell]] = [list(head)]
    rows += [[text(numbers, "bold"), what, modelled_on] for numbers, what, modelled_on in others]
    yield new_page()
    yield from heading(say("map.title"))
    yield text(say("map.text"))
    yield text(say("map.not_met"), "subheading")
    for departure in say.list("departure"):
        yield text(departure["text"])
        yield space(GAP)
    yield grid(rows, [30 * MM, 48 * MM, width - 78 * MM], head=1)


def requirement_rows(say: Texts, listing: Listing) -> Sequence[Sequence[str]]:
    """The map as rows of three texts, the head first: numbers of steps, what they do, what that is modelled on."""
    rows = [[say(f"map.{name}") for name in ("steps", "what", "modelled_on")]]
    told = [
        [_numbers(entry["steps"], listing), entry["what"], entry["modelled_on"]] for entry in say.list("requirement")
    ]
    return rows + [row for row in told if row[0]]


def _numbers(verbs: Sequence[str], listing: Listing) -> str:
    found = (numbers_of(verb, (*listing.steps, *listing.contingencies)) for verb in verbs)
    named = [each for each in found if each]
    return "\n".join(named) if any("..." in each for each in named) else ", ".join(named)
