"""The steps as tables: what is read aloud and done, what is expected, who, initials, time, and what is written down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reportlab.platypus import Flowable

from ceremony import spoken
from ceremony.forms.pieces import (
    GAP,
    MM,
    NUMBER_OF_A_BAG,
    THICK,
    WORDS_OF_A_HASH,
    Boxes,
    Cell,
    Marked,
    grid,
    heading,
    side_by_side,
    space,
    text,
)
from ceremony.forms.texts import Texts
from ceremony.forms.words import largest_quorum
from ceremony.plan import Plan
from ceremony.steps import Action, Step
from ceremony.wording import Wording, share_name

_NUMBER, _WHO, _INITIALS, _TIME = 15 * MM, 30 * MM, 18 * MM, 17 * MM
_LABEL = 66 * MM
_CERTIFICATES = {"generate": 2, "import": 4}  # root and intermediate; what a tree holds is not known yet
_TOGETHER = 6  # rows of one step that stay on one page


@dataclass(frozen=True)
class Acts:
    """The steps of a plan on paper; the witness's copy has the check words and the boxes for the journal's heads."""

    plan: Plan
    say: Texts
    wording: Wording
    width: float
    witness: bool

    def all(self, listed: Sequence[Step]) -> Iterator[Flowable]:
        """Every act, with the steps of each share on their own."""
        for act, of_act in groupby(listed, key=lambda step: step.act):
            first = True
            for position, of_share in groupby(of_act, key=lambda step: step.position):
                own = list(of_share)
                if first:
                    yield from heading(self.title(own[0]), 90 * MM)
                if position is not None:
                    yield from self._share(own[0], first=first)
                yield self.table(own)
                yield space(2 * GAP)
                first = False

    def title(self, step: Step) -> str:
        """The heading of a step's act."""
        return self.say("acts.title", number=step.act.value, name=self.wording.acts[step.act])

    def table(self, listed: Sequence[Step]) -> Flowable:
        """Steps as rows. What is irreversible has a thick frame."""
        rows: list[list[Cell]] = [
            [self.say(f"acts.{name}") for name in ("step", "activity", "who", "initials", "time")]
        ]
        commands: list[tuple[object, ...]] = []
        for step in listed:
            start = len(rows)
            if step.irreversible:
                rows.append([text(self.say("acts.no_return"), "warning"), *[""] * 4])
                commands += [("SPAN", (0, start), (-1, start)), ("VALIGN", (0, start), (-1, start), "MIDDLE")]
            rows.append(self._step(step))
            commands += self._fields(step, rows)
            end = len(rows) - 1
            if end > start:
                commands.append(("NOSPLIT", (0, start), (-1, min(end, start + _TOGETHER))))
            if step.irreversible:
                commands.append(("BOX", (0, start), (-1, end), THICK, "black"))
        widths = [_NUMBER, self.width - _NUMBER - _WHO - _INITIALS - _TIME, _WHO, _INITIALS, _TIME]
        return grid(rows, widths, commands, head=1)

    def _step(self, step: Step) -> list[Cell]:
        words = self.wording.of(step)
        activity = [text(words.do, "loud"), space(GAP), Marked(words.expect)]
        return [text(step.number, "number"), activity, words.who, "", ""]

    def _fields(self, step: Step, rows: list[list[Cell]]) -> Iterator[tuple[object, ...]]:
        """Add the rows of what is written down in a step."""
        for field in self._written(step):
            rows.append(["", field, "", "", ""])
            row = len(rows) - 1
            yield "SPAN", (1, row), (-1, row)
            yield "LINEABOVE", (0, row), (0, row), 1, "white"

    def _written(self, step: Step) -> Iterator[Flowable]:
        say, plan = self.say, self.plan
        if step.irreversible and self.witness:
            words = " ".join(spoken.check_words(plan.digest, step.id))
            yield self._field(say("acts.check_words"), text(words, "spoken"))
        elif step.irreversible:
            yield text(say("acts.check_words_elsewhere"), "bold")
        match step.action:
            case Action.WRITE_HEAD if self.witness:
                yield self._field(say("acts.head"), Boxes(WORDS_OF_A_HASH))
            case Action.WRITE_HEAD:
                yield text(say("acts.head_elsewhere"))
            case Action.BAG:
                yield self._field(say("acts.bag"), Boxes(NUMBER_OF_A_BAG))
            case Action.BAG_AGAIN:
                for _ in range(largest_quorum(plan.policy)):
                    yield self._field(say("acts.new_bag"), Boxes(f"{self._share_boxes} : {NUMBER_OF_A_BAG}"))
            case Action.GATHER:
                for _ in range(largest_quorum(plan.policy)):
                    yield self._field(say("acts.again"), Boxes(self._share_boxes))
            case Action.SHOW_CERTIFICATES:
                for number in range(1, _CERTIFICATES[plan.ca.keys] + 1):
                    yield self._field(say("acts.certificate", number=number), Boxes("____"))
            case Action.DESTROY:
                yield self._field(say("acts.destroyed"), Boxes("___   ___"))
        if step.id == "copies":
            for number, package in enumerate(plan.packages, 1):
                yield self._field(say("acts.carrier", copy=number, site=package.site), space(8 * MM))

    @property
    def _share_boxes(self) -> str:
        longest = max(self.plan.policy.positions, key=lambda position: len(share_name(self.plan.policy, position)))
        return "".join("." if sign == "." else "_" for sign in share_name(self.plan.policy, longest))

    def _field(self, label: str, value: Flowable) -> Flowable:
        room = self.width - _NUMBER - _LABEL - 4 * MM
        return side_by_side([text(label), value], [_LABEL, room])

    def _share(self, step: Step, *, first: bool) -> Iterator[Flowable]:
        from reportlab.platypus import CondPageBreak

        if step.position is None:
            return
        custodian = self.plan.custodian_at(step.position)
        words = self.say(
            "acts.share",
            share=share_name(self.plan.policy, step.position),
            custodian=custodian.name,
            unit=custodian.unit,
            manager=custodian.manager,
            site=custodian.site,
        )
        if not first:
            yield CondPageBreak(190 * MM)  # a custodian's steps stand on one page
        yield text(words, "subheading")
