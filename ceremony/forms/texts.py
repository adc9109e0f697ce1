"""The fixed words of printed documents: read from a template, and checked against what a document uses."""

import string
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

    Texts may show the `fields`, and those given in `special` for one table or one of its keys ("table.key"). In
    lists, `choices` are the keys ("list.key") whose value is a list of names, and the names that there are.
    """

    tables: Mapping[str, AbstractSet[str]]
    lists: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    fields: AbstractSet[str] = frozenset()
    special: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    choices: Mapping[str, AbstractSet[str]] = field(default_factory=dict)


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
        table, _, key = name.partition(".")
        text: str = self._content[table][key]
        return text.format_map({**self._fields, **fields})

    def table(self, name: str) -> Mapping[str, str]:
        """All texts of a table, by their keys, in the order of the file."""
        return {key: self(f"{name}.{key}") for key in self._content[name]}

    def list(self, name: str) -> Iterator[Mapping[str, Any]]:
        """The entries of a list."""
        for entry in self._content[name]:
            yield {
                key: value.format_map(self._fields) if isinstance(value, str) else value for key, value in entry.items()
            }


def _checked(given: Source, words: Words) -> Mapping[str, Any]:
    known = {**words.tables, **words.lists}
    for name in given.content:
        if name not in known:
            message = f"{_where(given, name)}: [{name}] is not known here."
            raise TemplateError(message)
    for name, keys in words.tables.items():
        table = given.content.get(name)
        if not isinstance(table, dict):
            message = f"{_where(given, name)}: the table [{name}] is missing."
            raise TemplateError(message)
        _check_keys(given, name, table, keys)
        for key, text in table.items():
            allowed = words.fields | words.special.get(name, set()) | words.special.get(f"{name}.{key}", set())
            _check_text(text, allowed, given.where_key(key, name), key)
    for name, keys in words.lists.items():
        entries = given.content.get(name)
        if not isinstance(entries, list) or len(entries) != len(given.tables.get(name, ())):
            message = f"{_where(given, name)}: the list [[{name}]] is missing, or not written as such."
            raise TemplateError(message)
        for entry, line in zip(entries, given.tables[name], strict=True):
            _check_entry(entry, keys, words, name, given.where(line))
    return given.content


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
            _check_text(value, words.fields | words.special.get(name, set()), where, key)
        elif not isinstance(value, list) or not value or not all(each in choices for each in value):
            message = f"{where}: {key} is a list of some of {', '.join(sorted(choices))}."
            raise TemplateError(message)


def _check_text(text: object, allowed: AbstractSet[str], where: str, key: str) -> None:
    if not isinstance(text, str):
        message = f"{where}: {key} is a text."
        raise TemplateError(message)
    try:
        used = [part for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError:
        message = f"{where}: {key} has braces that are not in pairs around the name of a field."
        raise TemplateError(message) from None
    for _, name, form, conversion in used:
        if name not in allowed or form or conversion:
            message = f"{where}: {key} uses {{{name}}}, which this text does not have."
            raise TemplateError(message)
