"""What the template of the script has to say, and the fields that its texts may show."""

import string
from collections.abc import Iterable, Mapping

from ceremony.planning.plan import Plan
from ceremony.rules.lists import every_kind_of_step, online_of
from ceremony.rules.sealing.steps import Online
from ceremony.rules.steps import Step
from escrow.issuing.fields import FIELDS
from escrow.paper import source
from escrow.paper.texts import Texts, Words
from escrow.policy import Policy

FILE = "script.toml"
SPARE = 3
_PACKAGE_SHEETS = 6
"""Pages of the package sheets of a CA without more than usual: they are counted before they are made."""
_PACK = 100
_NAMED = 3

_TABLES = {
    "document": "secrecy officers witness materials",
    "cover": "title subtitle_officers subtitle_witness organisation ceremony kind production specimen used_for "
    "rehearsal real date when standby no_standby place keys generated imported imported_context imported_key "
    "imported_without escrowed refreshed quorum contact kept_until copy_of",
    "hashes": "plan plan_note row same hex by_hand by_hand_note script tool tool_hash",
    "approvals": "title text name role date signature",
    "contents": "title",
    "use": "title read tick circle write initial",
    "state": "title before after before_generate before_import before_escrowed before_refreshed after_signed "
    "after_drilled after_reissued after_recovered after_sealed after_superseded after_machine after_generate "
    "after_import after_records",
    "roles": "title role who task",
    "participants": "title text quorum name unit role checked signature officer witness custodian",
    "log": "title text name enters leaves direction time reason initials",
    "materials": "title text what serial bag same number there packed compared name date signature copy delivery "
    "archive online old devices others",
    "duration": "title text act steps minutes begun ended total hours",
    "acts": "title step activity who initials time share no_return check_words check_words_elsewhere head "
    "head_elsewhere bag new_bag set_words certificate carrier archive archive_elsewhere archive_carrier destroyed "
    "again handover_carrier online_carrier copy_used old_sheet old_copies old_rest",
    "certificate": f"title {' '.join(FIELDS)}",
    "contingency": "title text when rule steps again again_text what",
    "crash": "go_on keys_gone void from_paper prove_again zeroized quorum_again read_again old_again",
    "exception": "title text number time step expected happened done touches confidentiality integrity availability "
    "yes no disposition accepted mended aborted reason officer other_officer witness",
    "tables": "title words words_text letters",
    "nato": " ".join(string.ascii_uppercase + string.digits),
    "map": "title text steps what modelled_on not_met",
}
_LISTS = {
    "role": "role who task",
    "session_role": "role who task",
    "device": "what",
    "supply": "what number",
    "session_device": "what",
    "session_supply": "what number",
    "requirement": "steps what modelled_on",
    "departure": "text",
}
_SPECIAL = {
    "cover.imported": {"tree"},
    "cover.imported_context": {"context"},
    "cover.imported_key": {"name", "file"},
    "cover.imported_without": {"names"},
    "state.before_import": {"tree"},
    "cover.refreshed": {"reason"},
    "hashes.plan_note": {"step", "opening"},
    "participants.officer": {"number"},
    "participants.custodian": {"share"},
    "log.text": {"step"},
    "materials.text": {"step"},
    "materials.copy": {"copy", "site", "medium"},
    "materials.delivery": {"copy", "site", "medium"},
    "materials.archive": {"copy", "site", "medium"},
    "materials.online": {"site", "medium"},
    "duration.hours": {"hours", "minutes"},
    "acts.title": {"number", "name"},
    "acts.share": {"share", "custodian", "unit", "manager", "site"},
    "acts.certificate": {"number"},
    "certificate.title": {"number", "file"},
    "acts.carrier": {"copy", "site"},
    "acts.archive_carrier": {"copy", "site"},
    "acts.online_carrier": {"site"},
    "exception.title": {"number", "sheets"},
}


def script_words(plan: Plan) -> Texts:
    """The words of a plan's script. Raises TemplateError, naming file and line."""
    fields = _fields(plan)
    verbs = {step.verb for step in every_kind_of_step()}
    words = Words(
        tables={name: set(keys.split()) for name, keys in _TABLES.items()},
        lists={name: set(keys.split()) for name, keys in _LISTS.items()},
        fields=set(fields),
        special=_SPECIAL,
        blank={"role.who"},
        choices={"requirement.steps": verbs},
    )
    return Texts(source.find(FILE, plan.documents.templates), words, fields)


def numbers_of(verb: str, listed: Iterable[Step]) -> str:
    """The numbers of the steps with a verb; of those for many shares, the first two and the last."""
    own = [step.number for step in listed if step.verb == verb]
    return ", ".join(own) if len(own) <= _NAMED else f"{own[0]}, {own[1]} ... {own[-1]}"


def largest_quorum(policy: Policy) -> int:
    """The most sheets that a quorum drawn by lot can have."""
    return sum(sorted((group.threshold for group in policy.groups), reverse=True)[: policy.threshold])


def _fields(plan: Plan) -> Mapping[str, str]:
    ceremony, policy = plan.ceremony, plan.policy
    shares, quorum = len(plan.custodians), largest_quorum(policy)
    new = shares if plan.seals else int(plan.reissue is not None)  # sheets that are made
    people = shares + len(plan.officers) + len(plan.witnesses)
    copies = len(plan.packages or plan.deliveries)
    # The test page; label, receipts and sheet; cards; package sheets; labels once more for what the proof opens.
    handovers = int(online_of(plan) is Online.SHEET)
    pages = 1 + 5 * new + 2 * (copies + 1) + _PACKAGE_SHEETS * copies + quorum + handovers
    return {
        "organisation": ceremony.organisation,
        "contact": ceremony.contact,
        "ceremony": ceremony.id,
        "ca": plan.ca.name,
        "date": ceremony.date.isoformat(),
        "start": ceremony.start.isoformat("minutes"),
        "standby": ceremony.standby.isoformat() if ceremony.standby else "",
        "place": ceremony.place,
        "policy": str(policy),
        "shares": str(shares),
        "quorum": str(quorum),
        "copies": str(copies),
        "until": plan.retain_until.isoformat(),
        "officer_1": plan.officers[0].name,
        "officer_2": plan.officers[1].name,
        "officers": str(len(plan.officers)),
        "witnesses": ", ".join(person.name for person in plan.witnesses),
        "witnesses_count": str(len(plan.witnesses)),
        "people": str(people),
        "receipts": str(3 * shares),
        "bags": str(new + 2 * quorum + handovers + SPARE),
        "envelopes": str(new + handovers + SPARE),
        "planned": str(pages),
        "paper": str(-(-2 * pages // _PACK) * _PACK),
    }
