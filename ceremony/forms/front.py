"""The pages of the script before its acts: cover, approvals, state, roles, participants, log, materials, duration."""

from collections.abc import Iterator, Mapping, Sequence

from reportlab.platypus import Flowable

from ceremony import spoken
from ceremony.forms.later import PageOf
from ceremony.forms.pieces import (
    GAP,
    MM,
    NUMBER_OF_A_BAG,
    WORDS_OF_A_HASH,
    Boxes,
    Cell,
    Marked,
    grid,
    heading,
    new_page,
    side_by_side,
    space,
    text,
    together,
)
from ceremony.planning.plan import CA, Plan
from ceremony.rules.steps import Act, Step
from ceremony.rules.wording import Wording
from escrow.paper.texts import Texts
from escrow.share import Kind

_APPROVALS = 4
_SPARE_PARTICIPANTS = 4
_SPARE_DEVICES = 4
_SPARE_SUPPLIES = 3
_LOG_LINES = 22


def _imported(say: Texts, ca: CA) -> str:
    """Where the keys come from, and which do not."""
    parts = [say("cover.imported", tree=ca.tree)]
    parts += [say("cover.imported_context", context=ca.context)] if ca.context else []
    parts += [say("cover.imported_key", name=name, file=file) for name, file in ca.key_files.items()]
    parts += [say("cover.imported_without", names=", ".join(ca.without))] if ca.without else []
    return "; ".join(parts)


def cover(plan: Plan, say: Texts, width: float, numbers: Mapping[str, str], *, witness: bool) -> Iterator[Flowable]:
    """What is done, when and where, and the hashes. `numbers` are the steps' numbers by their ids."""
    ceremony = plan.ceremony
    specimen = ceremony.kind is Kind.SPECIMEN
    used_for = side_by_side(
        [Marked(say("cover.rehearsal"), circle=True), Marked(say("cover.real"), circle=True)], [45 * MM, None]
    )
    yield text(say("cover.title"), "title")
    yield space()
    yield text(say("cover.subtitle_witness" if witness else "cover.subtitle_officers"), "value")
    yield space(2 * GAP)
    rows: list[tuple[str, Cell]] = [
        ("organisation", text(ceremony.organisation, "value")),
        ("ceremony", text(ceremony.id, "value")),
        ("kind", text(say("cover.specimen" if specimen else "cover.production"), "value")),
        ("used_for", used_for),
        ("date", text(say("cover.when"), "value")),
        ("standby", text(say("cover.no_standby") if ceremony.standby is None else ceremony.standby.isoformat())),
        ("place", text(ceremony.place)),
        ("keys", text(_keys(plan, say))),
        ("quorum", text(str(plan.policy))),
        ("contact", text(ceremony.contact)),
        ("kept_until", text(plan.retain_until.isoformat())),
        ("copy_of", ""),
    ]
    yield grid([[say(f"cover.{name}"), value] for name, value in rows], [42 * MM, width - 42 * MM], pad=2)
    yield from _plan_hash(plan, say, width, numbers)


def _keys(plan: Plan, say: Texts) -> str:
    """Where the keys come from."""
    if plan.refresh:
        return say("cover.refreshed", reason=plan.refresh.reason)
    if plan.follows:
        return say("cover.escrowed")
    return _imported(say, plan.ca) if plan.ca.keys == "import" else say("cover.generated")


def _plan_hash(plan: Plan, say: Texts, width: float, numbers: Mapping[str, str]) -> Iterator[Flowable]:
    word = (width - 28 * MM) / 8
    rows: list[list[Cell]] = [[say("hashes.row"), text(say("hashes.plan"), "bold"), *[""] * 7, say("hashes.same")]]
    for number, row in enumerate(spoken.rows_of(plan.words), 1):
        rows.append([text(str(number), "number"), *(text(each, "word") for each in row.split()), Marked("")])
    digits = plan.digest.hex()
    groups = [digits[start : start + 8] for start in range(0, len(digits), 8)]
    hexadecimal = "\n".join(" ".join(groups[start : start + 4]) for start in range(0, len(groups), 4))
    table = grid(
        rows,
        [14 * MM, *[word] * 8, 14 * MM],
        [("SPAN", (1, 0), (8, 0)), ("VALIGN", (0, 1), (-1, -1), "MIDDLE")],
        head=1,
    )
    note = say("hashes.plan_note", step=numbers["plan"], opening=numbers["open"])
    yield together(
        *(space(), text(note), space(), table, space()),
        side_by_side([text(say("hashes.hex")), text(hexadecimal, "mono")], [42 * MM, width - 42 * MM]),
    )


