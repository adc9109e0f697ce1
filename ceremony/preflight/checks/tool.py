"""The program itself: which version, and whether it is the one whose words are on paper.

Installed from a bundle, it is known by the bundle's manifest, dependencies included; otherwise by its own files alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ceremony import spoken
from ceremony.bundle import installed
from ceremony.bundle.manifest import BundleError
from ceremony.preflight.finding import Check, Finding, check, failed, passed, warned
from ceremony.preflight.machine import Machine, UnreadableError
from escrow import __version__

_FIRST = 3  # of the words: the short form on paper has these and the last


def fingerprint(folders: Mapping[str, Path]) -> bytes:
    """SHA-256 over all files in the folders, each folder under the name it is given.

    For each file in the order of their names: SHA-256 of its name ("escrow/words.py"), SHA-256 of its content.
    What Python compiled is left out. Raises UnreadableError for a folder without files, OSError.
    """
    files = {}
    for folder, path in folders.items():
        found = [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
        if not found:
            message = f"the folder {folder} of the program is empty"
            raise UnreadableError(message)
        # An installed package has the templates inside; a checkout beside it. The names are the same.
        inside = [other for other in folders.values() if other != path and other.is_relative_to(path)]
        for file in found:
            if not any(file.is_relative_to(other) for other in inside):
                files[f"{folder}/{file.relative_to(path).as_posix()}"] = file
    total = hashlib.sha256()
    for name, file in sorted(files.items()):
        total.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(file.read_bytes()).digest())
    return total.digest()


def identity(machine: Machine) -> bytes:
    """What the program is known by: the hash whose words are on paper.

    Raises BundleError for one that is not as its bundle had it, UnreadableError, OSError.
    """
    return installed.check(machine.installed)[0] if machine.installed else fingerprint(machine.tool)


def tool_check(expected: Sequence[str]) -> Check:
    """The check against the words on paper, if they were given."""

    @check(
        "tool",
        requirement="The program is the one whose words are printed.",
        measured="SHA-256 of the bundle's manifest, every file compared with it; else of its own files; in words",
        remedy="Compare the words with the printed ones, or have them compared: --tool-words. If they differ, "
        "this is another program: install the one that was reviewed.",
    )
    def tool(machine: Machine) -> Finding:
        try:
            words = spoken.words_of(identity(machine))
        except BundleError as error:
            return failed(str(error))
        alone = "" if machine.installed else " (not from a bundle: what it depends on is compared with nothing)"
        shown = f"version {__version__}: {' '.join(words)}{alone}"
        if not expected:
            return warned(f"{shown} (compared with nothing)")
        given = tuple(word.lower() for word in expected)
        return passed(shown) if given in {words, (*words[:_FIRST], words[-1])} else failed(shown)

    return tool
