"""How a journal's facts are told: times, numbers, hashes, and what each step found, in the transcript's words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ceremony.forms.figures import counts, key_fingerprint, set_name, short
from ceremony.forms.history import History, Outcome, Run
from ceremony.planning.plan import Plan
from ceremony.rules.refreshing.rules import left, old_policy
from ceremony.rules.steps import Action, position_of
from ceremony.rules.wording import Wording
from escrow.paper.texts import Texts
from escrow.policy import Position

_DIGITS = 8
_DRILLED = {Action.WHICH_COPY, Action.CALL, Action.SHOW_BAG, Action.READ_ONE}
_DRILLED |= {Action.PROVE_KEYS, Action.TRY_CA, Action.JUDGE}


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
        return self.plan.policy.name_of(Position(*position))

    def shares(self, positions: Iterable[Iterable[int]]) -> str:
        """The names of shares."""
        return self.plan.policy.names_of(Position(*position) for position in positions)

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
            case Action.ISSUE:
                return say("facts.certificates", count=len(facts["certificates"]), section=say("keys.title"))
            case Action.SEAL:
                return say("facts.set", set_id=set_name(facts), epoch=facts["epoch"], policy=facts["policy"])
            case Action.PRINT_PAPERS:
                return "\n".join(self._papers(facts))
            case Action.READ_BACK | Action.TEST_PAGE:
                return say("facts.words", words="; ".join(map(self._place, facts["words"])))
            case Action.MAKE_ONLINE:
                return "\n".join(self._online(facts))
            case Action.HAND_OVER:
                return say("facts.words", words="; ".join(map(self._place_of_password, facts["words"])))
            case Action.BAG_HANDOVER:
                return say("facts.bag", bag=facts["bag"])
            case Action.BAG:
                return "\n".join([say("facts.bag", bag=facts["bag"]), *self._papers(facts)])
            case Action.BAG_AGAIN:
                bags = [
                    say("facts.bags", share=self.share(position_of(key)), bag=bag) for key, bag in facts["bags"].items()
                ]
                return "\n".join([*bags, *self._papers(facts)])
            case Action.DRAFT:
                return say("facts.drafted", what=facts["what"], words=short(facts["to_be_signed"]))
            case Action.UNLOCK:
                return say("facts.unlocked", words=short(facts["public_key"]))
            case Action.SIGN:
                return say("facts.signed", words=short(facts["sha256"]))
            case Action.OUTCOME:
                return say("facts.files", files=", ".join(facts["files"]))
            case Action.DELIVER:
                return say(f"facts.copy_{facts['proof']}")
            case Action.BRIEF:
                return say("facts.briefed", **{name: facts[name] for name in ("level", "target", "scenario")})
            case Action.TELL_LOSS:
                share = self.share(position_of(facts["share"]))
                said = "facts.lost" if facts["reason"] == "lost" else "facts.gone"
                return say(said, share=share, why=facts["why"], custodian=facts["custodian"])
            case Action.PRINT_AGAIN:
                return "\n".join(self._papers(facts))
            case Action.DESTROY_SHEET:
                return say("facts.destroyed_sheet", shares=self.shares(facts["sheets"]), counted=facts["counted"])
            case Action.WHICH_COPY | Action.CALL | Action.SHOW_BAG | Action.READ_ONE | Action.PROVE_KEYS | Action.JUDGE:
                return self.drilled(run.step.action, facts)
            case Action.SHOW_OLD | Action.TAKE_KEYS | Action.BAG_OLD | Action.SUPERSEDE | Action.DESTROY_OLD:
                return "\n".join([*self._refreshed(run.step.action, facts), *self._papers(facts)])
            case Action.READ_QUORUM if self.plan.refresh:
                return say("facts.shares", shares=self.old_shares(facts["positions"]))
            case Action.PROVE_QUORUM | Action.READ_QUORUM | Action.READ_GROUP | Action.GATHER:
                return say("facts.shares", shares=self.shares(facts["positions"]))
            case Action.COPY_PACKAGE:
                return self._copy(facts)
            case Action.DESTROY:
                return self.destroyed(facts)
            case Action.CALLED:
                own = {name: ", ".join(facts[name]) for name in ("agreed", "keys")}
                return say("facts.called", called_by=facts["called_by"], **own)
            case Action.SHOW_SET:
                return say("facts.set_words", words=facts["words"])
            case Action.RESTORE:
                return say("facts.restored", keys=", ".join(facts["keys"]))
            case Action.SETTLE:
                return say("facts.settled", exceptions=len(self.history.state.incidents))
        if run.step.action in _DRILLED:
            return self.drilled(run.step.action, facts)
        if "at" in facts:
            return say("facts.before", at=facts["at"])
        return say("steps.by_people" if run.step.action is None else "steps.by_program")

    def drilled(self, action: Action | None, facts: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one for each action
        """What a step of a drill found."""
        say = self.say
        match action:
            case Action.WHICH_COPY:
                if facts["copy"] is None:
                    return say("facts.copy_none")
                where = self.history.state.done["brief"]["copies"][facts["copy"] - 1]
                return say("facts.copy_named", copy=facts["copy"], where=where)
            case Action.CALL:
                return say("facts.reached" if facts["reached"] else "facts.not_reached")
            case Action.PROVE_KEYS:
                return say("facts.proved", keys=", ".join(key["name"] for key in facts["keys"]))
            case Action.TRY_CA:
                return self._served(facts)
            case Action.JUDGE:
                return say(
                    "facts.judged", result=self.judged(facts), minutes=f"{facts['minutes']:g}", target=facts["target"]
                )
        return self._bag_shown(facts)

    def _served(self, facts: Mapping[str, Any]) -> str:
        """What came of a scratch CA."""
        if facts["issued"]:
            return self.say("facts.served", words=short(facts["certificate"]))
        how = self.say("facts.not_issued" if facts["started"] else "facts.not_started")
        return self.say("facts.not_served", how=how, problem=facts["problem"].rstrip("."))

    def _refreshed(self, action: Action, facts: Mapping[str, Any]) -> Iterator[str]:
        """What a step of a refresh found of the old set."""
        say, state = self.say, self.history.state
        match action:
            case Action.SHOW_OLD:
                yield say("facts.old_set", set_id=set_name(facts), epoch=facts["epoch"], policy=old_policy(state))
            case Action.TAKE_KEYS:
                yield say(
                    "facts.taken_over", keys=", ".join(f"{key['name']} ({key['algorithm']})" for key in facts["keys"])
                )
            case Action.BAG_OLD:
                for key, bag in facts["bags"].items():
                    yield say("facts.bags", share=self.old_shares([position_of(key)]), bag=bag)
            case Action.SUPERSEDE:
                old, new = (set_name({"set_id": facts[name]}) for name in ("old", "new"))
                yield say("facts.superseded", old=old, new=new)
            case Action.DESTROY_OLD:
                yield say("facts.destroyed_old", shares=self.old_shares(facts["sheets"]))
                if facts["copies"]:
                    yield say("facts.destroyed_copies", copies=", ".join(map(str, facts["copies"])))
                if rest := [*left(facts, state)]:
                    yield say("facts.left", shares=self.old_shares(rest))
                if facts["could_still"]:
                    yield say("facts.could_still", names=", ".join(facts["could_still"]))

    def old_shares(self, positions: Iterable[Iterable[int]]) -> str:
        """The names of shares of the set that is superseded."""
        return old_policy(self.history.state).names_of(Position(*position) for position in positions)

    def _bag_shown(self, facts: Mapping[str, Any]) -> str:
        """What a bag said, and the sheet in it if it was opened."""
        bag = facts["bag"]
        if not facts["same"]:
            return self.say("facts.other_bag", bag=bag) if bag else self.say("facts.not_shown")
        if facts.get("positions"):
            problems = "; ".join(facts["problems"])
            return (
                self.say("facts.read", bag=bag)
                if facts["read"]
                else self.say("facts.not_read", bag=bag, problems=problems)
            )
        return self.say("facts.shown", bag=bag)

    def judged(self, facts: Mapping[str, Any]) -> str:
        """Whether a drill has passed, and why not."""
        if facts["passed"]:
            return self.say("drill.passed")
        return self.say("drill.failed", reasons="; ".join(self.say(f"drill.{reason}") for reason in facts["reasons"]))

    def _place(self, place: str) -> str:
        row, _, columns = place.partition("/")
        return self.say("facts.words_row", row=row, columns=columns.replace(",", ", "))

    def _place_of_password(self, place: str) -> str:
        name, _, rest = place.partition(" ")
        return self.say(f"facts.password_{name}", place=self._place(rest))

    def _online(self, facts: Mapping[str, Any]) -> Iterator[str]:
        yield self.say(
            "facts.online", folder=facts["folder"], count=len(facts["files"]), section=self.say("proof.title")
        )
        yield self.say(f"facts.online_{facts['proof']}")
        if "recipient" in facts:
            yield self.say("facts.recipient", words=short(facts["recipient"]))

    def destroyed(self, facts: Mapping[str, Any]) -> str:
        """What was shredded of a void set."""
        said = (
            self.say("facts.destroyed", shares=self.shares(facts["sheets"]))
            if facts["sheets"]
            else self.say("facts.destroyed_papers")
        )
        return "\n".join([said, *self._papers(facts)])

    def _papers(self, facts: Mapping[str, Any]) -> Iterator[str]:
        """What was printed in a step, if anything was."""
        if papers := facts.get("papers"):
            names = [self._paper(PurePosixPath(paper["name"]).stem, paper["printed"]) for paper in papers]
            pages = sum(paper["pages"] * paper["printed"] for paper in papers)
            yield self.say("facts.papers", papers=", ".join(names), pages=pages)
        yield from (self.say("facts.problem", problem=problem) for problem in facts.get("problems", ()))
        yield from (self.say("facts.package_sheets", **one) for one in facts.get("read_back", ()))

    def _paper(self, name: str, times: int) -> str:
        return name if times == 1 else self.say("facts.paper_again", name=name, times=times)

    def _copy(self, facts: Mapping[str, Any]) -> str:
        sealed = self.history.done("seal")[-1].facts
        if facts["sha256"] == sealed["package"]:
            return self.say(f"facts.copy_{facts['proof']}")
        return self.say("facts.copy_differs", sha256=facts["sha256"])
