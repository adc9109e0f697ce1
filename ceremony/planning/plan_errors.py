"""What is wrong with a plan: in which line, at which place, and what to do. All of it at once."""

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ceremony.planning.session_tables import DRILL, RECOVERY, REFRESH, REISSUE, TASKS
from escrow.errors import PlanError, PolicyError
from escrow.policy import Group as Shares
from escrow.policy import Policy, check_threshold

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]
"""Where something stands: a table, the number of its entry (from 0), a key."""

_REFERENCES = (
    ("custodian", "group", "group"),
    ("custodian", "site", "site"),
    ("package", "site", "site"),
    ("archive", "site", "site"),
    ("online", "site", "site"),
    ("delivery", "site", "site"),
)
_LONGEST = 500  # lines of one statement, beyond which its end is not looked for
_SAID = {
    "is_instance_of": 'must be a path in quotes, such as "/media/step".',
    "missing": "is missing: add it.",
    "string_type": 'must be a text in quotes, such as "Anna".',
    "string_too_short": "is empty: write something.",
    "string_too_long": "is too long: use at most {max_length} characters.",
    "string_pattern_mismatch": "must be letters A to Z, digits, dots, hyphens and underscores, the first no mark.",
    "date_type": "must be a date such as 2030-12-31, without quotes.",
    "time_type": "must be a time such as 10:00:00, without quotes.",
    "int_type": "must be a whole number, without quotes.",
    "bool_type": "must be true or false, without quotes.",
    "greater_than_equal": "must be {ge} or more.",
    "less_than_equal": "must be {le} or less.",
    "less_than": "must be less than {lt}.",
    "too_short": "has too few entries: {min_length} or more are needed.",
    "too_long": "has too many entries: {max_length} at most.",
    "enum": "must be one of {expected}.",
    "literal_error": "must be one of {expected}.",
    "model_type": "must be a table: write [{name}], and its keys below.",
    "tuple_type": "must be a list of tables: write [[{name}]] before each entry.",
    "value_error": "{error}",
}


@dataclass(frozen=True)
class Problem:
    """Something wrong at a place; the text goes on after the place's name."""

    place: Place
    text: str


def plan_error(path: Path, text: str, content: Mapping[str, Any], problems: Iterable[Problem]) -> PlanError:
    """All problems of a plan in the order of their lines, each with file, line and place."""
    lines = _lines(text)
    found = sorted((_line(problem.place, lines), _name(problem.place, content), problem.text) for problem in problems)
    return PlanError("\n".join(dict.fromkeys(f"{path}, line {line}: {name} {said}" for line, name, said in found)))


def violations(errors: Sequence["ErrorDetails"], known: Mapping[str, Iterable[str]]) -> Iterator[Problem]:
    """What does not fit the schema; `known` holds the keys of each table, and of the file under ''."""
    places = [error["loc"] for error in errors]
    for error in errors:
        place = error["loc"]
        kind, name = error["type"], place[-1]
        if kind == "too_short" and any(other[:-1] and other[: len(place)] == place != other for other in places):
            continue  # entries that are wrong themselves were not counted
        if kind == "extra_forbidden":
            near = difflib.get_close_matches(str(name), known.get(str(place[0]) if len(place) > 1 else "", ()), 1)
            yield Problem(place, f"is not known: did you mean {near[0]}?" if near else "is not known: remove it.")
        else:
            yield Problem(place, said(error))


def said(error: "ErrorDetails") -> str:
    """What pydantic found, in words that go on after the name of the place."""
    if error["type"] in _SAID:
        return _SAID[error["type"]].format_map({"name": (*error["loc"], "")[0], **error.get("ctx", {})})
    return f"is not valid: {error['msg']}."


def contradictions(content: Mapping[str, Any]) -> Iterator[Problem]:
    """What does not fit together. Reads the bare file, so that it is found beside what does not fit the schema."""
    for table, key, more in (("group", "name", ""), ("site", "name", ""), ("waiver", "lint", "certificate")):
        yield from _twice(content, table, key, more)
    for table, key, target in _REFERENCES:
        yield from _unknown(content, table, key, target)
    yield from _certificates_of_an_import(content)
    yield from _several_tasks(content)
    yield from _impossible_policy(content)
    yield from _short_retention(content)


def _twice(content: Mapping[str, Any], table: str, key: str, more: str) -> Iterator[Problem]:
    """Entries with the same value; if there is `more`, with the same value there, too."""
    seen = set()
    for number, entry in _entries(content, table):
        value = entry.get(key)
        if isinstance(value, str):
            whole = (value, str(entry.get(more)))
            if whole in seen:
                yield Problem((table, number, key), f"is {value!r} like that of another {table}: each is named once.")
            seen.add(whole)


def _unknown(content: Mapping[str, Any], table: str, key: str, target: str) -> Iterator[Problem]:
    names = [entry["name"] for _, entry in _entries(content, target) if isinstance(entry.get("name"), str)]
    own = content.get(table)
    single: list[tuple[Place, dict[str, Any]]] = [((table,), own)] if isinstance(own, dict) else []
    for place, entry in [*single, *(((table, number), each) for number, each in _entries(content, table))]:
        value = entry.get(key)
        if isinstance(value, str) and names and value not in names:
            known = ", ".join(map(_shown, names))
            text = f"is {value!r}, and there is no such [[{target}]]: name one of {known}, or add it."
            yield Problem((*place, key), text)


