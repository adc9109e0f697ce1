"""What came of a ceremony: its result, people, keys, custody, proof; what was wiped; what witnesses can compare."""

from collections.abc import Iterator, Mapping
from typing import Any

from ceremony.forms.figures import digest, grouped, key_fingerprint, set_name, short, time
from ceremony.forms.pieces import WORDS_OF_A_HASH
from ceremony.forms.record import Blank, Code, Fields, Line, Part, Section, Table, Value
from ceremony.forms.telling import Telling
from ceremony.rules.loss import Rule
from ceremony.rules.steps import Action, position_of
from escrow.policy import Position
from escrow.share import Kind


def result(tell: Telling) -> Section:
    """How it ended, and the hashes that it is known by."""
    say, history, ceremony = tell.say, tell.history, tell.plan.ceremony
    sealed = history.sealed
    done = history.state.done
    facts = next((done[name] for name in ("draft", "lost", "called") if name in done), None)
    known = sealed.facts if sealed else facts  # their set was sealed before
    none = say("result.none")
    rows: list[tuple[str, Value]] = []
    if history.aborted:
        rows.append((say("result.reason"), history.aborted.fields["reason"]))
    specimen = ceremony.kind is Kind.SPECIMEN
    count = say(
        "result.counts",
        exceptions=len(history.state.incidents),
        losses=len(history.sessions) - 1,
        notes=sum(entry.event == "note" for entry in history.entries),
    )
    versions = dict.fromkeys(session.entry.fields["version"] for session in history.sessions)
    rows += [
        (say("result.organisation"), ceremony.organisation),
        (say("result.ceremony"), ceremony.id),
        (say("result.kind"), say("result.specimen" if specimen else "result.production")),
        (say("result.planned"), f"{ceremony.date.isoformat()} {ceremony.start.isoformat('minutes')}"),
        (say("result.begun"), time(history.entries[0])),
        (say("result.ended"), time(history.entries[-1])),
        (say("result.place"), ceremony.place),
        (say("result.set_id"), Code(set_name(known)) if known else none),
        (say("result.epoch"), str(known["epoch"]) if known else none),
        (say("result.quorum"), str(tell.plan.policy)),
        (say("result.counted"), count),
        (say("result.program"), ", ".join(versions)),
    ]
    parts: list[Part] = [
        Line(_result(tell), "verdict"),
        Fields(rows),
        digest(say("result.plan"), tell.plan.digest.hex()),
    ]
    if known:
        parts.append(digest(say("result.package"), known["package"]))
    return Section(say("result.title"), parts)


def _result(tell: Telling) -> str:
    state = tell.history.state
    if not state.ended and state.begun != tell.history.engine.steps[-1].id:
        return tell.say("result.unfinished", phase=state.phase.value)
    return tell.say("result.aborted" if state.aborting else "result.closed")


def participants(tell: Telling) -> Section:
    """Who takes part by the plan."""
    say, script, plan = tell.say, tell.script, tell.plan
    rows = [
        [each.name, each.unit, script("participants.officer", number=number)]
        for number, each in enumerate(plan.officers, 1)
    ]
    rows += [[each.name, each.unit, script("participants.witness")] for each in plan.witnesses]
    rows += [
        [each.name, each.unit, script("participants.custodian", share=tell.share(plan.position_of(each)))]
        for each in plan.custodians
    ]
    head = [say(f"participants.{name}") for name in ("name", "unit", "role")]
    parts: list[Part] = [Line(say("participants.text")), Table(head, rows, (40, 34, 26))]
    return Section(say("participants.title"), parts, on_new_page=True)


