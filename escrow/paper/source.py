"""Templates as files: where they are, and what each says, with the line of everything that can be wrong in it.

All templates are read here. What a template must say is the matter of `template`, for what has places on a page, and
of `texts`, for what is words alone.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escrow.errors import TemplateError

_QUOTES = re.compile(r'"""|\'\'\'')
_TABLE = re.compile(r"\s*\[{1,2}\s*([\w.-]+)\s*\]{1,2}\s*(#.*)?")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_AT = re.compile(r"\(at line (\d+), column \d+\)")
_MAX_LENGTH = 1 << 20


@dataclass(frozen=True)
class Source:
    """What a file says, and the line of each key, by (table, key), and of each element of an array of tables."""

    path: Path
    content: Mapping[str, Any]
    keys: Mapping[tuple[str, str], int]
    tables: Mapping[str, tuple[int, ...]]

    def where(self, line: int) -> str:
        """A place in this file, for a message."""
        return f"{self.path}, line {line}"

    def where_key(self, key: str, table: str = "") -> str:
        """The place of a key, or of the table that lacks it, or the first line."""
        return self.where(self.keys.get((table, key), next(iter(self.tables.get(table, ())), 1)))


def directory() -> Path:
    """Where our templates are: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).parent.parent
    installed = here / "templates"
    return installed if installed.is_dir() else here.parent / "templates"


def find(file: str, templates: Path | None) -> Path:
    """The organisation's own template of this name if it has one in `templates`, else ours."""
    own = templates / file if templates else None
    return own if own and own.exists() else directory() / file


def read(path: Path) -> Source:
    """Read and parse a file. Raises TemplateError, naming file and line. Python's parser tells no lines but its own."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_LENGTH + 1)
        content = tomllib.loads(text.decode())
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}."
        raise TemplateError(message) from None
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        message = f"{path}, line {line}: this is not UTF-8 text."
        raise TemplateError(message) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = _AT.search(str(error))
        line = int(at[1]) if at else text.count(b"\n") + 1
        what = str(error).partition(" (at ")[0]
        message = f"{path}, line {line}: this is not TOML: {what}."
        raise TemplateError(message) from None
    return _with_lines(path, text.decode(), content)


def _with_lines(path: Path, text: str, content: Mapping[str, Any]) -> Source:
    keys: dict[tuple[str, str], int] = {}
    tables: dict[str, tuple[int, ...]] = {}
    table, quote = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if not quote:
            if match := _TABLE.fullmatch(line):
                table = match[1]
                tables[table] = (*tables.get(table, ()), number)
            elif match := _KEY.match(line):
                keys.setdefault((table, match[1]), number)
        for found in _QUOTES.findall(line):  # a text of several lines may look like anything
            quote = "" if quote == found else quote or found
    return Source(path, content, keys, tables)


def fields_of(text: str, where: str) -> set[str]:
    """The names of the fields in a text. Raises TemplateError for braces that do not enclose just a name."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        parts = [("", "!", "", None)]
    if any(name is not None and (not name.isidentifier() or spec or how) for _, name, spec, how in parts):
        message = f"{where}: braces stand in pairs around the name of a field; write {{{{ and }}}} for braces as such."
        raise TemplateError(message)
    return {name for _, name, _, _ in parts if name is not None}
