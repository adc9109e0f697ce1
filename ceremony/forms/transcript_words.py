"""What the template of the transcript has to say, and the fields that its texts may show."""

from collections.abc import Mapping

from ceremony.planning.plan import Plan
from escrow.paper import source
from escrow.paper.texts import Texts, Words

FILE = "transcript.toml"

_TABLES = {
    "document": "secrecy title heading made_from",
    "result": "title closed aborted unfinished reason organisation ceremony kind production specimen planned "
    "begun ended place set_id epoch quorum none counted counts program plan package",
    "participants": "title text name unit role",
    "preflight": "title text run same check requirement value status waived none",
    "waivers": "title text lint reason none",
    "steps": "title text act number ended minutes of unknown who planned done by_people by_program again failed "
    "cut_off ended_by_abort unfinished session session_again abort",
    "facts": "before plan checks open head keys imported certificates set words words_row bag bags shares "
    "copy_unplugged copy_unmounted copy_folder copy_differs destroyed destroyed_papers settled papers paper_again "
    "problem package_sheets online online_unplugged online_unmounted online_folder recipient password_intermediate "
    "password_provisioner drafted unlocked signed files "
    "old_set taken_over superseded destroyed_old destroyed_copies left could_still "
    "briefed copy_named copy_none reached not_reached shown other_bag not_shown read not_read proved judged "
    "lost gone destroyed_sheet served not_served not_started not_issued called set_words restored",
    "signed": "title none done drafted number waived to_be_signed sha256 before bags share custodian bag",
    "drill": "title none level T0 T1 T2 T3 T4 scenario copy result passed failed unfinished no-copy no-quorum "
    "other-bag no-sheet bad-sheet not-started not-issued scratch program time took kept not_kept before share "
    "custodian found bag keys",
    "reissue": "title none made not_made why warning before share custodian bag bags",
    "recovered": "title none done not_done not_restored after incident called_by agreed keys recipient token target "
    "where in_memory on_disk file sheets share custodian bag before",
    "old": "title text reason epoch quorum before share holders bag copies sheets_gone copies_gone left could_still "
    "could_not none counts aborted",
    "keys": "title generated imported taken_over key algorithm public_key subject validity fingerprint notes waived "
    "none",
    "custody": "title text share custodian unit site opened now receipt none missing",
    "proof": "title text none share custodian copies copy site medium written no_copies "
    "online online_text handover folder file hash",
    "losses": "title text session time rule torn none",
    "void": "title sets keys destroyed destroyed_at none",
    "exceptions": "title text number when at_step expected happened done touches disposition settled accepted mended "
    "abort open nothing confidentiality integrity availability none",
    "notes": "title time step note break break_open none",
    "zeroizing": "title done done_plain done_session lost aborted not_yet residual_title generate import refresh",
    "heads": "title text head wrote none key key_text",
    "retention": "title text copies site medium",
}
_SPECIAL = {
    "result.unfinished": "phase",
    "result.counts": "exceptions losses notes",
    "preflight.run": "step time counts",
    "preflight.same": "count",
    "steps.act": "number name",
    "steps.of": "taken planned",
    "steps.unknown": "planned",
    "steps.again": "times",
    "steps.failed": "problem",
    "steps.session": "time number version",
    "steps.session_again": "time number version rule",
    "steps.abort": "time",
    "facts.before": "at",
    "facts.plan": "words",
    "facts.checks": "counts section",
    "facts.open": "officers words",
    "facts.head": "words",
    "facts.keys": "keys",
    "facts.imported": "keys",
    "facts.certificates": "count section",
    "facts.set": "set_id epoch policy",
    "facts.words": "words",
    "facts.words_row": "row columns",
    "facts.bag": "bag",
    "facts.bags": "share bag",
    "facts.shares": "shares",
    "facts.copy_differs": "sha256",
    "facts.destroyed": "shares",
    "facts.settled": "exceptions",
    "facts.papers": "papers pages",
    "facts.paper_again": "name times",
    "facts.problem": "problem",
    "facts.package_sheets": "copy codes",
    "facts.online": "folder count section",
    "facts.recipient": "words",
    "facts.password_intermediate": "place",
    "facts.password_provisioner": "place",
    "facts.drafted": "what words",
    "facts.unlocked": "words",
    "facts.signed": "words",
    "facts.files": "files",
    "facts.briefed": "level target scenario",
    "facts.copy_named": "copy where",
    "facts.shown": "bag",
    "facts.other_bag": "bag",
    "facts.read": "bag",
    "facts.not_read": "bag problems",
    "facts.proved": "keys",
    "facts.served": "words",
    "facts.not_served": "how problem",
    "facts.called": "called_by agreed keys",
    "facts.set_words": "words",
    "facts.restored": "keys",
    "facts.judged": "result minutes target",
    "facts.lost": "share why custodian",
    "facts.gone": "share why custodian",
    "facts.destroyed_sheet": "shares counted",
    "reissue.made": "share custodian bag",
    "reissue.not_made": "share",
    "reissue.why": "why",
    "facts.old_set": "set_id epoch policy",
    "facts.taken_over": "keys",
    "facts.superseded": "new old",
    "facts.destroyed_old": "shares",
    "facts.destroyed_copies": "copies",
    "facts.left": "shares",
    "facts.could_still": "names",
    "old.counts": "step time",
    "old.could_still": "names",
    "drill.failed": "reasons",
    "drill.took": "minutes target kept",
    "signed.waived": "lint text reason",
    "preflight.waived": "reason",
    "keys.waived": "lint certificate text reason",
    "proof.text": "step time",
    "proof.handover": "bag step time",
    "losses.torn": "bytes",
    "void.destroyed_at": "time found",
    "exceptions.number": "number",
    "exceptions.at_step": "time step",
    "exceptions.settled": "time disposition reason",
    "notes.break": "minutes",
    "zeroizing.done": "step time officers",
    "zeroizing.done_plain": "step time officers",
    "zeroizing.done_session": "step time officers sign",
    "zeroizing.lost": "step",
    "zeroizing.aborted": "time",
    "residual": "waste",
    "heads.head": "step time",
    "heads.wrote": "witness",
    "heads.key_text": "step time",
}


def transcript_words(plan: Plan, waste: str) -> Texts:
    """The words of a plan's transcript; `waste` is the number of that step. Raises TemplateError."""
    fields: Mapping[str, str] = {
        "ca": plan.ca.name,
        "ceremony": plan.ceremony.id,
        "policy": str(plan.policy),
        "until": plan.retain_until.isoformat(),
    }
    words = Words(
        tables={name: set(keys.split()) for name, keys in _TABLES.items()},
        lists={"residual": {"text"}},
        fields=set(fields),
        special={name: set(keys.split()) for name, keys in _SPECIAL.items()},
    )
    return Texts(source.find(FILE, plan.documents.templates), words, {**fields, "waste": waste})
