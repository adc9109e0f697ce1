"""The transcript of a ceremony: made from its plan and its journal alone, as PDF and as text, from the same rows.

The same plan, entries, templates and version of the program give the same bytes. Nothing secret is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ceremony.forms import drill, log, outcome, recovery, refresh, reissue
from ceremony.forms.history import History
from ceremony.forms.record import Line, Section, Table, legible, legible_text
from ceremony.forms.telling import Telling
from ceremony.forms.transcript_words import transcript_words
from ceremony.forms.words import script_words
from ceremony.planning.plan import Plan
from ceremony.rules.engine import Engine
from ceremony.rules.listing import Listing
from ceremony.rules.lists import listing_of
from ceremony.rules.steps import Action
from ceremony.rules.wording import Wording
from ceremony.run.journal import Entry, JournalError
from escrow.paper.texts import Texts
from escrow.share import Kind

PDF_FILE, TEXT_FILE = "transcript.pdf", "transcript.txt"


def documents(plan: Plan, entries: Sequence[Entry]) -> Mapping[str, bytes]:
    """Both forms, by the names of their files.

    Raises JournalError for a journal that the rules forbid, that is of another plan, or that lacks facts;
    TemplateError for wrong templates.
    """
    from ceremony.forms import plain
    from ceremony.forms.letterhead import Letterhead
    from ceremony.forms.pieces import space, text
    from ceremony.forms.sections import story

    plan = _as_held(plan, entries)
    say = _say(plan)
    made = content(plan, entries)
    title, made_from = legible_text(say("document.heading")), say("document.made_from")
    letterhead = Letterhead.of(plan)
    pdf = letterhead.render(
        say("document.title"),
        say("document.secrecy"),
        [text(title, "title"), space(), text(made_from), space(), *story(made, letterhead.width)],
    )
    mark = f"{letterhead.watermark}  " if letterhead.watermark else ""
    head = [f"{mark}{say('document.secrecy')}", "", title, made_from]
    return {PDF_FILE: pdf, TEXT_FILE: plain.text(head, made).encode()}


def until_close(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries that the archive's transcript was made from: it cannot tell of its own end."""
    ended = entries and entries[-1].event == "end" and entries[-1].fields["step"] == "close"
    return entries[:-1] if ended else entries


def check_words(plan: Plan) -> None:
    """Raise TemplateError now for what would keep a ceremony from being closed: templates, and names in the header."""
    from ceremony.forms.letterhead import Letterhead
    from ceremony.forms.pieces import text

    say = _say(plan)
    made_from = say("document.made_from")
    Letterhead.of(plan).render(say("document.title"), say("document.secrecy"), [text(made_from)])
    script_words(plan)
    Wording(plan)


def content(plan: Plan, entries: Sequence[Entry]) -> list[Section]:
    """All sections. Raises as `documents` does."""
    listing = listing_of(plan)
    plan = _as_held(plan, entries)
    engine = Engine(listing)
    state = engine.replay(entries)
    if state.plan != plan.digest.hex():
        message = "This journal is of a ceremony by another plan, or of none: give the plan that lies beside it."
        raise JournalError(message)
    try:
        tell = Telling(plan, History(engine, entries), _say(plan), script_words(plan), Wording(plan))
        return legible([*_sections(tell, listing)])
    except (KeyError, TypeError, ValueError, AttributeError):
        message = "An entry of this journal lacks what its step found, or has it wrong: no transcript can be made."
        raise JournalError(message) from None


def _as_held(plan: Plan, entries: Sequence[Entry]) -> Plan:
    """The plan, as specimen if that is how the journal says that it was held: any plan can be rehearsed."""
    if not any(entry.fields.get("kind") == Kind.SPECIMEN.value for entry in entries if entry.event == "session"):
        return plan
    return replace(plan, ceremony=plan.ceremony.model_copy(update={"kind": Kind.SPECIMEN}))


def _sections(tell: Telling, listing: Listing) -> Sequence[Section]:
    own = outcome.signed(tell) or drill.drilled(tell) or reissue.reissued(tell) or recovery.recovered(tell)
    wipes = any(step.action is Action.ZEROIZE for step in listing.steps)
    old = refresh.superseded(tell)
    of_set = (*((old,) if old else ()), outcome.keys(tell), outcome.custody(tell), outcome.proof(tell))
    return [
        outcome.result(tell),
        outcome.participants(tell),
        *((own,) if own else of_set),
        log.exceptions(tell),
        log.losses(tell),
        log.void(tell),
        *((outcome.zeroizing(tell),) if wipes else ()),
        outcome.heads(tell),
        log.preflight(tell),
        log.waivers(tell),
        log.steps(tell),
        log.notes(tell),
        outcome.retention(tell),
        _requirements(tell, listing),
    ]


def _requirements(tell: Telling, listing: Listing) -> Section:
    """What the steps are modelled on, and where the ceremony departs from it: as in the script."""
    from ceremony.forms.back import requirement_rows

    script = tell.script
    head, *rows = requirement_rows(script, listing)
    departures = [Line(entry["text"]) for entry in script.list("departure")]
    return Section(
        script("map.title"),
        [
            Line(script("map.text")),
            Table(head, rows, (17, 28, 55)),
            Line(script("map.not_met"), "subheading"),
            *departures,
        ],
        on_new_page=True,
    )


def _say(plan: Plan) -> Texts:
    waste = next(step.number for step in listing_of(plan).steps if step.id == "waste")
    return transcript_words(plan, waste)