def _certificates_of_an_import(content: Mapping[str, Any]) -> Iterator[Problem]:
    for table in ("root", "intermediate", "ssh", "online"):
        if table in content and _key(content, "ca", "keys") == "import":
            yield Problem((table,), 'belongs to keys = "generate": remove it, or generate.')
        elif table in content and REFRESH in content:
            yield Problem((table,), "stands beside [refresh], which makes no key, certificate or tree: remove it.")


def _several_tasks(content: Mapping[str, Any]) -> Iterator[Problem]:
    tasks = [table for table in TASKS if table in content]
    others = [table for table in (DRILL, REISSUE, RECOVERY, REFRESH) if table in content]
    for other in others if tasks else others[1:]:
        beside, what = (tasks or others)[0], other
        yield Problem((what,), f"stands beside [{beside}]: in a {what} nothing is signed. Remove one of the two.")
    for table in tasks[1:]:
        yield Problem((table,), f"stands beside [{tasks[0]}]: a session signs one thing. Remove one of the two.")
    if tasks and "revoke" in content and "crl" not in content:
        yield Problem(("revoke",), "belongs to [crl]: remove it, or make a list of what is revoked.")


def _impossible_policy(content: Mapping[str, Any]) -> Iterator[Problem]:
    groups = list(_entries(content, "group"))
    if len(groups) > 1:
        for number, entry in _entries(content, "custodian"):
            if "group" not in entry:
                yield Problem(("custodian", number, "group"), "is missing: with several groups, name one.")
    custodians = [entry for _, entry in _entries(content, "custodian")]
    shares = []
    for number, group in groups:
        threshold = group.get("threshold")
        members = sum(1 for entry in custodians if entry.get("group", group.get("name")) == group.get("name"))
        try:
            if not members and custodians:
                yield Problem(("group", number), "has no custodian: let one name it, or remove it.")
            elif members and type(threshold) is int:
                check_threshold(threshold, members, "custodians of this group")
                shares.append(Shares(threshold, members))
        except PolicyError as error:
            yield Problem(("group", number, "threshold"), f"is impossible. {error}")
    yield from _impossible_quorum(content, shares, len(groups))


def _impossible_quorum(content: Mapping[str, Any], shares: Sequence[Shares], groups: int) -> Iterator[Problem]:
    needed = _key(content, "quorum", "groups_needed")
    if needed is None and groups > 1:
        yield Problem(("quorum", "groups_needed"), "is missing: with several groups, say how many of them are needed.")
    needed = 1 if needed is None else needed
    if type(needed) is int and groups and len(shares) == groups:
        try:
            Policy(needed, tuple(shares))
        except PolicyError as error:
            yield Problem(("quorum", "groups_needed"), f"is impossible. {error}")


def _short_retention(content: Mapping[str, Any]) -> Iterator[Problem]:
    until, date = _key(content, "retention", "until"), _key(content, "ceremony", "date")
    if type(until) is type(date) is dt.date and until <= date:
        yield Problem(("retention", "until"), "must be after the ceremony's date.")


def _key(content: Mapping[str, Any], table: str, key: str) -> object:
    found = content.get(table)
    return found.get(key) if isinstance(found, dict) else None


def _entries(content: Mapping[str, Any], table: str) -> Iterator[tuple[int, dict[str, Any]]]:
    found = content.get(table)
    for number, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, dict):
            yield number, entry


def _name(place: Place, content: Mapping[str, Any]) -> str:
    """`custodian 2 (Bert), site`."""
    parts = [_shown(str(part)) for part in place]
    if len(place) > 1 and isinstance(place[1], int):
        entry = content[str(place[0])][place[1]]
        called = entry.get("name") if isinstance(entry, dict) else None
        name = f" ({_shown(called)})" if isinstance(called, str) else ""
        parts[:2] = [f"{place[0]} {place[1] + 1}{name}"]
    return ", ".join(parts)


def _shown(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _line(place: Place, lines: Mapping[Place, int]) -> int:
    """The line of a place, or of what it is missing in; the first line if that is the file itself."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _lines(text: str) -> dict[Place, int]:
    """In which line each table, entry and key begins. The text is valid TOML.

    tomllib gives no lines; so it is asked where each statement ends: where it can be parsed by itself.
    """
    found: dict[Place, int] = {}
    table: Place = ()
    counts: dict[str, int] = {}
    rows = text.replace("\r\n", "\n").split("\n")
    start = 0
    while start < len(rows):
        for end in range(start + 1, min(len(rows), start + _LONGEST) + 1):
            try:
                statement = tomllib.loads("\n".join(rows[start:end]))
                break
            except tomllib.TOMLDecodeError:
                continue
        else:
            return found
        for key, value in statement.items():
            if re.match(r"\s*\[", rows[start]):
                table = (key,)
                if isinstance(value, list):
                    counts[key] = counts.get(key, -1) + 1
                    table = (key, counts[key])
                    found.setdefault((key,), start + 1)
                found[table] = start + 1
            else:
                found[*table, key] = start + 1
        start = end
    return found
