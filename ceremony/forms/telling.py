"""How a journal's facts are told: times, numbers, hashes, and what each step found, in the transcript's words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ceremony import spoken
from ceremony.forms.history import History, Outcome, Run
from ceremony.forms.record import Digest
from ceremony.forms.texts import Texts
from ceremony.planning.plan import Plan
from ceremony.rules.steps import Action
from ceremony.rules.wording import Wording, share_name
from ceremony.run.journal import Entry
from escrow.manifest import group_hex
from escrow.policy import Position

_DIGITS = 8


@dataclass(frozen=True)
class Telling:
    """A plan, what happened, and the words: of the transcript, of the script, and of the steps."""

    plan: Plan
    history: History
    say: Texts
    script: Texts
    wording: Wording

    def share(self, position: Iterable[int]) -> str:
        """A share's name, from a position or what JSON makes of one."""
        return share_name(self.plan.policy, Position(*position))

    def shares(self, positions: Iterable[Iterable[int]]) -> str:
        """Names of shares, with commas."""
        return ", ".join(map(self.share, positions))

    def found(self, run: Run) -> str:
        """What came of one run of a step."""
        lines = [self.say("steps.again", times=run.times)] if run.times > 1 else []
        match run.outcome:
            case Outcome.DONE:
                lines.append(self._facts(run))
            case Outcome.FAILED:
                lines.append(self.say("steps.failed", problem=run.at.fields["problem"]))
            case Outcome.CUT_OFF:
                lines.append(self.say("steps.cut_off"))
            case Outcome.ABORTED:
                lines.append(self.say("steps.ended_by_abort"))
            case Outcome.UNFINISHED:
                lines.append(self.say("steps.unfinished"))
        return "\n".join(lines)

    def _facts(self, run: Run) -> str:  # noqa: C901, PLR0911, PLR0912 - one for each action
        say, facts = self.say, run.facts
        match run.step.action:
            case Action.COMPARE_PLAN:
                return say("facts.plan", words=short(facts["plan"]))
            case Action.PREFLIGHT:
                return say("facts.checks", counts=counts(facts["checks"]), section=say("preflight.title"))
            case Action.OPEN:
                key = short(key_fingerprint(facts))
                return say("facts.open", officers=", ".join(facts["officers"]), words=key)
            case Action.WRITE_HEAD:
                return say("facts.head", words=short(facts["head"]))
            case Action.MAKE_KEYS:
                keys = ", ".join(f"{key['name']} ({key['algorithm']})" for key in facts["keys"])
                return say("facts.keys" if facts["generated"] else "facts.imported", keys=keys)
            case Action.SHOW_CERTIFICATES:
                return say("facts.certificates", count=len(facts["certificates"]), section=say("keys.title"))
            case Action.SEAL:
                return say("facts.set", set_id=set_name(facts), epoch=facts["epoch"], policy=facts["policy"])
            case Action.READ_BACK:
                return say("facts.words", words="; ".join(map(self._place, facts["words"])))
            case Action.BAG:
                return say("facts.bag", bag=facts["bag"])
            case Action.BAG_AGAIN:
                return "\n".join(
                    say("facts.bags", share=self.share(map(int, name.split("."))), bag=bag)
                    for name, bag in facts["bags"].items()
                )
            case Action.PROVE_QUORUM | Action.GATHER:
                return say("facts.shares", shares=self.shares(facts["positions"]))
            case Action.COPY_PACKAGE:
                return self._copy(facts)
            case Action.DESTROY:
                return say("facts.destroyed", shares=self.shares(facts["sheets"]))
            case Action.SETTLE:
                return say("facts.settled", exceptions=len(self.history.state.incidents))
        if "at" in facts:
            return say("facts.before", at=facts["at"])
        return say("steps.by_people" if run.step.action is None else "steps.by_program")

    def _place(self, place: str) -> str:
        row, _, columns = place.partition("/")
        return self.say("facts.words_row", row=row, columns=columns.replace(",", ", "))

    def _copy(self, facts: Mapping[str, Any]) -> str:
        sealed = self.history.done("seal")[-1].facts
        if facts["sha256"] == sealed["package"]:
            return self.say("facts.copy")
        return self.say("facts.copy_differs", sha256=facts["sha256"])


def time(entry: Entry) -> str:
    """When an entry was written, to the second, UTC."""
    return entry.utc.replace("T", " ").removesuffix("Z")


def short(digits: str) -> str:
    """A hash's first three words and its last."""
    return spoken.first_three_and_last(spoken.words_of(bytes.fromhex(digits)))


def grouped(digits: str) -> str:
    """A hash's digits in groups, in two rows."""
    return "\n".join(_rows(digits))


def digest(label: str, digits: str) -> Digest:
    """A hash in full."""
    return Digest(label, spoken.rows_of(spoken.words_of(bytes.fromhex(digits))), _rows(digits))


def counts(checks: Sequence[Mapping[str, Any]]) -> str:
    """How many checks ended how."""
    return ", ".join(f"{number} {status}" for status, number in Counter(check["status"] for check in checks).items())


def key_fingerprint(facts: Mapping[str, Any]) -> str:
    """The fingerprint of the ceremony's key, from what its opening found."""
    import hashlib

    return hashlib.sha256(bytes.fromhex(facts["key"])).hexdigest()


def set_name(facts: Mapping[str, Any]) -> str:
    """A set's id in groups of digits."""
    return group_hex(bytes.fromhex(facts["set_id"]))


def _rows(digits: str) -> tuple[str, ...]:
    groups = [digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS)]
    return tuple(" ".join(groups[start : start + 4]) for start in range(0, len(groups), 4))
