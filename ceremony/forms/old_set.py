"""Certificates of destruction of a set that was superseded: one for each sheet and copy, and what is left elsewhere."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reportlab.platypus import Flowable

from ceremony.forms.letterhead import Letterhead
from ceremony.forms.pieces import MM, Cell, grid, heading, new_page, space, text, together
from ceremony.planning.plan import Plan
from ceremony.rules.refreshing.rules import left, old_policy
from ceremony.rules.state import State
from ceremony.rules.steps import key_of
from escrow.manifest import group_hex
from escrow.paper import source
from escrow.paper.texts import Texts, Words
from escrow.policy import Position
from escrow.share import SHORT_SET_ID_LENGTH

FILE = "destruction.pdf"
TEMPLATE = "old-set.toml"

_TABLES = {
    "document": "title secrecy",
    "certificate": "title text what sheet copy holders bag how where at name role signature custodian officer witness "
    "none",
    "left": "title text sheet lost copy what destroyed signatures could could_not responsible",
}
_SPECIAL = {
    "certificate.title": {"number", "count"},
    "certificate.sheet": {"share"},
    "certificate.copy": {"copy", "where"},
    "left.sheet": {"share", "holders"},
    "left.lost": {"share"},
    "left.copy": {"copy", "where"},
    "left.could": {"names"},
}
_LABEL = 46 * MM
_LINE = 11 * MM


def certificates(plan: Plan, state: State, facts: Mapping[str, Any], day: dt.date) -> bytes:
    """The PDF for what `facts` say is destroyed now. Raises TemplateError."""
    old, new = (_short(state.done[name]["set_id"]) for name in ("old-set", "seal"))
    say = words(plan, old, new, day)
    made = _Maker(say, state, facts, Letterhead.of(plan).width)
    return Letterhead.of(plan).render(say("document.title"), say("document.secrecy"), [*made.all()])


def words(plan: Plan, old: str, new: str, day: dt.date) -> Texts:
    """The words of the certificates. Raises TemplateError, naming file and line."""
    fields = {
        "ca": plan.ca.name,
        "organisation": plan.ceremony.organisation,
        "place": plan.ceremony.place,
        "date": day.isoformat(),
        "old": old,
        "new": new,
        "reason": plan.refresh.reason if plan.refresh else "",
    }
    known = Words({name: set(keys.split()) for name, keys in _TABLES.items()}, fields=set(fields), special=_SPECIAL)
    return Texts(source.find(TEMPLATE, plan.documents.templates), known, fields)


class _Maker:
    def __init__(self, say: Texts, state: State, facts: Mapping[str, Any], width: float) -> None:
        self._say, self._state, self._facts, self._width = say, state, facts, width
        self._old: Mapping[str, Any] = state.done["old-set"]

    def all(self) -> Iterator[Flowable]:
        """Certificate after certificate, and the list."""
        things = [*self._things()]
        for number, rows in enumerate(things, 1):
            yield from self._certificate(number, len(things), rows)
        yield new_page()
        yield from self._left()

    def _things(self) -> Iterator[Sequence[tuple[str, str]]]:
        say, policy = self._say, old_policy(self._state)
        now = {position: number for number, position in self._state.old_bags.items()}
        for position in (Position(*each) for each in self._facts["sheets"]):
            key = key_of(position)
            yield [
                (say("certificate.what"), say("certificate.sheet", share=policy.name_of(position))),
                (say("certificate.holders"), ", ".join(self._old["holders"][key])),
                (say("certificate.bag"), now.get(position) or self._old["bags"].get(key) or say("certificate.none")),
            ]
        for copy in self._facts["copies"]:
            where = self._old["copies"][copy - 1]
            yield [(say("certificate.what"), say("certificate.copy", copy=copy, where=where))]

    def _certificate(self, number: int, count: int, what: Sequence[tuple[str, str]]) -> Iterator[Flowable]:
        say, width = self._say, self._width
        rows: list[list[Cell]] = [[text(label, "bold"), text(value)] for label, value in what]
        rows.append([text(say("certificate.how"), "bold"), space(_LINE)])
        rows.append([text(say("certificate.where"), "bold"), text(say("certificate.at"))])
        names = ("name", "role", "signature")
        signed: list[list[Cell]] = [[say(f"certificate.{name}") for name in names]]
        signed += [["", say(f"certificate.{role}"), ""] for role in ("custodian", "officer", "witness")]
        columns = [width * part for part in (0.36, 0.2, 0.44)]
        yield together(
            text(say("certificate.title", number=number, count=count), "heading"),
            text(say("certificate.text")),
            space(),
            grid(rows, [_LABEL, width - _LABEL]),
            space(),
            grid(signed, columns, head=1, heights=[None, *[_LINE] * 3]),
            space(8 * MM),
        )

    def _left(self) -> Iterator[Flowable]:
        say, width = self._say, self._width
        head = [say(f"left.{name}") for name in ("what", "destroyed", "signatures")]
        rows: list[list[Cell]] = [[*head]]
        rows += [[each, "", ""] for each in self._elsewhere()]
        names = self._facts["could_still"]
        yield from heading(say("left.title"))
        yield text(say("left.could", names=", ".join(names)) if names else say("left.could_not"), "bold")
        yield space()
        yield text(say("left.text"))
        yield space()
        responsible: list[list[Cell]] = [[text(say("left.responsible"), "bold"), space(14 * MM)]]
        yield grid(responsible, [_LABEL, width - _LABEL])
        yield space()
        yield grid(rows, [width * part for part in (0.5, 0.18, 0.32)], head=1, least=14 * MM)

    def _elsewhere(self) -> Iterator[str]:
        say, policy = self._say, old_policy(self._state)
        here = {Position(*each) for each in self._facts["sheets"]}
        for position in left(self._facts, self._state):
            if position in here:
                yield say("left.lost", share=policy.name_of(position))
                continue
            holders = ", ".join(self._old["holders"][key_of(position)])
            yield say("left.sheet", share=policy.name_of(position), holders=holders)
        for copy, where in enumerate(self._old["copies"], 1):
            if copy not in self._facts["copies"]:
                yield say("left.copy", copy=copy, where=where)


def _short(set_id: str) -> str:
    return group_hex(bytes.fromhex(set_id)[:SHORT_SET_ID_LENGTH])
