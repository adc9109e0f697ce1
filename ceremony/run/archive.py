"""The archive that a ceremony leaves: a folder of public files, a list of their hashes, and signatures.

`seal_archive` writes it, `audit` proves it, or names what was changed. The key that signs was made when the ceremony
was opened and ended with it; its public half stands in the journal, and the journal's head and the hash of the list in
the witnesses' copies of the script.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ceremony.run import journal
from ceremony.run.journal import Entry
from escrow import signature
from escrow.errors import FileError
from escrow.files import NewFiles, read_public
from escrow.keys import PrivateKey

PLAN_FILE = "plan.toml"
LIST_FILE = "ARCHIVE.sha256"
LIST_SIGNATURE, JOURNAL_SIGNATURE = "ARCHIVE.sha256.sig", "journal.jsonl.sig"
APART = frozenset({LIST_FILE, LIST_SIGNATURE, journal.FILE, JOURNAL_SIGNATURE})
"""What the list does not name: itself, what is longer than it by the last line, and signatures."""

MAX_FILE = 64 << 20

_TITLE = "step-ca escrow archive, version 1"


@dataclass(frozen=True)
class Contents:
    """What lies in a folder: the SHA-256 of each file by its name, and of all else its name and what it is."""

    digests: Mapping[str, str]
    others: Mapping[str, str]


def contents(folder: Path) -> Contents:
    """Everything below a folder. Links are not followed. Raises FileError for a file that cannot be read."""
    digests, others = {}, {}
    for path in _all_below(folder):
        name = path.relative_to(folder).as_posix()
        if stat.S_ISREG(path.lstat().st_mode):
            digests[name] = hashlib.sha256(read_public(path, MAX_FILE)).hexdigest()
        elif path.is_symlink():
            others[name] = "a symbolic link"
        elif not path.is_dir():
            others[name] = "neither file nor folder"
        elif not any(path.iterdir()):
            others[name] = "an empty folder"
    return Contents(digests, others)


def seal_archive(folder: Path, entries: Sequence[Entry], key: PrivateKey | None, last: Mapping[str, bytes]) -> bytes:
    """Write the last documents, the list of all files' hashes and, with a key, its signature; return its SHA-256.

    What a loss of power left of an earlier try is replaced. The journal goes on for one more entry, so its own
    signature comes after it: `sign_journal`.
    """
    for name in (*last, LIST_FILE, LIST_SIGNATURE):
        (folder / name).unlink(missing_ok=True)
    with NewFiles(folder) as out:
        for name, document in last.items():
            out.write(name, document)
        out.publish()
    listed = list_of(entries, contents(folder).digests)
    with NewFiles(folder) as out:
        out.write(LIST_FILE, listed)
        if key:
            out.write(LIST_SIGNATURE, signature.sign(key, listed))
        out.publish()
    return hashlib.sha256(listed).digest()


def sign_journal(folder: Path, entries: Sequence[Entry], key: PrivateKey) -> None:
    """Sign the head of the whole journal."""
    with NewFiles(folder) as out:
        out.write(JOURNAL_SIGNATURE, signature.sign(key, entries[-1].digest))
        out.publish()


def read_journal(folder: Path) -> Sequence[Entry]:
    """The entries in an archive; a torn last line is left out. Raises FileError, JournalError."""
    entries, _ = journal.decode(read_public(folder / journal.FILE, MAX_FILE))
    return entries


def read_all(folder: Path) -> Mapping[str, bytes]:
    """Every file of an archive, by its name: what a copy of it consists of. Raises FileError."""
    return {name: read_public(folder / name, MAX_FILE) for name in contents(folder).digests}


def digest_of(folder: Path) -> bytes:
    """The SHA-256 of an archive's list: what the archive is known by. Raises FileError."""
    return hashlib.sha256(read_public(folder / LIST_FILE, MAX_FILE)).digest()


def list_of(entries: Sequence[Entry], digests: Mapping[str, str]) -> bytes:
    """The list: the journal's head so far, and the hash of each file, as `sha256sum` writes them."""
    lines = [_TITLE, f"{entries[-1].digest.hex()}  {journal.FILE} to line {len(entries)}"]
    lines += [f"{digests[name]}  {name}" for name in sorted(digests) if name not in APART]
    return "\n".join([*lines, ""]).encode()


def hashes_in(listed: bytes) -> Mapping[str, str]:
    """What a list says of each file: the inverse of `list_of`, as far as it can be read."""
    lines = listed.decode("utf-8", "replace").split("\n")[2:]
    pairs = [line.partition("  ") for line in lines if line]
    return {name: digest for digest, _, name in pairs}


def _all_below(folder: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        message = f"Cannot look into {error.filename}: {error.strerror}."
        raise FileError(message)

    for at, folders, files in os.walk(folder, onerror=unreadable):
        yield from (Path(at, name) for name in sorted([*folders, *files]))