def keys(tell: Telling) -> Section:
    """Keys and certificates of the set that is valid."""
    say, done = tell.say, tell.history.state.done
    if not tell.history.sealed:
        return Section(say("keys.title"), [Line(say("keys.none"))])
    made = done.get("keys") or done["take-keys"]
    whence = "taken_over" if tell.plan.refresh else "generated" if made["generated"] else "imported"
    parts: list[Part] = [Line(say(f"keys.{whence}"))]
    head = [say("keys.key"), say("keys.algorithm"), say("keys.public_key")]
    rows: list[list[Value]] = [
        [key["name"], key["algorithm"], Code(grouped(key["public_key"]))] for key in made["keys"]
    ]
    parts.append(Table(head, rows, (26, 22, 52)))
    head = [say("keys.subject"), say("keys.validity"), say("keys.fingerprint")]
    issued = done["certificates"]
    shown = [(each["fields"], each["sha256"]) for each in issued["certificates"]]
    rows = [
        [f"{fields['subject']}\n{fields['key']}", f"{fields['first']}\n{fields['last']}", Code(grouped(sha256))]
        for fields, sha256 in shown
    ]
    parts.append(Table(head, rows, (26, 22, 52)))
    if made["notes"]:
        parts += [Line(say("keys.notes")), *(Line(note) for note in made["notes"])]
    parts += [Line(say("keys.waived", **each)) for each in issued["waived"]]
    return Section(say("keys.title"), parts)


def signed(tell: Telling) -> Section | None:
    """What the root signed in a session; None in another ceremony."""
    say, done = tell.say, tell.history.state.done
    if not tell.plan.session:
        return None
    if "draft" not in done:
        return Section(say("signed.title"), [Line(say("signed.none"))])
    drafted = done["draft"]
    parts: list[Part] = [Line(say("signed.done" if "issue" in done else "signed.drafted"))]
    parts.append(Fields([(label, value) for label, value in drafted["fields"]]))
    parts.append(Fields([(say("signed.number"), Code(drafted["number"]))]))
    parts += [Line(note) for note in drafted["notes"]]
    parts += [Line(say("signed.waived", **each)) for each in drafted["waived"]]
    parts.append(digest(say("signed.to_be_signed"), drafted["to_be_signed"]))
    if "issue" in done:
        parts.append(digest(say("signed.sha256"), done["issue"]["sha256"]))
    parts.append(digest(say("signed.before"), drafted["archive"]))
    if "bags" in done:
        rows: list[list[Value]] = [
            [tell.share(position_of(key)), tell.plan.custodian_at(position_of(key)).name, bag]
            for key, bag in done["bags"]["bags"].items()
        ]
        head = [say("signed.share"), say("signed.custodian"), say("signed.bag")]
        parts += [Line(say("signed.bags"), "subheading"), Table(head, rows, (20, 50, 30))]
    return Section(say("signed.title"), parts)


def custody(tell: Telling) -> Section:
    """Who has what, where, in which bag."""
    say, plan = tell.say, tell.plan
    if not tell.history.sealed:
        return Section(say("custody.title"), [Line(say("custody.none"))])
    signed = {run.step.position: time(run.at) for run in tell.history.of_valid_set("receipt")}
    missing = say("custody.missing")
    rows = []
    for bags in tell.history.bags():
        custodian = plan.custodian_at(bags.position)
        *opened, now = bags.numbers or (missing,)
        rows.append(
            [
                tell.share(bags.position),
                *(custodian.name, custodian.unit, custodian.site),
                "\n".join(opened) or missing,
                now,
                signed.get(bags.position, missing),
            ]
        )
    head = [say(f"custody.{name}") for name in ("share", "custodian", "unit", "site", "opened", "now", "receipt")]
    return Section(say("custody.title"), [Line(say("custody.text")), Table(head, rows, (8, 18, 15, 13, 16, 16, 14))])


def proof(tell: Telling) -> Section:
    """The quorum from paper, and the copies of the package."""
    say = tell.say
    parts: list[Part] = []
    for run in tell.history.of_valid_set("quorum"):
        parts.append(Line(say("proof.text", step=run.step.number, time=time(run.at))))
        read = [Position(*position) for position in run.facts["positions"]]
        rows = [[tell.share(position), tell.plan.custodian_at(position).name] for position in read]
        parts.append(Table([say("proof.share"), say("proof.custodian")], rows, (15, 85)))
    copies = [
        [str(run.step.copy), run.facts["site"], _medium(run.facts), time(run.at)]
        for run in tell.history.of_valid_set("copy")
    ]
    parts = parts or [Line(say("proof.none"))]
    parts.append(Line(say("proof.copies"), "subheading"))
    head = [say(f"proof.{name}") for name in ("copy", "site", "medium", "written")]
    parts.append(Table(head, copies, (15, 28, 33, 24)) if copies else Line(say("proof.no_copies")))
    return Section(say("proof.title"), [*parts, *_online(tell)])


