"""Templates that are words alone: read, and checked against what a document uses. What has places is `template`."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from escrow.errors import TemplateError
from escrow.paper import source
from escrow.paper.source import Source


@dataclass(frozen=True)
class Words:
    """What a template has to say: its tables with their keys, its lists with the keys of each entry.

    A table within another is named with both names ("step.room"). Texts may show the `fields`, and those given in
    `special` for one table or one of its keys ("table.key"). Of these names, too, are `numbers`, whose value is a
    number above 0 instead of a text, and `blank`, texts that may be empty. In lists, `choices` are the keys
    ("list.key") whose value is a list of names, and the names that there are.
    """

    tables: Mapping[str, AbstractSet[str]]
    lists: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    fields: AbstractSet[str] = frozenset()
    special: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    choices: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    numbers: AbstractSet[str] = frozenset()
    blank: AbstractSet[str] = frozenset()

    def shown(self, table: str, key: str) -> AbstractSet[str]:
        """The fields that a text may show."""
        return self.fields | self.special.get(table, set()) | self.special.get(f"{table}.{key}", set())


class Texts:
    """The words of one document, with the fields that are the same everywhere filled in."""

    def __init__(self, path: Path, words: Words, fields: Mapping[str, str]) -> None:
        """Read and check a template.

        Raises TemplateError, naming file and line, for whatever is missing, unknown or of the wrong type.
        """
        self._fields = fields
        self._content = _checked(source.read(path), words)

    def __call__(self, name: str, /, **fields: object) -> str:
        """The text "table.key"."""
        text: str = self._at(name)
        return text.format_map({**self._fields, **fields})

    def number(self, name: str) -> float:
        """The number "table.key"."""
        number: float = self._at(name)
        return number

    def table(self, name: str) -> Mapping[str, str]:
        """All texts of a table, by their keys, in the order of the file."""
        return {key: self(f"{name}.{key}") for key in self._content[name]}

    def list(self, name: str) -> Iterator[Mapping[str, Any]]:
        """The entries of a list."""
        for entry in self._content[name]:
            yield {
                key: value.format_map(self._fields) if isinstance(value, str) else value for key, value in entry.items()
            }

    def _at(self, name: str) -> Any:  # noqa: ANN401 - what TOML has there, checked when it was read
        table, _, key = name.rpartition(".")
        return self._content[table][key]


def _checked(given: Source, words: Words) -> Mapping[str, Any]:
    """The tables and lists by name."""
    content = _flat(given.content, {name.partition(".")[0] for name in words.tables if "." in name})
    for name in content:
        if name not in words.tables and name not in words.lists:
            message = f"{_where(given, name)}: [{name}] is not known here."
            raise TemplateError(message)
    for name, keys in words.tables.items():
        table = content.get(name)
        if not isinstance(table, dict):
            message = f"{_where(given, name)}: the table [{name}] is missing."
            raise TemplateError(message)
        _check_keys(given, name, table, keys)
        for key, value in table.items():
            _check_value(value, words, name, key, given.where_key(key, name))
    for name, keys in words.lists.items():
        entries = content.get(name)
        if not isinstance(entries, list) or len(entries) != len(given.tables.get(name, ())):
            message = f"{_where(given, name)}: the list [[{name}]] is missing, or not written as such."
            raise TemplateError(message)
        for entry, line in zip(entries, given.tables[name], strict=True):
            _check_entry(entry, keys, words, name, given.where(line))
    return content


def _flat(content: Mapping[str, Any], outer: AbstractSet[str]) -> Mapping[str, Any]:
    """Tables and lists by their names; those within one of the `outer` tables by both names."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        within = name in outer and isinstance(value, dict)
        flat |= {f"{name}.{inner}": table for inner, table in value.items()} if within else {name: value}
    return flat


def _where(given: Source, name: str) -> str:
    return given.where(next(iter(given.tables.get(name, ())), given.keys.get(("", name), 1)))


def _check_keys(given: Source, name: str, table: Mapping[str, Any], keys: AbstractSet[str]) -> None:
    for key in table:
        if key not in keys:
            message = f"{given.where_key(key, name)}: [{name}] has no {key!r}."
            raise TemplateError(message)
    for key in sorted(keys):
        if key not in table:
            message = f"{given.where_key(key, name)}: [{name}] lacks {key!r}."
            raise TemplateError(message)


def _check_entry(entry: Mapping[str, Any], keys: AbstractSet[str], words: Words, name: str, where: str) -> None:
    for what, found in (("lacks", keys - set(entry)), ("has the unknown", set(entry) - keys)):
        if found:
            message = f"{where}: the entry of [[{name}]] {what} {', '.join(sorted(found))}."
            raise TemplateError(message)
    for key, value in entry.items():
        choices = words.choices.get(f"{name}.{key}")
        if choices is None:
            _check_value(value, words, name, key, where)
        elif not isinstance(value, list) or not value or not all(each in choices for each in value):
            message = f"{where}: {key} is a list of some of {', '.join(sorted(choices))}."
            raise TemplateError(message)


def _check_value(value: object, words: Words, table: str, key: str, where: str) -> None:
    name = f"{table}.{key}"
    if name in words.numbers:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            message = f"{where}: {key} is a number above 0."
            raise TemplateError(message)
        return
    if not isinstance(value, str) or not (value.strip() or name in words.blank):
        message = f"{where}: {key} is a text, and not empty."
        raise TemplateError(message)
    if unknown := source.fields_of(value, f"{where}: {key}") - words.shown(table, key):
        message = f"{where}: {key} uses {{{min(unknown)}}}, which this text does not have."
        raise TemplateError(message)