def by_hand(say: Texts, width: float) -> Iterator[Flowable]:
    """What is filled in by hand before the ceremony."""
    column = 52 * MM
    rows: list[list[Cell]] = [
        [say("hashes.script"), Boxes(WORDS_OF_A_HASH)],
        [say("hashes.tool"), ""],
        [say("hashes.tool_hash"), Boxes(WORDS_OF_A_HASH)],
    ]
    yield from heading(say("hashes.by_hand"), 48 * MM)
    yield text(say("hashes.by_hand_note"))
    yield space()
    yield grid(rows, [column, width - column], [("VALIGN", (0, 0), (-1, -1), "MIDDLE")], heights=[9.5 * MM] * 3)


def approvals(say: Texts, width: float) -> Iterator[Flowable]:
    """Who agrees that the ceremony is held."""
    names = ["name", "role", "date", "signature"]
    rows: list[list[Cell]] = [[say(f"approvals.{name}") for name in names]]
    rows += [["", "", "", ""] for _ in range(_APPROVALS)]
    widths = [width * 0.3, width * 0.25, width * 0.15, width * 0.3]
    yield from heading(say("approvals.title"), 75 * MM)
    yield text(say("approvals.text"))
    yield space()
    yield grid(rows, widths, head=1, heights=[None, *[12 * MM] * _APPROVALS])


def contents(say: Texts, width: float, titles: Sequence[str]) -> Iterator[Flowable]:
    """The sections and their pages."""
    rows: list[list[Cell]] = [[text(title), PageOf(title)] for title in titles]
    line = [("LINEBELOW", (0, 0), (-1, -1), 0.3, "black")]
    yield text(say("contents.title"), "heading")
    yield grid(rows, [width - 20 * MM, 20 * MM], line, lines=False, pad=1)


def about(plan: Plan, say: Texts, width: float) -> Iterator[Flowable]:
    """How the script is used, the state before and after, and the roles."""
    yield from heading(say("use.title"))
    yield text(say("use.read"))
    yield space()
    yield Marked(say("use.tick"))
    yield space()
    yield Marked(say("use.circle"), circle=True)
    yield space()
    yield text(say("use.write"))
    yield space()
    yield text(say("use.initial"))
    yield from heading(say("state.title"))
    made = plan.ca.keys == "generate"
    before = say("state.before_generate") if made else say("state.before_import", tree=plan.ca.tree)
    after = ["after_sealed", "after_machine", "after_generate" if made else "after_import", "after_records"]
    if plan.refresh:
        before = say("state.before_refreshed")
        after = ["after_sealed", "after_superseded", "after_machine", "after_records"]
    elif plan.follows:
        kinds = {"signed": plan.session, "drilled": plan.drill, "reissued": plan.reissue, "recovered": plan.recovery}
        done = next(f"after_{kind}" for kind, own in kinds.items() if own)
        before, after = say("state.before_escrowed"), [done, "after_machine", "after_records"]
    state: list[list[Cell]] = [
        [text(say("state.before"), "bold"), Marked(before)],
        [text(say("state.after"), "bold"), _stacked([Marked(say(f"state.{name}")) for name in after])],
    ]
    yield grid(state, [26 * MM, width - 26 * MM])
    yield from heading(say("roles.title"))
    rows: list[list[Cell]] = [[say("roles.role"), say("roles.who"), say("roles.task")]]
    own = {each["role"]: each for each in say.list("session_role")} if not plan.prints else {}
    roles = [own.get(role["role"], role) for role in say.list("role")]
    rows += [[text(role["role"], "bold"), role["who"], role["task"]] for role in roles]
    yield grid(rows, [30 * MM, 48 * MM, width - 78 * MM], head=1)


def participants(plan: Plan, say: Texts, width: float) -> Iterator[Flowable]:
    """Who takes part, and signs at the end."""
    people = [
        (each.name, each.unit, say("participants.officer", number=number))
        for number, each in enumerate(plan.officers, 1)
    ]
    people += [(each.name, each.unit, say("participants.witness")) for each in plan.witnesses]
    people += [
        (each.name, each.unit, say("participants.custodian", share=plan.policy.name_of(plan.position_of(each))))
        for each in plan.custodians
    ]
    people += [("", "", "")] * _SPARE_PARTICIPANTS
    names = ["name", "unit", "role", "checked", "signature"]
    rows: list[list[Cell]] = [[say(f"participants.{name}") for name in names]]
    rows += [[name, unit, role, Marked(""), ""] for name, unit, role in people]
    widths = [40 * MM, 34 * MM, 27 * MM, 21 * MM, width - 122 * MM]
    yield from heading(say("participants.title"))
    yield text(say("participants.text"), "bold")
    if plan.session or plan.reissue or plan.recovery:
        yield space()
        yield text(say("participants.quorum"))
    yield space()
    yield grid(rows, widths, [("VALIGN", (3, 1), (3, -1), "MIDDLE")], head=1, least=13 * MM)