def _online(tell: Telling) -> Iterator[Part]:
    """The tree of the online CA that was handed over, file by file, and the bag of its handover sheet."""
    say = tell.say
    for run in tell.history.of_valid_set("online")[-1:]:
        yield Line(say("proof.online"), "subheading")
        yield Line(say("proof.online_text"))
        row = [run.facts["folder"], run.facts["site"], run.facts["medium"], time(run.at)]
        yield Table([say(f"proof.{name}") for name in ("folder", "site", "medium", "written")], [row], (24, 24, 28, 24))
        files: list[list[Value]] = [[name, Code(grouped(sha256))] for name, sha256 in run.facts["files"].items()]
        yield Table([say("proof.file"), say("proof.hash")], files, (48, 52))
    for run in tell.history.of_valid_set("handover-bag")[-1:]:
        yield Line(say("proof.handover", bag=run.facts["bag"], step=run.step.number, time=time(run.at)))


def _medium(facts: Mapping[str, Any]) -> str:
    """What the plan says of a medium, and what it says of itself."""
    identity = facts.get("identity") or {}
    known = " ".join(filter(None, [identity.get("model"), identity.get("serial"), identity.get("uuid")]))
    return f"{facts['medium']}: {known}" if known else str(facts["medium"])


def zeroizing(tell: Telling) -> Section:
    """What was wiped, when and by whom, and what no program can say."""
    say, history = tell.say, tell.history
    parts: list[Part] = [Line(each) for each in _wiped(tell)] or [Line(say("zeroizing.not_yet"))]
    if history.sealed:
        whence = {"import": "import", "generate": "generate"}.get(tell.plan.ca.keys, "refresh")
        parts.append(Line(say(f"zeroizing.{whence}")))
    parts.append(Line(say("zeroizing.residual_title"), "subheading"))
    parts += [Line(entry["text"]) for entry in say.list("residual")]
    return Section(say("zeroizing.title"), parts)


def _wiped(tell: Telling) -> Iterator[str]:
    say, history = tell.say, tell.history
    step = next(each for each in history.engine.steps if each.action is Action.ZEROIZE)
    number = step.number
    if any(session.rule is Rule.ZEROIZED for session in history.sessions):
        yield say("zeroizing.lost", step=number)
    for run in history.done(step.verb):
        officers = ", ".join(history.done("open")[-1].facts["officers"])
        fields = {"step": number, "time": time(run.at), "officers": officers}
        if signs := [each.number for each in history.engine.steps if each.action is Action.SIGN]:
            yield say("zeroizing.done_session", **fields, sign=signs[0])
        else:
            yield say("zeroizing.done" if step.irreversible else "zeroizing.done_plain", **fields)
    if history.aborted:
        yield say("zeroizing.aborted", time=time(history.aborted))


def heads(tell: Telling) -> Section:
    """The journal's heads beside empty boxes, and the key that signs it."""
    say, history = tell.say, tell.history
    parts: list[Part] = []
    for run in history.runs:
        if run.step.action is Action.WRITE_HEAD and "head" in run.facts:
            rows: list[tuple[str, Value]] = [
                (say("heads.head", step=run.step.number, time=time(run.at)), Code(short(run.facts["head"]), loud=True))
            ]
            wrote = [say("heads.wrote", witness=witness.name) for witness in tell.plan.witnesses]
            parts.append(Fields([*rows, *((each, Blank(WORDS_OF_A_HASH)) for each in wrote)]))
    parts = [Line(say("heads.text")), *parts] if parts else [Line(say("heads.none"))]
    for run in history.done("open"):
        parts.append(Line(say("heads.key_text", step=run.step.number, time=time(run.at))))
        parts.append(digest(say("heads.key"), key_fingerprint(run.facts)))
    return Section(say("heads.title"), parts)


def retention(tell: Telling) -> Section:
    """Until when it is kept, and where."""
    say = tell.say
    copies = [[each.site, each.medium] for each in tell.plan.archives]
    head = [say("retention.site"), say("retention.medium")]
    parts: list[Part] = [Line(say("retention.text")), Line(say("retention.copies")), Table(head, copies, (40, 60))]
    return Section(say("retention.title"), parts)
