"""The steps as tables: what is read aloud and done, what is expected, who, initials, time, and what is written down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reportlab.platypus import CondPageBreak, Flowable

from ceremony import spoken
from ceremony.forms.pieces import (
    GAP,
    MM,
    NUMBER_OF_A_BAG,
    THICK,
    THIN,
    WORDS_OF_A_HASH,
    WORDS_OF_A_SET,
    Boxes,
    Cell,
    Marked,
    grid,
    heading,
    side_by_side,
    space,
    text,
)
from ceremony.forms.words import largest_quorum
from ceremony.planning.plan import Copy, Plan
from ceremony.planning.profiles import profiles_of
from ceremony.rules.steps import Action, Step
from ceremony.rules.wording import Wording
from escrow.issuing.fields import planned
from escrow.paper.texts import Texts

_NUMBER, _WHO, _INITIALS, _TIME = 15 * MM, 28 * MM, 17 * MM, 15 * MM
_LABEL = 54 * MM
_IMPORTED = 4  # certificates: what a tree holds is not known yet
_OLD = 5  # sheets: the plan does not say what quorum the old set has
_WHOLE_PAGE = 190 * MM  # a custodian's steps stand on one page, and so do the certificates of a usual CA
_OF_A_CUSTODIAN, _OF_A_STEP = 175 * MM, 70 * MM
_UP_TO_NO_RETURN = 150 * MM  # an irreversible step stands on the page of its announcement
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
        for _, of_act in groupby(listed, key=lambda step: step.act):
            first = True
            for position, of_share in groupby(of_act, key=lambda step: step.position):
                own = list(of_share)
                if first:
                    yield from heading(self.title(own[0]), _room(own))
                if position is not None:
                    yield from self._share(own[0], first=first, room=min(_OF_A_CUSTODIAN, len(own) * _OF_A_STEP))
                yield self.table(own)
                yield space(2 * GAP)
                first = False

    def title(self, step: Step) -> str:
        """The heading of a step's act."""
        return self.say("acts.title", number=self.wording.number_of(step.act), name=self.wording.acts[step.act])

    def table(self, listed: Sequence[Step]) -> Flowable:
        """Steps as rows. What is irreversible has a thick frame."""
        rows: list[list[Cell]] = [
            [self.say(f"acts.{name}") for name in ("step", "activity", "who", "initials", "time")]
        ]
        commands: list[tuple[object, ...]] = [
            ("BOX", (0, 0), (-1, -1), THIN, "black"),
            ("INNERGRID", (0, 0), (-1, 0), THIN, "black"),
        ]
        for step in listed:
            start = len(rows)
            commands.append(("LINEABOVE", (0, start), (-1, start), THIN, "black"))
            if step.irreversible:
                rows.append([text(self.say("acts.no_return"), "warning"), *[""] * 4])
                commands += [("SPAN", (0, start), (-1, start)), ("VALIGN", (0, start), (-1, start), "MIDDLE")]
                commands.append(("LINEABOVE", (0, start + 1), (-1, start + 1), THIN, "black"))
            rows.append(self._step(step))
            commands.append(("INNERGRID", (0, len(rows) - 1), (-1, len(rows) - 1), THIN, "black"))
            commands += self._fields(step, rows)
            end = len(rows) - 1
            if end > start:
                commands.append(("NOSPLIT", (0, start), (-1, min(end, start + _TOGETHER))))
            if step.irreversible:
                commands.append(("BOX", (0, start), (-1, end), THICK, "black"))
        widths = [_NUMBER, self.width - _NUMBER - _WHO - _INITIALS - _TIME, _WHO, _INITIALS, _TIME]
        return grid(rows, widths, commands, head=1, lines=False)

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
            yield "LINEABOVE", (1, row), (-1, row), THIN, "black"
            yield "LINEBEFORE", (1, row), (1, row), THIN, "black"

    def _written(self, step: Step) -> Iterator[Flowable]:
        if step.irreversible:
            yield self._check_words(step)
        yield from self._found(step)

    def _found(self, step: Step) -> Iterator[Flowable]:  # noqa: C901, PLR0912 - one for each action
        match step.action:
            case Action.WRITE_HEAD:
                yield self._head()
            case Action.ISSUE:
                yield from self._certificates()
            case Action.DRAFT:
                yield from self._task()
            case Action.BRIEF:
                yield from self._drill()
            case Action.TELL_LOSS:
                yield from self._lost()
            case Action.DESTROY_SHEET:
                yield self._field(self.say("acts.destroyed"), Boxes("___   ___"))
            case Action.CALLED:
                yield from self._recovery()
            case Action.SHOW_SET:
                yield self._field(self.say("acts.set_words"), Boxes(WORDS_OF_A_HASH))
            case Action.WHICH_COPY:
                yield self._field(self.say("acts.copy_used"), Boxes("__ : ____"))
            case Action.SHOW_BAG | Action.READ_ONE:
                yield self._field(self.say("acts.bag"), Boxes(NUMBER_OF_A_BAG))
            case Action.SEAL:
                yield self._field(self.say("acts.set_words"), Boxes(WORDS_OF_A_SET))
            case Action.BAG:
                yield self._field(self.say("acts.bag"), Boxes(NUMBER_OF_A_BAG))
            case Action.MAKE_ONLINE | Action.BAG_HANDOVER:
                yield from self._handed_over(step)
            case Action.BAG_AGAIN:
                boxes = f"{self._share_boxes} : {NUMBER_OF_A_BAG}"
                times = 1 if step.position else largest_quorum(self.plan.policy)
                yield from self._repeated(times, "acts.new_bag", boxes)
            case Action.GATHER:
                # Missing shares are made again from their own group: each group may have to be read.
                most = sum(group.threshold for group in self.plan.policy.groups)
                yield from self._repeated(most, "acts.again", self._share_boxes)
            case Action.BAG_OLD:
                yield from self._repeated(_OLD, "acts.old_sheet", f"____ : {NUMBER_OF_A_BAG}")
            case Action.DESTROY_OLD:
                yield self._field(self.say("acts.destroyed"), Boxes("___   ___"))
                yield self._field(self.say("acts.old_copies"), space(8 * MM))
                yield self._field(self.say("acts.old_rest"), space(8 * MM))
            case Action.DESTROY:
                yield self._field(self.say("acts.destroyed"), Boxes("___   ___"))
            case None if step.id == "copies":
                yield from self._carriers("acts.carrier", self.plan.packages)
            case Action.CLOSE:
                yield self._archive()
                yield from self._carriers("acts.archive_carrier", self.plan.archives)

    def _check_words(self, step: Step) -> Flowable:
        if not self.witness:
            return text(self.say("acts.check_words_elsewhere"), "bold")
        words = " ".join(spoken.check_words(self.plan.digest, step.id))
        return self._field(self.say("acts.check_words"), text(words, "spoken"))

    def _head(self) -> Flowable:
        if not self.witness:
            return text(self.say("acts.head_elsewhere"))
        return self._field(self.say("acts.head"), Boxes(WORDS_OF_A_HASH))

    def _certificates(self) -> Iterator[Flowable]:
        """What each certificate has to say, as far as the plan knows, and room for its fingerprint."""
        profiles = profiles_of(self.plan)
        if profiles is None:
            for number in range(1, _IMPORTED + 1):
                yield self._field(self.say("acts.certificate", number=number), Boxes("____"))
            return
        for number, profile in enumerate(profiles, 1):
            yield text(self.say("certificate.title", number=number, file=profile.certificate_file), "subheading")
            for name, value in planned(profiles, profile).items():
                if value:
                    yield self._field(self.say(f"certificate.{name}"), text(value, "bold"))
            yield self._field(self.say("acts.certificate", number=number), Boxes("____"))

    def _task(self) -> Iterator[Flowable]:
        """What a session's plan says of what is signed, in the plan's own words."""
        session = self.plan.session
        if session is None:
            return
        said = {key: value for key, value in session.task.model_dump().items() if value not in {None, ()}}
        for number, each in enumerate(session.revoke, 1):
            said[f"revoke {number}"] = f"{each.serial}, {each.date.isoformat()}, {each.reason}"
        for key, value in said.items():
            shown = ", ".join(value) if isinstance(value, tuple) else str(value)
            if key == "sha256":
                shown = " ".join(shown[start : start + 16] for start in range(0, len(shown), 16))
            yield self._field(key, text(shown, "bold"))

    def _drill(self) -> Iterator[Flowable]:
        """What the plan of a drill says, in its own words."""
        drill = self.plan.drill
        if drill:
            for key, value in (("level", drill.level), ("scenario", drill.scenario), ("minutes", str(drill.minutes))):
                yield self._field(key, text(value, "bold"))

    def _lost(self) -> Iterator[Flowable]:
        """What the plan of a reissue says, in its own words."""
        lost = self.plan.reissue
        if lost:
            share = self.plan.policy.name_of(lost.position)
            for key, value in (("share", share), ("reason", lost.reason), ("why", lost.why)):
                yield self._field(key, text(value, "bold"))
            yield self._field(self.say("acts.set_words"), Boxes(WORDS_OF_A_SET))

    def _recovery(self) -> Iterator[Flowable]:
        """What the plan of a recovery says, in its own words."""
        recovery = self.plan.recovery
        if recovery:
            for key in ("incident", "called_by", "agreed", "only"):
                value = getattr(recovery, key)
                yield self._field(key, text(value if isinstance(value, str) else ", ".join(value), "bold"))
            if recovery.token:
                yield self._field("token", text(recovery.token, "bold"))

    def _repeated(self, times: int, label: str, boxes: str) -> Iterator[Flowable]:
        for _ in range(times):
            yield self._field(self.say(label), Boxes(boxes))

    def _archive(self) -> Flowable:
        if not self.witness:
            return text(self.say("acts.archive_elsewhere"))
        return self._field(self.say("acts.archive"), Boxes(WORDS_OF_A_HASH))

    def _carriers(self, label: str, copies: Sequence[Copy]) -> Iterator[Flowable]:
        for number, copy in enumerate(copies, 1):
            yield self._field(self.say(label, copy=number, site=copy.site), space(8 * MM))

    def _handed_over(self, step: Step) -> Iterator[Flowable]:
        """Who takes the medium of the online CA, once it may go; and who the handover sheet, in which bag."""
        online = self.plan.online
        if step.action is Action.BAG_HANDOVER:
            yield self._field(self.say("acts.bag"), Boxes(NUMBER_OF_A_BAG))
            yield self._field(self.say("acts.handover_carrier"), space(8 * MM))
        if online and bool(online.recipient) == (step.action is Action.MAKE_ONLINE):
            yield self._field(self.say("acts.online_carrier", site=online.site), space(8 * MM))

    @property
    def _share_boxes(self) -> str:
        longest = max(map(self.plan.policy.short_name_of, self.plan.policy.positions), key=len)
        return "".join("-" if sign == "-" else "_" for sign in longest)

    def _field(self, label: str, value: Flowable) -> Flowable:
        room = self.width - _NUMBER - _LABEL - 4 * MM
        return side_by_side([text(label), value], [_LABEL, room])

    def _share(self, step: Step, *, first: bool, room: float) -> Iterator[Flowable]:
        if step.position is None:
            return
        custodian = self.plan.custodian_at(step.position)
        words = self.say(
            "acts.share",
            share=self.plan.policy.name_of(step.position),
            custodian=custodian.name,
            unit=custodian.unit,
            manager=custodian.manager,
            site=custodian.site,
        )
        if not first:
            yield CondPageBreak(room)  # a custodian's steps stand on one page
        yield text(words, "subheading")


def _room(listed: Sequence[Step]) -> float:
    """What is left on the page under the heading of an act, or a new page begins."""
    if listed[0].position is not None or any(step.action is Action.ISSUE for step in listed):
        return _WHOLE_PAGE
    at_once = any(step.irreversible for step in listed) or listed[0].action is Action.BAG_AGAIN
    return _UP_TO_NO_RETURN if at_once else 75 * MM