def log(say: Texts, width: float, numbers: Mapping[str, str]) -> Iterator[Flowable]:
    """Who comes and goes."""
    names = ["name", "direction", "time", "reason", "initials"]
    rows: list[list[Cell]] = [[say(f"log.{name}") for name in names]]
    for _ in range(_LOG_LINES):
        both = [Marked(say("log.enters"), circle=True), Marked(say("log.leaves"), circle=True)]
        rows.append(["", side_by_side(both, [14 * MM, 17 * MM]), "", "", ""])
    widths = [50 * MM, 35 * MM, 18 * MM, width - 123 * MM, 20 * MM]
    yield new_page()
    yield from heading(say("log.title"))
    yield text(say("log.text", step=numbers["room"]))
    yield space()
    yield grid(rows, widths, [("VALIGN", (0, 1), (-1, -1), "MIDDLE")], head=1, heights=[None, *[9 * MM] * _LOG_LINES])


def materials(plan: Plan, say: Texts, width: float, numbers: Mapping[str, str]) -> Iterator[Flowable]:
    """What is brought, with serial numbers and bags."""
    kind = "" if plan.prints else "session_"
    devices = [each["what"] for each in say.list(f"{kind}device")]
    if plan.refresh:
        devices.append(say("materials.old"))
    for what, copies in (("copy", plan.packages), ("delivery", plan.deliveries), ("archive", plan.archives)):
        devices += [
            say(f"materials.{what}", copy=number, site=each.site, medium=each.medium)
            for number, each in enumerate(copies, 1)
        ]
    if plan.online:
        devices.append(say("materials.online", site=plan.online.site, medium=plan.online.medium))
    rows: list[list[Cell]] = [[say(f"materials.{name}") for name in ("devices", "serial", "bag", "same")]]
    rows += [[what, "", Boxes(NUMBER_OF_A_BAG), Marked("")] for what in [*devices, *[""] * _SPARE_DEVICES]]
    widths = [width - 117 * MM, 44 * MM, 59 * MM, 14 * MM]
    middle = ("VALIGN", (1, 1), (-1, -1), "MIDDLE")
    yield from heading(say("materials.title"))
    yield text(say("materials.text", step=numbers["materials"]))
    yield space()
    yield grid(rows, widths, [middle], head=1, least=11 * MM)
    yield new_page()
    counted: list[list[Cell]] = [[say(f"materials.{name}") for name in ("others", "number", "there")]]
    counted += [[each["what"], text(each["number"], "value"), Marked("")] for each in say.list(f"{kind}supply")]
    counted += [["", "", Marked("")]] * _SPARE_SUPPLIES
    yield grid(
        counted, [width - 46 * MM, 30 * MM, 16 * MM], [("VALIGN", (0, 1), (-1, -1), "MIDDLE")], head=1, least=9 * MM
    )
    yield space(2 * GAP)
    names = ["packed", "compared"]
    signed: list[list[Cell]] = [["", *(say(f"materials.{name}") for name in ("name", "date", "signature"))]]
    signed += [[text(say(f"materials.{name}"), "bold"), "", "", ""] for name in names]
    yield together(
        grid(signed, [30 * MM, 55 * MM, 28 * MM, width - 113 * MM], head=1, heights=[None, *[12 * MM] * len(names)])
    )


def duration(say: Texts, width: float, listed: Sequence[Step], wording: Wording) -> Iterator[Flowable]:
    """The minutes planned for each act and for all."""
    names = ["act", "steps", "minutes", "begun", "ended"]
    rows: list[list[Cell]] = [[say(f"duration.{name}") for name in names]]
    total = 0.0
    for act in Act:
        own = [step for step in listed if step.act is act]
        if own:
            minutes = sum(wording.of(step).minutes for step in own)
            total += minutes
            name = say("acts.title", number=wording.number_of(act), name=wording.acts[act])
            rows.append([name, f"{own[0].number} - {own[-1].number}", text(f"{minutes:g}", "right"), "", ""])
    hours, rest = divmod(round(total), 60)
    spent = say("duration.hours", hours=hours, minutes=rest)
    rows.append([text(say("duration.total"), "bold"), "", text(spent, "right"), "", ""])
    widths = [width - 118 * MM, 30 * MM, 32 * MM, 28 * MM, 28 * MM]
    yield from heading(say("duration.title"))
    yield text(say("duration.text"))
    yield space()
    yield grid(rows, widths, [("LINEABOVE", (0, -1), (-1, -1), 1.4, "black")], head=1, least=8.5 * MM)


def _stacked(parts: Sequence[Flowable]) -> list[Flowable]:
    spaced: list[Flowable] = []
    for part in parts:
        spaced += [part, space(3)]
    return spaced[:-1]
