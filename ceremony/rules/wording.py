"""The words of the steps, from `templates/steps.toml`, filled in from the plan."""

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ceremony.planning.plan import Plan
from ceremony.rules.steps import CONTINGENCIES, Act, Step
from ceremony.rules.steps import steps as all_steps
from escrow.errors import TemplateError
from escrow.paper import template
from escrow.policy import Policy, Position

FILE = "steps.toml"

_ROLES = ("officer-1", "officer-2", "officers", "witnesses", "custodian", "everybody")
_COMMON = frozenset(
    {"ca", "organisation", "contact", "place", "policy", "shares", "archives"}
    | {"officer_1", "officer_2", "officers", "witnesses"}
)
_OF_SHARE = frozenset({"custodian", "share", "unit", "manager", "site"})
_OF_COPY = frozenset({"copy", "site", "medium"})
_PARTS = ("do", "expect")


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
        """Read and check the words. Raises TemplateError, naming file and step, for what is missing or unknown."""
        self._plan = plan
        self._path = find(plan.documents.templates)
        try:
            content = tomllib.loads(self._path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            message = f"{self._path}: {error}"
            raise TemplateError(message) from None
        self._content = _checked(content, self._path)
        self.acts = {act: content["acts"][str(act.value)] for act in Act}

    def of(self, step: Step) -> Words:
        """The words of one step."""
        fields = self._fields(step)
        entry = self._content["step"][step.verb]
        who = self._content["who"][step.who].format_map(fields)
        return Words(who, entry["do"].format_map(fields), entry["expect"].format_map(fields), entry["minutes"])

    def _fields(self, step: Step) -> Mapping[str, str]:
        plan, policy = self._plan, self._plan.policy
        fields = {
            "ca": plan.ca.name,
            "organisation": plan.ceremony.organisation,
            "contact": plan.ceremony.contact,
            "place": plan.ceremony.place,
            "policy": str(policy),
            "shares": str(len(policy.positions)),
            "archives": str(len(plan.archives)),
            "officer_1": plan.officers[0].name,
            "officer_2": plan.officers[1].name,
            "officers": ", ".join(person.name for person in plan.officers),
            "witnesses": ", ".join(person.name for person in plan.witnesses),
        }
        if step.position:
            custodian = plan.custodian_at(step.position)
            fields |= {
                "custodian": custodian.name,
                "share": share_name(policy, step.position),
                "unit": custodian.unit,
                "manager": custodian.manager,
                "site": custodian.site,
            }
        if step.copy:
            package = plan.packages[step.copy - 1]
            fields |= {"copy": str(step.copy), "site": package.site, "medium": package.medium}
        return fields


def duration(plan: Plan) -> float:
    """The minutes that are planned for a ceremony without a hitch. Raises TemplateError."""
    wording = Wording(plan)
    return sum(wording.of(step).minutes for step in all_steps(plan.policy, len(plan.packages)))


def share_name(policy: Policy, position: Position) -> str:
    """A share as people call it: its number, with the group's if there are several."""
    return f"{position.group}.{position.x}" if len(policy.groups) > 1 else str(position.x)


def find(templates: Path | None, file: str = FILE) -> Path:
    """The organisation's own words if it has some, else ours."""
    own = templates / file if templates else None
    return own if own and own.exists() else template.directory() / file


def _checked(content: dict[str, Any], path: Path) -> dict[str, Any]:
    known = {step.verb: step for step in (*all_steps(Policy.plain(2, 2), 1), *CONTINGENCIES)}
    _require(path, "the file", content, {"who", "acts", "step"})
    _require(path, "[who]", content["who"], set(_ROLES))
    _require(path, "[acts]", content["acts"], {str(act.value) for act in Act})
    _require(path, "the file", {f"step.{name}": 0 for name in content["step"]}, {f"step.{name}" for name in known})
    for name, text in content["who"].items():
        _check_fields(path, f"[who] {name}", text, _COMMON | _OF_SHARE)
    for name, entry in content["step"].items():
        where = f"[step.{name}]"
        _require(path, where, entry, {*_PARTS, "minutes"})
        step = known[name]
        allowed = _COMMON | (_OF_SHARE if step.position else frozenset()) | (_OF_COPY if step.copy else frozenset())
        for part in _PARTS:
            _check_fields(path, f"{where} {part}", entry[part], allowed)
        if isinstance(entry["minutes"], bool) or not isinstance(entry["minutes"], int | float) or entry["minutes"] <= 0:
            message = f"{path}: {where} minutes is a number above 0"
            raise TemplateError(message)
    return content


def _require(path: Path, where: str, table: object, names: set[str]) -> None:
    given = set(table) if isinstance(table, dict) else set()
    for what, found in (("lacks", names - given), ("has the unknown", given - names)):
        if found:
            message = f"{path}: {where} {what} {', '.join(sorted(found))}"
            raise TemplateError(message)


def _check_fields(path: Path, where: str, text: object, allowed: frozenset[str]) -> None:
    for used in _fields_in(path, where, text):
        if used not in allowed:
            message = f"{path}: {where} uses {{{used}}}, which this step does not have"
            raise TemplateError(message)


def _fields_in(path: Path, where: str, text: object) -> Iterator[str]:
    if not isinstance(text, str) or not text.strip():
        message = f"{path}: {where} is a text, and not empty"
        raise TemplateError(message)
    try:
        yield from (used for _, used, _, _ in string.Formatter().parse(text) if used is not None)
    except ValueError:
        message = f"{path}: {where} has braces that are not in pairs around the name of a field"
        raise TemplateError(message) from None
