"""The checks of an audit: words, signatures, hashes, package, certificates. Each yields what is wrong, by file.

What needs no folder takes what was read of it, so that it can be tried on every byte that could be changed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ceremony import spoken
from ceremony.rules.state import State
from ceremony.run import journal
from ceremony.run.archive import (
    APART,
    JOURNAL_SIGNATURE,
    LIST_FILE,
    LIST_SIGNATURE,
    MAX_FILE,
    Contents,
    hashes_in,
    list_of,
)
from ceremony.run.journal import Entry
from escrow import certificates, signature
from escrow.errors import CertificateError, EscrowError, SignatureError
from escrow.files import read_public
from escrow.sealing import PACKAGE_FILE

Words = Sequence[str]
NOT_SIGNED = "it is not signed: the ceremony ended in a session that nobody had opened, or by a crash."


def same_words(own: Words, words: Words) -> bool:
    """Whether two lists of words are the same, however they are written."""
    return [*own] == [word.lower() for word in words]


def compare_words(own: Words, words: Words) -> Iterator[str]:
    """The archive's words are those that a witness wrote."""
    if words and not same_words(own, words):
        said, have = " ".join(words), " ".join(own) or "none"
        yield f"{LIST_FILE}: the archive's words are '{have}', and not '{said}': it is another one, or was rewritten."


def compare_heads(entries: Sequence[Entry], heads: Sequence[Words], *, proved: bool) -> Iterator[str]:
    """Words prove the journal up to their checkpoint; a program that was started after it could be anybody's.

    The archive's words, if they `proved` it, leave nothing open.
    """
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
    if later and not proved:
        yield (
            f"{journal.FILE}: the words prove it up to line {latest + 1}, and in line {later[0]} the program was "
            "started again. Give the words of a checkpoint after that, or the archive's."
        )


def checkpoints(entries: Sequence[Entry]) -> Iterator[tuple[int, bytes]]:
    """Where the journal's head was shown, and what it was: what a later line says of it counts only if it is true."""
    for entry in entries:
        head = _facts(entry).get("head") if entry.event == "end" else None
        if head and entries[entry.n - 1].digest.hex() == head:
            yield entry.n, entries[entry.n - 1].digest


def check_signatures(folder: Path, entries: Sequence[Entry]) -> Iterator[str]:
    """Journal and list are signed with the key of the last opening, also after an abort."""
    opened = [entry for entry in entries if entry.event == "end" and entry.fields.get("step") == "open"]
    signer = str(_facts(opened[-1]).get("key", "")) if opened else ""
    yield from _check_signature(
        folder / JOURNAL_SIGNATURE, signer, entries[-1].digest, f"{journal.FILE} to its last line"
    )
    if (folder / LIST_FILE).exists():
        yield from _check_signature(
            folder / LIST_SIGNATURE, signer, read_public(folder / LIST_FILE, MAX_FILE), LIST_FILE
        )


def _check_signature(path: Path, signer: str, content: bytes, what: str) -> Iterator[str]:
    if not path.exists():
        yield f"{path.name}: {NOT_SIGNED}"
        return
    try:
        signature.verify(bytes.fromhex(signer), content, read_public(path, signature.LENGTH))
    except (SignatureError, ValueError):
        yield f"{path.name}: by the ceremony's key this does not sign {what}: one of the two was changed."
    except EscrowError as error:
        yield f"{path.name}: {error}"


def check_list(folder: Path, entries: Sequence[Entry], found: Contents) -> Iterator[str]:
    """The list is the one that the journal names, and the files are those of the list."""
    path = folder / LIST_FILE
    if not path.exists():
        yield f"{LIST_FILE}: the file is missing."
        return
    listed = read_public(path, MAX_FILE)
    yield from check_list_itself(listed, entries)
    present = {name: digest for name, digest in found.digests.items() if name not in APART}
    yield from compare_files(hashes_in(listed), present)
    for name, what in found.others.items():
        yield f"{name}: this is {what}, and an archive has files alone."


def check_list_itself(listed: bytes, entries: Sequence[Entry]) -> Iterator[str]:
    """The journal's last line has its hash, and it has the hash of the journal before that."""
    if hashlib.sha256(listed).hexdigest() != _facts(entries[-1]).get("archive"):
        yield f"{LIST_FILE}: this is not the list that the journal names."
    head = list_of(entries[:-1], {})
    if not listed.startswith(head):
        yield f"{LIST_FILE}: it was made of another journal."


def compare_files(listed: Mapping[str, str], present: Mapping[str, str]) -> Iterator[str]:
    """What became of each file: both map names to hashes in hex."""
    named = {digest: name for name, digest in listed.items()}
    for name in sorted({*listed, *present}):
        digest = present.get(name, "")
        if listed.get(name) == digest:
            continue
        twin = named.get(digest)
        if name not in present:
            yield f"{name}: the file is missing."
        elif name not in listed:
            copied = f": it is {twin} under another name" if twin else ", or its name was changed"
            yield f"{name}: the file was added later{copied}."
        else:
            yield f"{name}: the file was changed{f': it is {twin} by now' if twin else ''}."


def check_sealed(folder: Path, state: State) -> Iterator[str]:
    """Package and certificates are those that the journal saw: another list, newly signed, would not do."""
    if "seal" not in state.done or (state.aborting and not (folder / PACKAGE_FILE).exists()):
        return
    if state.aborting and "old-set" in state.done:  # what is there is the old set's
        return
    known = {(entry["file"], entry["sha256"]) for entry in state.done["certificates"]["certificates"]}
    try:
        yield from check_package(read_public(folder / PACKAGE_FILE, MAX_FILE), state)
        for name in sorted({file for file, _ in known}):
            yield from check_certificates(name, read_public(folder / name, MAX_FILE), known)
    except EscrowError as error:
        yield str(error)


def check_package(content: bytes, state: State) -> Iterator[str]:
    """The package is the one that was sealed."""
    if hashlib.sha256(content).hexdigest() != state.done["seal"]["package"]:
        yield f"{PACKAGE_FILE}: this is not the package that the ceremony sealed."


def check_certificates(name: str, content: bytes, known: set[tuple[str, str]]) -> Iterator[str]:
    """The certificates in a file are among those that were shown; `known` are files and fingerprints."""
    try:
        found = certificates.read(content, name)
    except CertificateError:
        found = []
    if not found or not {(name, certificates.fingerprint(each)) for each in found} <= known:
        yield f"{name}: these are not the certificates that were shown in the ceremony."


def _facts(entry: Entry) -> Mapping[str, Any]:
    facts = entry.fields.get("facts")
    return facts if isinstance(facts, dict) else {}
