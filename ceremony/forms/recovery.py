"""What a recovery was called for and what came of it, as a section of its transcript: that is the report."""

from collections.abc import Iterator

from ceremony.forms.figures import digest, grouped
from ceremony.forms.record import Code, Fields, Line, Part, Section, Table, Value
from ceremony.forms.telling import Telling
from ceremony.rules.steps import position_of


def recovered(tell: Telling) -> Section | None:
    """Who called for what, on whose word, what was restored and what was not; None in another ceremony."""
    say, done = tell.say, tell.history.state.done
    if not tell.plan.recovery:
        return None
    if "called" not in done:
        return Section(say("recovered.title"), [Line(say("recovered.none"))])
    parts: list[Part] = [Line(say("recovered.done" if "restore" in done else "recovered.not_done"), "verdict")]
    parts += [Fields([*_rows(tell)]), Line(say("recovered.not_restored")), Line(say("recovered.after"))]
    if read := done.get("gather", {}).get("positions", ()):
        now = {position: number for number, position in tell.history.state.bags.items()}
        head = [say(f"recovered.{name}") for name in ("share", "custodian", "bag")]
        rows: list[list[Value]] = []
        for pair in read:
            position = position_of(".".join(map(str, pair)))
            rows.append([tell.share(pair), tell.plan.custodian_at(position).name, now.get(position, "")])
        parts += [Line(say("recovered.sheets"), "subheading"), Table(head, rows, (20, 50, 30))]
    if archive := done["called"]["archive"]:
        parts.append(digest(say("recovered.before"), archive))
    return Section(say("recovered.title"), parts)


def _rows(tell: Telling) -> Iterator[tuple[str, Value]]:
    say, done = tell.say, tell.history.state.done
    called = done["called"]
    yield say("recovered.incident"), called["incident"]
    yield say("recovered.called_by"), called["called_by"]
    yield say("recovered.agreed"), "\n".join(called["agreed"])
    yield say("recovered.keys"), ", ".join(called["keys"])
    if called["recipient"]:
        yield say("recovered.recipient"), Code(grouped(called["recipient"]))
    if called["token"]:
        yield say("recovered.token"), called["token"]
    if "restore" in done:
        yield say("recovered.target"), Code(done["restore"]["target"])
        yield (
            say("recovered.where"),
            say("recovered.in_memory" if done["restore"]["in_memory"] else "recovered.on_disk"),
        )
        if sha256 := done["restore"]["sha256"]:
            yield say("recovered.file"), Code(grouped(sha256))
