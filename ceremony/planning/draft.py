"""A new plan from the commented one in `templates/ceremony.toml`: its comments stay, its values are replaced."""

import datetime as dt
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ceremony.planning.session_tables import DRILL, RECOVERY, REFRESH, REISSUE, TASKS
from escrow.paper import source

Value = str | int | bool | dt.date | tuple[str, ...]
Values = Mapping[str, Mapping[str, Value]]
Entries = Mapping[str, Sequence[Mapping[str, Value]]]
_NONE: Values = {}
_NO_ENTRIES: Entries = {}

NOBODYS = "0" * 64
"""A hash that is still to be filled in."""
_MADE = ("root", "intermediate", "ssh", "online")

AHEAD = dt.timedelta(weeks=4)
"""What it takes to prepare a first ceremony."""
STANDBY_AFTER = dt.timedelta(days=7)
NEXT_DAY = dt.timedelta(days=1)

_NO_ARCHIVE = f'\narchive = "{"0" * 64}"\n'
_TUESDAY = 1
_COMMENTED = re.compile(r"^# \[+(\w+)\]+", re.MULTILINE)
_HEADER = re.compile(r"^(\[+)(\w+)\]+$", re.MULTILINE)


def example(today: dt.date) -> str:
    """The example plan, with a ceremony on the day that is proposed."""
    date = day(today)
    return fill({"ceremony": {"id": plan_id(date), "date": date, "standby": date + STANDBY_AFTER}}, {})


def day(today: dt.date) -> dt.date:
    """The day that is proposed for a ceremony: a Tuesday, so that nobody travels on a weekend."""
    first = today + AHEAD
    return first + dt.timedelta(days=(_TUESDAY - first.weekday()) % 7)


def plan_id(date: dt.date) -> str:
    """The ceremony's id that is proposed for a date."""
    return f"{date.year}-ROOT-1"


def session(task: str, today: dt.date, values: Values = _NONE, entries: Entries = _NO_ENTRIES) -> str:
    """The example plan of a session, a drill or a recovery, with the table `task`, on the day that is proposed.

    Nobody waits for a recovery: it is held today, or goes on tomorrow.
    """
    date, standby = (today, today + NEXT_DAY) if task == RECOVERY else (day(today), day(today) + STANDBY_AFTER)
    name = f"{date.year}-{task.replace('_', '-').upper()}"
    proposed: Mapping[str, Value] = {"id": name, "date": date, "standby": standby}
    own_people = {DRILL, REISSUE, RECOVERY}
    without = {*TASKS, *own_people, *(["delivery"] if task in own_people else [])} - {task}
    own: Values = {**values, "ceremony": {**proposed, **values.get("ceremony", {})}}
    text = fill(own, entries, "session.toml", without)
    return text.replace(_NO_ARCHIVE, "\n") if "package" in values.get("before", {}) else text


def refresh(today: dt.date, values: Values = _NONE, entries: Entries = _NO_ENTRIES) -> str:
    """The example plan of a refresh on the day that is proposed: no key and no certificate is made by it."""
    date = day(today)
    proposed: Values = {
        "ceremony": {"id": f"{date.year}-REFRESH", "date": date, "standby": date + STANDBY_AFTER},
        "ca": {"keys": "escrowed"},
        REFRESH: {"reason": "..."},
        "before": {"archive": NOBODYS},
    }
    own = {table: {**proposed.get(table, {}), **values.get(table, {})} for table in {**proposed, **values}}
    quorum = f"\n[quorum]\ngroups_needed = {own['quorum']['groups_needed']}\n" if "quorum" in own else ""
    return fill(own, entries, without=_MADE) + quorum


def fill(
    values: Values, entries: Entries, template: str = "ceremony.toml", without: Collection[str] = frozenset()
) -> str:
    """The commented plan with other values in its [tables], and these entries instead of its own for [[tables]].

    What the commented plan has in a comment only comes after that comment. A table `without` which it is made goes
    with the comment before it.
    """
    text = (source.directory() / template).read_text("utf-8")
    wanted = _but(text.rstrip("\n").split("\n\n"), without)
    return "\n\n".join(_paragraphs(wanted, values, entries)) + "\n"


def _but(paragraphs: Sequence[str], without: Collection[str]) -> Iterator[str]:
    """The paragraphs but those of some tables, and what is said before each of these."""
    tables = [header[2] if (header := _HEADER.search(each)) else "" for each in paragraphs]
    for paragraph, own, following in zip(paragraphs, tables, [*tables[1:], ""], strict=True):
        commented = set(_COMMENTED.findall(paragraph))
        named = {own, "" if own else following} | ({"crl"} if "revoke" in commented else set())
        if not named & set(without) and not (commented and commented <= set(without)):
            yield paragraph


def _paragraphs(paragraphs: Iterable[str], values: Values, entries: Entries) -> Iterator[str]:
    done = set()
    for paragraph in paragraphs:
        header = _HEADER.search(paragraph)
        table = header[2] if header else ""
        commented = set(_COMMENTED.findall(paragraph))
        if header is None and commented:
            yield paragraph
            yield from (_entry(name, values[name], "[]") for name in values if name in commented)
            yield from (_entry(name, each) for name in entries if name in commented for each in entries[name])
        elif header and header[1] == "[[" and table in entries:
            if table not in done:
                yield from (_entry(table, entry) for entry in entries[table])
            done.add(table)
        else:
            yield _replaced(paragraph, values.get(table, {}))


def _entry(table: str, entry: Mapping[str, Value], brackets: str = "[[]]") -> str:
    opened, closed = brackets[: len(brackets) // 2], brackets[len(brackets) // 2 :]
    return "\n".join([f"{opened}{table}{closed}", *(f"{key} = {_toml(value)}" for key, value in entry.items())])


def _replaced(paragraph: str, values: Mapping[str, Value]) -> str:
    lines = paragraph.split("\n")
    for key, value in values.items():
        line = f"{key} = {_toml(value)}"
        lines = [line if old.startswith(f"{key} = ") else old for old in lines]
        lines += [] if line in lines else [line]
    return "\n".join(lines)


def _toml(value: Value) -> str:
    """A value in TOML. A JSON string of printable characters is a TOML string."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, dt.date) else str(value)
