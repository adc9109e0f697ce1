"""The printed script of a plan's ceremony: officers' and witness's copies, and the list of materials."""

from collections.abc import Mapping, Sequence

from reportlab.platypus import Flowable

from ceremony.checker import check
from ceremony.forms import back, front
from ceremony.forms.acts import Acts
from ceremony.forms.letterhead import Letterhead
from ceremony.forms.pieces import new_page, space
from ceremony.forms.words import script_words
from ceremony.plan import Plan
from ceremony.steps import Step, steps
from ceremony.wording import Wording

OFFICERS, WITNESS, MATERIALS = "script-officers.pdf", "script-witness.pdf", "materials.pdf"


def documents(plan: Plan, listed: Sequence[Step] | None = None) -> Mapping[str, bytes]:
    """The documents of a plan's ceremony, by the names of their files: the same plan gives the same bytes.

    The steps are those of the plan, unless others are given. Raises StepsError if they do not add up, TemplateError
    for templates or names that cannot be printed.
    """
    if listed is None:
        listed = steps(plan.policy, len(plan.packages))
    check(listed, plan.policy)
    maker = _Maker(plan, listed)
    return {
        OFFICERS: maker.script(witness=False),
        WITNESS: maker.script(witness=True),
        MATERIALS: maker.materials(),
    }


class _Maker:
    def __init__(self, plan: Plan, listed: Sequence[Step]) -> None:
        self._plan, self._listed = plan, listed
        self._say = script_words(plan)
        self._wording = Wording(plan)
        self._letterhead = Letterhead.of(plan)
        self._numbers = {step.id: step.number for step in listed}

    def script(self, *, witness: bool) -> bytes:
        """One copy of the script."""

        def story(pages: Mapping[str, int]) -> Sequence[Flowable]:
            plan, say, width = self._plan, self._say, self._letterhead.width
            acts = Acts(plan, say, self._wording, width, witness)
            return [
                *front.cover(plan, say, width, self._numbers, witness=witness),
                new_page(),
                *front.by_hand(say, width),
                *front.approvals(say, width),
                space(),
                *front.contents(say, width, self._titles(acts), pages),
                new_page(),
                *front.about(plan, say, width),
                new_page(),
                *front.participants(plan, say, width),
                *front.log(say, width, self._numbers),
                new_page(),
                *front.materials(plan, say, width, self._numbers),
                new_page(),
                *front.duration(say, width, self._listed, self._wording),
                *acts.all(self._listed),
                *back.contingencies(acts),
                *back.exceptions(say, width, self._letterhead.height),
                *back.tables(say, width),
                *back.requirements(say, width, self._listed),
            ]

        title = self._say("document.witness" if witness else "document.officers")
        return self._letterhead.render(title, "confidential", story)

    def materials(self) -> bytes:
        """The list of materials, for whoever packs them."""

        def story(_: Mapping[str, int]) -> Sequence[Flowable]:
            return list(front.materials(self._plan, self._say, self._letterhead.width, self._numbers))

        return self._letterhead.render(self._say("document.materials"), "confidential", story)

    def _titles(self, acts: Acts) -> Sequence[str]:
        say = self._say
        before = ["use", "state", "roles", "participants", "log", "materials", "duration"]
        own = list(dict.fromkeys(acts.title(step) for step in self._listed))
        exception = say("exception.title", number=1, sheets=back.SHEETS)
        return [
            *(say(f"{name}.title") for name in before),
            *own,
            say("contingency.title"),
            exception,
            say("tables.title"),
            say("map.title"),
        ]
