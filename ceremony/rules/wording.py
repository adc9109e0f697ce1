"""The words of the steps and of losses, from `templates/steps.toml`, filled in from the plan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ceremony.planning.plan import Plan
from ceremony.rules.lists import every_kind_of_step, listing_of
from ceremony.rules.loss import Rule
from ceremony.rules.state import Incident
from ceremony.rules.steps import Act, Action, Step
from escrow.paper import source
from escrow.paper.texts import Texts
from escrow.paper.texts import Words as Template

FILE = "steps.toml"

_ROLES = ("officer-1", "officer-2", "officers", "witnesses", "custodian", "everybody")
_COMMON = frozenset(
    {"ca", "organisation", "contact", "place", "policy", "shares", "archives"}
    | {"officer_1", "officer_2", "officers", "witnesses"}
)
_OF_SHARE = frozenset({"custodian", "share", "unit", "manager", "site"})
_OF_COPY = frozenset({"copy", "site", "medium"})
_OF_ONLINE = frozenset({"site", "medium"})
_ONLINE = (Action.MAKE_ONLINE, Action.HAND_OVER, Action.BAG_HANDOVER)


@dataclass(frozen=True)
class Words:
    """What is said of one step: who acts, what is read aloud and done, what is then seen, the minutes planned."""

    who: str
    do: str
    expect: str
    minutes: float


class Wording:
    """The words of all steps of one plan's ceremony."""

    def __init__(self, plan: Plan) -> None:
        """Read and check the words. Raises TemplateError, naming file and line, for what is missing or unknown."""
        self._plan = plan
        self._say = Texts(source.find(FILE, plan.documents.templates), _template(), _common(plan))
        self.listing = listing_of(plan)
        self.acts = {act: self._say(f"acts.{act.value}") for act in self.listing.acts}

    def number_of(self, act: Act) -> int:
        """The number of an act on paper."""
        return self.listing.acts.index(act)

    def of(self, step: Step) -> Words:
        """The words of one step."""
        say, name, own = self._say, f"step.{step.verb}", self._own(step)
        return Words(
            say(f"who.{step.who}", **own),
            say(f"{name}.do", **own),
            say(f"{name}.expect", **own),
            say.number(f"{name}.minutes"),
        )

    def loss(self, rule: Rule | None) -> str:
        """What people are told of a loss of the program's memory; None is one while the ceremony is being aborted."""
        return self._say(f"loss.{rule.value if rule else 'aborting'}")

    def incident(self, incident: Incident) -> Incident:
        """An exception with its words, also if it is one that the rules found."""
        if not incident.rule:
            return incident
        return replace(incident, expected=self._say("loss.expected"), happened=self.loss(incident.rule))

    def _own(self, step: Step) -> Mapping[str, str]:
        """The fields of a step for one share or copy."""
        if step.position:
            custodian = self._plan.custodian_at(step.position)
            return {
                "custodian": custodian.name,
                "share": self._plan.policy.name_of(step.position),
                "unit": custodian.unit,
                "manager": custodian.manager,
                "site": custodian.site,
            }
        if step.copy:
            package = (self._plan.deliveries if self._plan.session else self._plan.packages)[step.copy - 1]
            return {"copy": str(step.copy), "site": package.site, "medium": package.medium}
        if step.action in _ONLINE and self._plan.online:
            return {"site": self._plan.online.site, "medium": self._plan.online.medium}
        return {}


def duration(plan: Plan) -> float:
    """The minutes that are planned for a ceremony without a hitch. Raises TemplateError."""
    wording = Wording(plan)
    return sum(wording.of(step).minutes for step in wording.listing.steps)


def _common(plan: Plan) -> Mapping[str, str]:
    return {
        "ca": plan.ca.name,
        "organisation": plan.ceremony.organisation,
        "contact": plan.ceremony.contact,
        "place": plan.ceremony.place,
        "policy": str(plan.policy),
        "shares": str(len(plan.policy.positions)),
        "archives": str(len(plan.archives)),
        "officer_1": plan.officers[0].name,
        "officer_2": plan.officers[1].name,
        "officers": ", ".join(person.name for person in plan.officers),
        "witnesses": ", ".join(person.name for person in plan.witnesses),
    }


def _template() -> Template:
    known = {step.verb: step for step in every_kind_of_step()}
    own = {verb: _fields_of(step) for verb, step in known.items()}
    return Template(
        tables={
            "who": set(_ROLES),
            "acts": {act.value for act in Act},
            "loss": {"expected", "aborting", *(rule.value for rule in Rule)},
            **{f"step.{verb}": {"do", "expect", "minutes"} for verb in known},
        },
        fields=_COMMON,
        special={"who.custodian": _OF_SHARE, **{f"step.{verb}": fields for verb, fields in own.items()}},
        numbers={f"step.{verb}.minutes" for verb in known},
    )


def _fields_of(step: Step) -> frozenset[str]:
    """What the words of a step may show besides what those of all may."""
    if step.position:
        return _OF_SHARE
    if step.copy:
        return _OF_COPY
    return _OF_ONLINE if step.action in _ONLINE else frozenset()
