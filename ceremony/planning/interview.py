"""The questions from whose answers a plan is drafted. No input, no output: given the answers, what is asked next."""

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args

from ceremony.planning import draft
from ceremony.planning.answers import (
    Check,
    a_ca_name,
    a_date_from,
    a_name,
    a_number,
    a_path,
    a_subject,
    a_text,
    as_answer,
    one_of,
    yes_or_no,
)
from ceremony.planning.draft import Value
from ceremony.planning.odds import person
from ceremony.planning.values import DEFAULT_KEY, DEFAULT_YEARS, MAX_NAME, MAX_TEXT, MAX_YEARS, KeyKind
from escrow.issuing.profile import MAX_CA_NAME, subject_of

Key = tuple[str, int, str]
"""A table, the number of its entry from 0, a key of it."""

ENOUGH = "-"


@dataclass(frozen=True)
class Question:
    """What is asked. `check` turns an answer into a value or raises ValueError; `note` comes before the question.

    `hint` says what is allowed, with an example.
    An answer may go on with the next parts of its entry, `parts` in all. An `optional` entry may end its list.
    """

    key: Key
    text: str
    check: Check
    default: str = ""
    note: str = ""
    hint: str = ""
    optional: bool = False
    parts: int = 1


@dataclass(frozen=True)
class Listed:
    """A table with entries: how many it needs, what they are called, the keys and what is asked for them."""

    table: str
    least: int
    what: str
    note: str
    keys: dict[str, str] = field(hash=False)


_SITES = Listed(
    "site",
    1,
    "Site",
    "Where shares and copies of the package will be kept.",
    {"name": "name", "what": "what it is, and who opens it"},
)
_CUSTODIANS = Listed(
    "custodian",
    2,
    "Custodian",
    "Who keeps a share, in the order of the shares.",
    {"name": "name", "unit": "unit", "manager": "manager", "site": "site of the share"},
)
_OFFICERS = Listed(
    "officer", 2, "Officer", "Who carries the ceremony out, two or more.", {"name": "name", "unit": "unit"}
)
_WITNESSES = Listed(
    "witness", 1, "Witness", "Who watches and keeps the words.", {"name": "name", "unit": "unit or organisation"}
)
_PACKAGES = Listed(
    "package",
    1,
    "Copy of the package",
    "Keep several, where no quorum of shares is.",
    {"site": "site", "medium": "medium, such as USB stick and paper"},
)
_ARCHIVES = Listed(
    "archive",
    1,
    "Copy of the archive",
    "The ceremony's record. Keep two, at different sites.",
    {"site": "site", "medium": "medium, such as USB stick"},
)
_CERTIFICATES = (("root", "root", "Root CA"), ("intermediate", "intermediate", "Intermediate CA"))
_NAMED, _TOLD = f"Up to {MAX_NAME} characters, such as:", f"Up to {MAX_TEXT} characters, such as:"
_HINTS = {
    ("ceremony", "organisation"): f"{_NAMED} Example GmbH",
    ("ceremony", "contact"): f"{_TOLD} +49 30 123456, security@example.com",
    ("ca", "keys"): "generate: new keys, made in the ceremony. import: those of an existing CA.",
    (
        "ca",
        "tree",
    ): "A path, such as: /media/step (it need not be there yet). Of several CAs there, of keys elsewhere and of "
    "keys that are left out the file says more, under [ca].",
    ("ceremony", "place"): f"{_TOLD} Example House, room 101",
    ("site", "name"): f"{_NAMED} Bank vault",
    ("site", "what"): f"{_TOLD} Deposit box, opened by two officers",
    ("custodian", "name"): f"{_NAMED} Ada Lovelace",
    ("custodian", "unit"): f"{_NAMED} Operations",
    ("custodian", "manager"): f"{_NAMED} Charles Babbage",
    ("officer", "name"): f"{_NAMED} Grace Hopper",
    ("officer", "unit"): f"{_NAMED} Security",
    ("witness", "name"): f"{_NAMED} Katherine Johnson",
    ("witness", "unit"): f"{_NAMED} Internal Audit",
    ("package", "medium"): f"{_TOLD} USB stick and paper",
    ("archive", "medium"): f"{_TOLD} USB stick",
    ("access", "what"): f"{_TOLD} Badge at the gate, key of the safe",
    ("access", "depends_on_ca"): "yes, if a badge reader or a login stops with the CA; no otherwise.",
}
_LISTED = (_SITES, _CUSTODIANS, _OFFICERS, _WITNESSES, _PACKAGES, _ARCHIVES)
_TABLES = {listed.table for listed in _LISTED} | {"access", "group", "intermediate"}


