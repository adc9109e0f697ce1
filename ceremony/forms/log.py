"""What happened, in its order: the machine, the steps, losses, exceptions, notes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ceremony.forms.figures import counts, grouped, time
from ceremony.forms.history import Outcome, Run, Session
from ceremony.forms.record import Code, Fields, Line, Part, Section, Table, Value
from ceremony.forms.telling import Telling
from ceremony.rules.state import TOUCHES
from ceremony.run.journal import Entry
from escrow.manifest import group_hex
from escrow.paper.texts import Texts


def preflight(tell: Telling) -> Section:
    """Every check of the first examination, and what was otherwise in later ones."""
    say = tell.say
    parts: list[Part] = [Line(say("preflight.text"))]
    known: list[Mapping[str, Any]] = []
    for run in tell.history.done("preflight"):
        checks = run.facts["checks"]
        new = [check for check in checks if check not in known]
        title = say("preflight.run", step=run.step.number, time=time(run.at), counts=counts(checks))
        parts.append(Line(title, "subheading"))
        if len(new) < len(checks):
            parts.append(Line(say("preflight.same", count=len(checks) - len(new))))
        if new:
            head = [say(f"preflight.{name}") for name in ("check", "status", "requirement", "value")]
            rows = [[each["id"], each["status"], each["requirement"], _value(say, each)] for each in new]
            parts.append(Table(head, rows, (23, 11, 31, 35)))
        known = checks
    return Section(say("preflight.title"), parts if known else [Line(say("preflight.none"))], on_new_page=True)


def _value(say: Texts, check: Mapping[str, Any]) -> str:
    waived = [say("preflight.waived", reason=check["waiver"])] if check["waiver"] else []
    return "\n".join([check["value"], *waived])


def waivers(tell: Telling) -> Section:
    """What the plan accepts."""
    say = tell.say
    if not tell.plan.waivers:
        return Section(say("waivers.title"), [Line(say("waivers.none"))])
    rows = [
        [f"{waiver.lint} ({waiver.certificate})" if waiver.certificate else waiver.lint, waiver.reason]
        for waiver in tell.plan.waivers
    ]
    head = [say("waivers.lint"), say("waivers.reason")]
    return Section(say("waivers.title"), [Line(say("waivers.text")), Table(head, rows, (30, 70))])


def steps(tell: Telling) -> Section:
    """Every run of every step, beside what was planned; an act that comes again has its heading again."""
    say = tell.say
    rows: list[list[Value]] = []
    for act, told in groupby(tell.history.told, key=lambda each: each.step.act if isinstance(each, Run) else None):
        if act is not None:
            rows.append([say("steps.act", number=tell.wording.number_of(act), name=tell.wording.acts[act])])
        rows += [_row(tell, each) if isinstance(each, Run) else [_event(tell, each)] for each in told]
    head = [say(f"steps.{name}") for name in ("number", "ended", "minutes", "who", "planned", "done")]
    parts: list[Part] = [Line(say("steps.text")), Table(head, rows, (8, 13, 12, 18, 25, 24))]
    return Section(say("steps.title"), parts, on_new_page=True)


def _event(tell: Telling, told: Session | Entry) -> str:
    say = tell.say
    if isinstance(told, Entry):
        return say("steps.abort", time=time(told))
    fields = {"time": time(told.entry), "number": told.number, "version": told.entry.fields["version"]}
    if told.number == 1:
        return say("steps.session", **fields)
    return say("steps.session_again", **fields, rule=tell.wording.loss(told.rule))


def _row(tell: Telling, run: Run) -> list[Value]:
    words = tell.wording.of(run.step)
    planned = f"{words.minutes:g}"
    ended = run.outcome in {Outcome.DONE, Outcome.FAILED}
    taken = tell.say("steps.of", taken=f"{run.minutes:.1f}", planned=planned)
    minutes = taken if ended else tell.say("steps.unknown", planned=planned)
    return [run.step.number, time(run.at), minutes, words.who, words.expect, tell.found(run)]


def losses(tell: Telling) -> Section:
    """Starts of the program after the first, with the rule that held."""
    say = tell.say
    again = tell.history.sessions[1:]
    rows = []
    for session in again:
        torn = session.entry.fields["torn"]
        said = [tell.wording.loss(session.rule)]
        if torn:
            said.append(say("losses.torn", bytes=torn))
        rows.append([str(session.number), time(session.entry), "\n".join(said)])
    head = [say(f"losses.{name}") for name in ("session", "time", "rule")]
    parts: list[Part] = (
        [Line(say("losses.text")), Table(head, rows, (11, 22, 67))] if rows else [Line(say("losses.none"))]
    )
    return Section(say("losses.title"), parts)


def void(tell: Telling) -> Section:
    """Sets that open nothing that counts, keys that are lost, sheets that were shredded."""
    say, state = tell.say, tell.history.state
    rows: list[tuple[str, Value]] = []
    if state.void_sets:
        rows.append((say("void.sets"), Code("\n".join(group_hex(bytes.fromhex(each)) for each in state.void_sets))))
    if state.never_use:
        rows.append((say("void.keys"), Code("\n\n".join(map(grouped, state.never_use)))))
    if destroyed := tell.history.done("destroy-sheets"):
        told = [say("void.destroyed_at", time=time(run.at), found=tell.destroyed(run.facts)) for run in destroyed]
        rows.append((say("void.destroyed"), "\n".join(told)))
    return Section(say("void.title"), [Fields(rows)] if rows else [Line(say("void.none"))])


def exceptions(tell: Telling) -> Section:
    """Each exception, word for word."""
    say = tell.say
    parts = list(_exceptions(tell))
    first: list[Part] = [Line(say("exceptions.text"))] if parts else [Line(say("exceptions.none"))]
    return Section(say("exceptions.title"), [*first, *parts])


def _exceptions(tell: Telling) -> Iterator[Part]:
    say, settled = tell.say, tell.history.dispositions()
    for number, found, entry in tell.history.incidents():
        incident = tell.wording.incident(found)
        when = time(entry)
        if incident.step:
            when = say("exceptions.at_step", time=when, step=tell.history.number_of(incident.step))
        disposition = say("exceptions.open")
        if number in settled and incident.disposition:
            at = time(settled[number])
            chosen = say(f"exceptions.{incident.disposition}")
            disposition = say("exceptions.settled", time=at, disposition=chosen, reason=incident.reason)
        touches = ", ".join(say(f"exceptions.{name}") for name in TOUCHES if name in incident.touches)
        yield Line(say("exceptions.number", number=number), "subheading")
        yield Fields(
            [
                (say("exceptions.when"), when),
                (say("exceptions.expected"), incident.expected),
                (say("exceptions.happened"), incident.happened),
                (say("exceptions.done"), incident.done),
                (say("exceptions.touches"), touches or say("exceptions.nothing")),
                (say("exceptions.disposition"), disposition),
            ]
        )


def notes(tell: Telling) -> Section:
    """Notes, word for word, and breaks."""
    say, history = tell.say, tell.history
    told = [
        (entry, history.number_of(entry.fields.get("step")), entry.fields["text"]) for entry in _notes(history.entries)
    ]
    for begun, ended in history.breaks():
        minutes = f"{(ended.clock - begun.clock) / 60:.1f}" if ended else ""
        told.append((begun, "", say("notes.break", minutes=minutes) if ended else say("notes.break_open")))
    rows = [[time(entry), step, words] for entry, step, words in sorted(told, key=lambda each: each[0].n)]
    head = [say(f"notes.{name}") for name in ("time", "step", "note")]
    return Section(say("notes.title"), [Table(head, rows, (22, 10, 68))] if rows else [Line(say("notes.none"))])


def _notes(entries: Sequence[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry.event == "note")
