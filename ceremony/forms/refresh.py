"""What became of the set that a refresh supersedes, as a section of its transcript."""

from collections.abc import Iterator

from ceremony.forms.figures import digest, set_name, time
from ceremony.forms.record import Code, Fields, Line, Part, Section, Table, Value
from ceremony.forms.telling import Telling
from ceremony.rules.refreshing.rules import left, old_policy
from ceremony.rules.steps import key_of


def superseded(tell: Telling) -> Section | None:
    """The old set, its holders and bags; what was destroyed, what is left, who could open it; None elsewhere."""
    say, state = tell.say, tell.history.state
    if not tell.plan.refresh:
        return None
    old = state.done.get("old-set")
    if not old:
        return Section(say("old.title"), [Line(say("old.none"))])
    now = {position: number for number, position in state.old_bags.items()}
    rows = [
        [tell.old_shares([p]), ", ".join(old["holders"][key_of(p)]), now.get(p) or old["bags"][key_of(p)]]
        for p in old_policy(state).positions
    ]
    parts: list[Part] = [Line(_counts(tell), "verdict"), Line(say("old.text")), Fields([*_rows(tell)])]
    parts.append(Table([say(f"old.{name}") for name in ("share", "holders", "bag")], rows, (15, 60, 25)))
    return Section(say("old.title"), [*parts, *_rest(tell), digest(say("old.before"), old["archive"])])


def _counts(tell: Telling) -> str:
    for run in tell.history.done("supersede"):
        return tell.say("old.counts", step=run.step.number, time=time(run.at))
    return tell.say("old.aborted")


def _rows(tell: Telling) -> Iterator[tuple[str, Value]]:
    say, state = tell.say, tell.history.state
    old = state.done["old-set"]
    yield say("result.set_id"), Code(set_name(old))
    yield say("old.epoch"), str(old["epoch"])
    yield say("old.quorum"), str(old_policy(state))
    yield say("old.reason"), old["reason"]
    yield say("old.copies"), "\n".join(f"{number}: {where}" for number, where in enumerate(old["copies"], 1))
    if facts := state.done.get("destroy-old"):
        yield say("old.sheets_gone"), tell.old_shares(facts["sheets"])
        yield say("old.copies_gone"), ", ".join(map(str, facts["copies"])) or say("result.none")
        rest = [*left(facts, state)]
        yield say("old.left"), tell.old_shares(rest) if rest else say("result.none")


def _rest(tell: Telling) -> Iterator[Part]:
    facts = tell.history.state.done.get("destroy-old")
    if facts:
        names = ", ".join(facts["could_still"])
        yield Line(tell.say("old.could_still", names=names) if names else tell.say("old.could_not"), "bold")
