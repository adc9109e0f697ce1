"""What a drill tried and what came of it, as a section of its transcript: that is the drill's report."""

from collections.abc import Iterator

from ceremony.forms.figures import digest, grouped
from ceremony.forms.record import Code, Fields, Line, Part, Section, Table, Value
from ceremony.forms.telling import Telling
from ceremony.rules.steps import Action, position_of

_OF_A_SHARE = frozenset({Action.CALL, Action.SHOW_BAG, Action.READ_ONE})


def drilled(tell: Telling) -> Section | None:
    """Level, scenario, who and what was there, result, and time against the target; None in another ceremony."""
    say, done = tell.say, tell.history.state.done
    if not tell.plan.drill:
        return None
    if "brief" not in done:
        return Section(say("drill.title"), [Line(say("drill.none"))])
    parts: list[Part] = [Line(_result(tell), "verdict"), Fields([*_rows(tell)])]
    head = [say(f"drill.{name}") for name in ("share", "custodian", "found")]
    if found := [*_found(tell)]:
        parts.append(Table(head, found, (12, 33, 55)))
    if bags := [*_bags(tell)]:
        head = [say(f"drill.{name}") for name in ("share", "custodian", "bag")]
        parts += [Line(say("drill.bag"), "subheading"), Table(head, bags, (20, 50, 30))]
    parts.append(digest(say("drill.before"), done["brief"]["archive"]))
    return Section(say("drill.title"), parts)


def _result(tell: Telling) -> str:
    judged = tell.history.state.done.get("judge")
    return tell.judged(judged) if judged else tell.say("drill.unfinished")


def _rows(tell: Telling) -> Iterator[tuple[str, Value]]:
    say, done = tell.say, tell.history.state.done
    brief, judged = done["brief"], done.get("judge")
    yield say("drill.level"), say(f"drill.{brief['level']}")
    yield say("drill.scenario"), brief["scenario"]
    if "which-copy" in done:
        yield say("drill.copy"), tell.drilled(Action.WHICH_COPY, done["which-copy"])
    if "prove" in done:
        keys = "\n".join(f"{key['name']} ({key['algorithm']})" for key in done["prove"]["keys"])
        yield say("drill.keys"), Code(keys)
    if "scratch" in done:
        yield say("drill.scratch"), tell.drilled(Action.TRY_CA, done["scratch"])
        if program := done["scratch"]["program"]:
            yield say("drill.program"), Code(grouped(program))
    if judged:
        kept = say("drill.kept" if judged["minutes"] <= judged["target"] else "drill.not_kept")
        took = say("drill.took", minutes=f"{judged['minutes']:g}", target=judged["target"], kept=kept)
        yield say("drill.time"), took


def _found(tell: Telling) -> Iterator[list[Value]]:
    """What was found of each share: reached, shown, read; or read together with others."""
    done, plan = tell.history.state.done, tell.plan
    for step in tell.history.engine.steps:
        if step.action in _OF_A_SHARE and step.position and step.id in done:
            found = tell.drilled(step.action, done[step.id])
            yield [tell.share(step.position), plan.custodian_at(step.position).name, found]
    for position in done.get("gather", {}).get("positions", ()):
        name = tell.share(position)
        yield [
            name,
            plan.custodian_at(position_of(".".join(map(str, position)))).name,
            tell.say("facts.shares", shares=name),
        ]


def _bags(tell: Telling) -> Iterator[list[Value]]:
    """The bags that sheets are in now, if they were opened."""
    now = {position: number for number, position in tell.history.state.bags.items()}
    for position, number in sorted(now.items()):
        yield [tell.share(position), tell.plan.custodian_at(position).name, number]