class Interview:
    """Answers in the order of their questions. An answer that is taken back is proposed when it is asked for again."""

    def __init__(self, today: dt.date) -> None:
        self._today = today
        self._given: dict[Key, Value] = {}
        self._before: dict[Key, str] = {}
        self._ahead: list[str] = []

    def question(self) -> Question | None:
        """What is asked next; None when everything was."""
        return next((each for each in self._questions() if each.key not in self._given), None)

    def proposal(self) -> str:
        """What an empty answer stands for."""
        question = self.question()
        return self._before.get(question.key, question.default) if question else ""

    def answer(self, line: str) -> None:
        """Answer the question, and with commas or semicolons between them the ones after it in the same entry.

        Raises ValueError for a part that cannot be taken: it alone is asked for again, the ones after it are kept.
        """
        question = self.question()
        if question is None:
            return
        parts = [line.strip()]
        if question.parts > 1:
            parts = [part.strip() for part in re.split(";" if ";" in line else ",", line, maxsplit=question.parts - 1)]
        if len(parts) == 1:
            parts += self._ahead
        while parts:
            part, *self._ahead = parts
            self._take(part)
            parts = self._ahead

    def back(self) -> bool:
        """Take the last answer back; False if there is none."""
        self._ahead = []
        if not self._given:
            return False
        key, value = self._given.popitem()
        self._before[key] = as_answer(value)
        return True

    def text(self) -> str:
        """The plan."""
        values: dict[str, dict[str, Value]] = {"ceremony": {"id": draft.plan_id(self._date)}}
        entries: dict[str, list[dict[str, Value]]] = {"group": [{"name": "Custodians"}]}
        for (table, number, key), value in self._given.items():
            if table not in _TABLES:
                values.setdefault(table, {})[key] = value
            elif value != ENOUGH:
                listed = entries.setdefault(table, [])
                listed += [{} for _ in range(number + 1 - len(listed))]
                listed[number][key] = value
        return draft.fill(values, entries)

    def _take(self, part: str) -> None:
        question = self.question()
        if question is None:
            return
        text = part or self.proposal()
        if question.optional and text in {"", ENOUGH}:
            self._given[question.key] = ENOUGH
            self._ahead = []
        elif text == ENOUGH:
            message = "is needed."
            raise ValueError(message)
        else:
            self._given[question.key] = question.check(text)

    def _questions(self) -> Iterator[Question]:
        """All questions in their order. What depends on an answer is reached only once that is given."""
        date = draft.day(self._today)
        yield _asked("ceremony", "organisation", "Organisation", a_name)
        yield _asked("ceremony", "contact", "Whom custodians call when a share is lost or seen", a_text)
        yield _asked("ca", "keys", "The CA's keys: generate or import", one_of("generate", "import"), "generate")
        importing = self._given["ca", 0, "keys"] == "import"
        if importing:
            yield _asked("ca", "tree", "The STEPPATH to import, as it will be found in the ceremony", a_path)
        most = MAX_NAME if importing else MAX_CA_NAME
        hint = f"Up to {most} characters, such as: Example CA"
        yield _asked("ca", "name", "Name of the CA", a_name if importing else a_ca_name, hint=hint)
        if not importing:
            yield from self._certificates()
        hint = f"Year-month-day, {self._today} or later, such as: {date}"
        yield _asked("ceremony", "date", "Date of the ceremony", a_date_from(self._today), date.isoformat(), hint)
        yield _asked("ceremony", "place", "Place", a_text)
        standby = self._date + draft.STANDBY_AFTER
        first = self._date + dt.timedelta(days=1)
        hint = f"If the first day fails: {first} or later, such as: {standby}"
        yield _asked("ceremony", "standby", "Standby day", a_date_from(first), standby.isoformat(), hint)
        yield from self._entries(_SITES)
        yield from self._entries(_CUSTODIANS)
        number = len(self._names(_CUSTODIANS))
        needed = f"How many of the {number} custodians are needed"
        hint = f"A number from 2 to {number}."
        yield _asked("group", "threshold", needed, a_number(2, number), str(number // 2 + 1), hint)
        yield from self._entries(_OFFICERS)
        yield from self._entries(_WITNESSES)
        yield from self._entries(_PACKAGES)
        yield from self._entries(_ARCHIVES)
        yield _asked("access", "what", "What it takes to reach shares and package: keys, badges", a_text)
        yield _asked("access", "depends_on_ca", "Does any of it work only while the CA does: yes or no", yes_or_no)

    def _certificates(self) -> Iterator[Question]:
        name = str(self._given["ca", 0, "name"])
        kinds, years = get_args(KeyKind), a_number(1, MAX_YEARS)
        for number, (table, what, role) in enumerate(_CERTIFICATES):
            kind = DEFAULT_KEY if number == 0 else str(self._given["root", 0, "key"])
            hint = f"One of: {', '.join(kinds)}"
            yield _asked(table, "key", f"Kind of the {what}'s key", one_of(*kinds), kind, hint)
            longest = str(DEFAULT_YEARS) if number == 0 else str(self._given["root", 0, "years"])
            hint = f"From the day before the ceremony, 1 to {MAX_YEARS}, such as: {DEFAULT_YEARS}"
            yield _asked(table, "years", f"Years that the {what} is valid", years, longest, hint)
            subject = "; ".join(f"{each.type}={each.value}" for each in subject_of(name, role))
            hint = f"In this order, with semicolons, such as: C=GB; O=Example; CN={role}"
            yield _asked(table, "subject", f"Subject of the {what}", a_subject, subject, hint)

    def _entries(self, listed: Listed) -> Iterator[Question]:
        first, *others = listed.keys
        for number in itertools.count():
            more = number >= listed.least
            note = "" if number else listed.note
            check = self._new_name(listed) if first == "name" else self._site
            text = f"{listed.what} {number + 1}, {listed.keys[first]}" + (f" ({ENOUGH}: that is all)" if more else "")
            entry = (listed.table, number, first)
            yield Question(entry, text, check, "", note, self._hint(listed.table, first), more, len(listed.keys))
            if self._given[listed.table, number, first] == ENOUGH:
                return
            for done, key in enumerate(others, 1):
                check = self._site if key == "site" else a_text if key in {"what", "medium"} else a_name
                text = f"{listed.what} {number + 1}, {listed.keys[key]}"
                parts, hint = len(listed.keys) - done, self._hint(listed.table, key)
                yield Question((listed.table, number, key), text, check, hint=hint, parts=parts)

    def _hint(self, table: str, key: str) -> str:
        return f"One of: {', '.join(self._names(_SITES))}" if key == "site" else _HINTS[table, key]

    @property
    def _date(self) -> dt.date:
        date = self._given["ceremony", 0, "date"]
        return date if isinstance(date, dt.date) else self._today

    def _names(self, listed: Listed) -> list[str]:
        given = [(key, value) for key, value in self._given.items() if value != ENOUGH]
        return [
            str(value) for (table, _, key), value in given if (table, key) == (listed.table, "name") and value != ENOUGH
        ]

    def _new_name(self, listed: Listed) -> Check:
        def check(text: str) -> Value:
            name = a_name(text)
            if person(str(name)) in map(person, self._names(listed)):
                message = "is there already: name another."
                raise ValueError(message)
            return name

        return check

    def _site(self, text: str) -> Value:
        sites = {person(name): name for name in self._names(_SITES)}
        if person(text) not in sites:
            message = f"is none of the sites {', '.join(sites.values())}."
            raise ValueError(message)
        return sites[person(text)]


def _asked(table: str, key: str, text: str, check: Check, default: str = "", hint: str = "") -> Question:  # noqa: PLR0913, PLR0917 - the parts of a question
    return Question((table, 0, key), text, check, default, hint=hint or _HINTS[table, key])
