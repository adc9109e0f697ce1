"""What is printed for a plan's ceremony: officers' and witness's script, list of materials, receipts in reserve."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ceremony.forms import back, front
from ceremony.forms.acts import Acts
from ceremony.forms.letterhead import Letterhead
from ceremony.forms.pieces import new_page, space
from ceremony.forms.words import script_words
from ceremony.planning.plan import Plan
from ceremony.rules.checker import check
from ceremony.rules.listing import Listing
from ceremony.rules.lists import listing_of
from ceremony.rules.wording import Wording
from escrow.documents import receipt_file
from escrow.paper.documents import blank_receipt
from escrow.paper.public import PlannedSet
from escrow.paper.stationery import Stationery
from escrow.progress import Progress

OFFICERS, WITNESS, MATERIALS = "script-officers.pdf", "script-witness.pdf", "materials.pdf"


def files(plan: Plan) -> list[str]:
    """The names of the files of all `documents`."""
    return [OFFICERS, WITNESS, MATERIALS, *(receipt_file(plan.policy, position) for position in plan.policy.positions)]


def documents(
    plan: Plan, listing: Listing | None = None, progress: Progress = lambda *_: None
) -> Iterator[tuple[str, bytes]]:
    """The documents of a plan's ceremony one by one, name of the file and PDF: the same plan gives the same bytes.

    The steps are those of the plan, unless others are given. Raises StepsError before the first if they do not add
    up, TemplateError for templates, names or texts that cannot be printed.
    """
    if listing is None:
        listing = listing_of(plan)
    check(listing)
    return _documents(plan, listing, progress)


def _documents(plan: Plan, listing: Listing, progress: Progress) -> Iterator[tuple[str, bytes]]:
    maker = _Maker(plan, listing)
    scripts: list[tuple[str, Callable[[], bytes]]] = [
        (OFFICERS, partial(maker.script, witness=False)),
        (WITNESS, partial(maker.script, witness=True)),
        (MATERIALS, maker.materials),
    ]
    for done, (name, make) in enumerate(scripts):
        progress("Making the script", done, len(scripts))
        yield name, make()
    progress("Making the script", len(scripts), len(scripts))
    planned = PlannedSet(plan.ca.name, plan.ceremony.kind, plan.policy)
    own = plan.documents
    stationery = Stationery(own.templates, own.page, plan.ceremony.organisation, plan.ceremony.contact)
    positions = plan.policy.positions
    for done, position in enumerate(positions):
        progress("Making receipts", done, len(positions))
        custodian = plan.custodian_at(position).name
        yield (
            receipt_file(plan.policy, position),
            blank_receipt(planned, position, custodian, stationery, plan.keeping[done]),
        )
    progress("Making receipts", len(positions), len(positions))


class _Maker:
    def __init__(self, plan: Plan, listing: Listing) -> None:
        self._plan, self._listing = plan, listing
        self._say = script_words(plan)
        self._wording = Wording(plan)
        self._letterhead = Letterhead.of(plan)
        self._numbers = {step.id: step.number for step in listing.steps}

    def script(self, *, witness: bool) -> bytes:
        """One copy of the script."""
        plan, say, width = self._plan, self._say, self._letterhead.width
        acts = Acts(plan, say, self._wording, width, witness)
        story = [
            *front.cover(plan, say, width, self._numbers, witness=witness),
            *front.by_hand(say, width),
            new_page(),
            *front.approvals(say, width),
            space(),
            *front.contents(say, width, self._titles(acts)),
            new_page(),
            *front.about(plan, say, width),
            new_page(),
            *front.participants(plan, say, width),
            *front.log(say, width, self._numbers),
            new_page(),
            *front.materials(plan, say, width, self._numbers),
            new_page(),
            *front.duration(say, width, self._listing.steps, self._wording),
            new_page(),
            *acts.all(self._listing.steps),
            *back.contingencies(acts),
            *back.exceptions(say, width, self._letterhead.height),
            *back.tables(say, width),
            *back.requirements(say, width, self._listing),
        ]
        title = self._say("document.witness" if witness else "document.officers")
        return self._letterhead.render(title, self._say("document.secrecy"), story)

    def materials(self) -> bytes:
        """The list of materials, for whoever packs them."""
        story = [*front.materials(self._plan, self._say, self._letterhead.width, self._numbers)]
        return self._letterhead.render(self._say("document.materials"), self._say("document.secrecy"), story)

    def _titles(self, acts: Acts) -> Sequence[str]:
        say = self._say
        before = ["use", "state", "roles", "participants", "log", "materials", "duration"]
        own = list(dict.fromkeys(acts.title(step) for step in self._listing.steps))
        exception = say("exception.title", number=1, sheets=back.SHEETS)
        return [
            *(say(f"{name}.title") for name in before),
            *own,
            say("contingency.title"),
            exception,
            say("tables.title"),
            say("map.title"),
        ]
