"""The archive that a ceremony leaves: a folder of public files, a list of their hashes, and signatures.

`seal_archive` and `audit` are inverses: what the first writes the second proves, or names what was changed. The key
that signs was made when the ceremony was opened and ended with it; its public half stands in the journal, and the
journal's head in the witnesses' copies of the script.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ceremony import spoken
from ceremony.rules.engine import Engine
from ceremony.rules.state import State
from ceremony.run import journal
from ceremony.run.journal import Entry
from escrow import certificates, signature
from escrow.errors import EscrowError, SignatureError
from escrow.files import NewFiles, read_public
from escrow.keys import PrivateKey
from escrow.sealing import PACKAGE_FILE

PLAN_FILE = "plan.toml"
LIST_FILE = "ARCHIVE.sha256"
LIST_SIGNATURE, JOURNAL_SIGNATURE = "ARCHIVE.sha256.sig", "journal.jsonl.sig"

_TITLE = "step-ca escrow archive, version 1"
_APART = frozenset({LIST_FILE, LIST_SIGNATURE, journal.FILE, JOURNAL_SIGNATURE})
_MAX_FILE = 64 << 20


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
    content = _list_of(folder, entries)
    with NewFiles(folder) as out:
        out.write(LIST_FILE, content)
        if key:
            out.write(LIST_SIGNATURE, signature.sign(key, content))
        out.publish()
    return hashlib.sha256(content).digest()


def sign_journal(folder: Path, entries: Sequence[Entry], key: PrivateKey) -> None:
    """Sign the head of the whole journal."""
    with NewFiles(folder) as out:
        out.write(JOURNAL_SIGNATURE, signature.sign(key, entries[-1].digest))
        out.publish()


def read_journal(folder: Path) -> Sequence[Entry]:
    """The entries in an archive; a torn last line is left out. Raises FileError, JournalError."""
    entries, _ = journal.decode(read_public(folder / journal.FILE, _MAX_FILE))
    return entries


def audit(folder: Path, engine: Engine, plan: bytes, heads: Sequence[Sequence[str]] = ()) -> list[str]:
    """Everything that is wrong with an archive, each with the name of the file; empty if it is as it was left.

    `plan` is the digest of the plan in it. `heads` are what witnesses wrote down at checkpoints: the first three words
    of the journal's head and the last.
    """
    return list(_findings(folder, engine, plan, heads))


def _findings(folder: Path, engine: Engine, plan: bytes, heads: Sequence[Sequence[str]]) -> Iterator[str]:
    try:
        content = read_public(folder / journal.FILE, _MAX_FILE)
        entries, torn = journal.decode(content)
        if torn:
            yield f"{journal.FILE}: the last line is cut off or was changed."
        state = engine.replay(entries)
    except EscrowError as error:
        yield f"{journal.FILE}: {error}"
        return
    if not state.ended:
        yield f"{journal.FILE}: the ceremony has not ended ({state.phase.value})."
        return
    if state.plan != plan.hex():
        yield f"{PLAN_FILE}: this is not the plan that the ceremony was held by."
    yield from _compare_heads(entries, heads)
    signer = _last_key(entries)
    yield from _check_signature(folder / JOURNAL_SIGNATURE, signer, entries[-1].digest)
    yield from _check_list(folder, entries, state, signer)
    yield from _check_sealed(folder, state)


def _check_sealed(folder: Path, state: State) -> Iterator[str]:
    """Package and certificates are those that the journal saw: another list, newly signed, would not do."""
    if "seal" not in state.done or (state.aborting and not (folder / PACKAGE_FILE).exists()):
        return
    try:
        if hashlib.sha256(read_public(folder / PACKAGE_FILE, _MAX_FILE)).hexdigest() != state.done["seal"]["package"]:
            yield f"{PACKAGE_FILE}: this is not the package that the ceremony sealed."
        known = {(entry["file"], entry["sha256"]) for entry in state.done["certificates"]["certificates"]}
        for name in {file for file, _ in known}:
            found = certificates.read(read_public(folder / name, _MAX_FILE), name)
            if not {(name, certificates.fingerprint(each)) for each in found} <= known:
                yield f"{name}: these are not the certificates that were shown in the ceremony."
    except EscrowError as error:
        yield str(error)


def _check_list(folder: Path, entries: Sequence[Entry], state: State, signer: str) -> Iterator[str]:
    try:
        found = read_public(folder / LIST_FILE, _MAX_FILE)
    except EscrowError as error:
        yield str(error)
        return
    yield from _check_signature(folder / LIST_SIGNATURE, signer, found)
    if hashlib.sha256(found).hexdigest() != state.done["close"].get("archive"):
        yield f"{LIST_FILE}: this is not the list that the journal names."
    if found == _list_of(folder, entries[:-1]):
        return
    listed = _hashes(found.decode("utf-8", "replace").splitlines())
    present = _hashes(_list_of(folder, entries[:-1]).decode().splitlines())
    for name in sorted({*listed, *present}):
        if name not in present:
            yield f"{name}: the file is missing."
        elif name not in listed:
            yield f"{name}: the file was added later, or its name was changed."
        elif listed[name] != present[name]:
            yield f"{name}: the file was changed."


def _compare_heads(entries: Sequence[Entry], heads: Sequence[Sequence[str]]) -> Iterator[str]:
    """Words prove the journal up to their checkpoint; a program that was started after it could be anybody's."""
    if not heads:
        return
    known = {spoken.witness_words(head): number for number, head in checkpoints(entries)}
    latest = -1
    for head in heads:
        number = known.get(tuple(word.lower() for word in head))
        if number is None:
            said = " ".join(head)
            yield f"{journal.FILE}: at no checkpoint was its head '{said}': it is another one, or was rewritten."
        else:
            latest = max(latest, number)
    later = [entry.n + 1 for entry in entries if entry.event == "session" and entry.n > latest >= 0]
    if later:
        yield (
            f"{journal.FILE}: the words prove it up to line {latest + 1}, and in line {later[0]} the program was "
            "started again. Give the words of a checkpoint after that."
        )


