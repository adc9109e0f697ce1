"""Which share was made again, for whom, and from whose sheets, as a section of its transcript."""

from ceremony.forms.figures import digest
from ceremony.forms.record import Line, Part, Section, Table, Value
from ceremony.forms.telling import Telling
from ceremony.rules.steps import of_share


def reissued(tell: Telling) -> Section | None:
    """What was lost, what came of it, and the new bags; None in another ceremony."""
    say, state, lost = tell.say, tell.history.state, tell.plan.reissue
    if not lost:
        return None
    if "lost" not in state.done:
        return Section(say("reissue.title"), [Line(say("reissue.none"))])
    share, facts = tell.share(lost.position), state.done["lost"]
    bagged = state.done.get(of_share("bag", lost.position))
    made = bagged and say("reissue.made", share=share, custodian=facts["custodian"], bag=bagged["bag"])
    parts: list[Part] = [
        Line(made or say("reissue.not_made", share=share), "verdict"),
        Line(say("reissue.why", why=facts["why"])),
        *([Line(say("reissue.warning"))] if facts["reason"] == "lost" else []),
    ]
    rows: list[list[Value]] = [
        [tell.share(position), tell.plan.custodian_at(position).name, bag]
        for bag, position in state.bags.items()
        if position != lost.position
    ]
    if rows:
        head = [say(f"reissue.{name}") for name in ("share", "custodian", "bag")]
        parts += [Line(say("reissue.bags"), "subheading"), Table(head, rows, (20, 50, 30))]
    return Section(say("reissue.title"), [*parts, digest(say("reissue.before"), facts["archive"])])