def checkpoints(entries: Sequence[Entry]) -> Iterator[tuple[int, bytes]]:
    """Where the journal's head was shown, and what it was: what a later line says of it counts only if it is true."""
    for entry in entries:
        facts = entry.fields.get("facts")
        head = facts.get("head") if entry.event == "end" and isinstance(facts, dict) else None
        if head and entries[entry.n - 1].digest.hex() == head:
            yield entry.n, entries[entry.n - 1].digest


def _check_signature(path: Path, signer: str, content: bytes) -> Iterator[str]:
    if not path.exists():
        yield f"{path.name}: it is not signed: the ceremony ended in a session that nobody had opened, or by a crash."
        return
    try:
        signature.verify(bytes.fromhex(signer), content, read_public(path, signature.LENGTH))
    except (SignatureError, ValueError) as error:
        yield f"{path.name}: {error}"
    except EscrowError as error:
        yield str(error)


def _last_key(entries: Sequence[Entry]) -> str:
    """The key of the last opening, also of a ceremony that was aborted."""
    opened = [entry.fields for entry in entries if entry.event == "end" and entry.fields.get("step") == "open"]
    return str(opened[-1]["facts"].get("key", "")) if opened else ""


def _list_of(folder: Path, entries: Sequence[Entry]) -> bytes:
    lines = [_TITLE, f"{entries[-1].digest.hex()}  {journal.FILE} to line {len(entries)}"]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in _APART:
            lines.append(f"{hashlib.sha256(read_public(path, _MAX_FILE)).hexdigest()}  {name}")
    return "\n".join([*lines, ""]).encode()


def _hashes(lines: Sequence[str]) -> Mapping[str, str]:
    pairs = [line.partition("  ") for line in lines[1:]]
    return {name: digest for digest, _, name in pairs}
