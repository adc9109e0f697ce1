"""A CA with its private keys, ready to be sealed; `import_tree` reads one from a STEPPATH."""

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from escrow import certificates, keys, stepca, weaknesses
from escrow.choice import EVERYTHING, Choice
from escrow.contents import public_keys
from escrow.errors import KeyFileError, PasswordRequiredError, TreeError
from escrow.keys import PrivateKey
from escrow.manifest import Manifest
from escrow.memory import Secret
from escrow.note import Kind, Note, listed, ordered
from escrow.progress import Progress
from escrow.stepca import KeyFile, Tree

PasswordSource = Callable[[str, str | None], Secret]
"""Asked for the password of an encrypted key, by its name and by what was wrong with the last answer.

It keeps and wipes what it hands out; to give up, it raises.
"""


@dataclass(frozen=True)
class EscrowedKey:
    """A private key that is ready to be sealed."""

    name: str
    file: str
    key: PrivateKey
    public_file: str | None


@dataclass(frozen=True)
class Authority:
    """All of a CA that goes into a package."""

    name: str
    files: Mapping[str, Secret]
    keys: tuple[EscrowedKey, ...]
    notes: tuple[Note, ...] = ()

    def close(self) -> None:
        """Wipe the keys and everything else."""
        for secret in (*self.files.values(), *(entry.key.pem for entry in self.keys)):
            secret.close()


def import_tree(
    path: Path, passwords: PasswordSource, progress: Progress, now: dt.datetime, choice: Choice = EVERYTHING
) -> Authority:
    """Read a STEPPATH, or what `step-ca export` wrote, open its keys and check everything against everything else.

    Raises TreeError, also when a key that belongs to the CA is not there and `choice` does not do without it,
    FileError, CertificateError, KeyFileError.
    """
    tree = stepca.read_tree(path, choice)
    if not tree.keys:
        raise _nothing(path, tree)
    if all(file.name in stepca.NAMED for file in tree.keys):  # else one of the others may be what is missing
        _check_absent(path, tree.absent, choice)
    hierarchy = stepca.hierarchy(tree.files)
    certificates.check_chain(hierarchy.chain, hierarchy.roots)
    publics = public_keys(tree.files)
    roots = {certificates.public_key(root) for root in hierarchy.roots}
    expected = {"root": roots, "intermediate": {certificates.public_key(signer) for signer in hierarchy.chain[:1]}}
    imported: list[EscrowedKey] = []
    opened: dict[str, Secret] = {}
    absent, notes = dict(tree.absent), list(tree.notes)
    with ExitStack() as undo:
        for found_file in (*(file.found for file in tree.keys), *tree.others):
            undo.callback(found_file.content.close)
        for number, file in enumerate(tree.keys):
            progress("Opening keys", number, len(tree.keys))
            key, password = _open_key(file, passwords)
            undo.callback(key.pem.close)
            if password:
                opened[file.name] = password
            fitting = [f for f in file.public_files or publics if key.public in publics.get(f, ())]
            if (file.public_files and not fitting) or key.public not in expected.get(file.name, {key.public}):
                raise _misfit(file, key, publics)
            keys.prove(key.pem, key.public, file.name)
            name = file.name
            if "root" in absent and key.public in roots:
                name = "root"
                del absent["root"]
            if not fitting:
                found = f"The key {name} has no certificate or public key in certs/."
                notes.append(Note(Kind.OTHER, found, "Is it still in use?"))
            imported.append(EscrowedKey(name, file.file, key, fitting[0] if fitting else None))
        progress("Opening keys", len(tree.keys), len(tree.keys))
        _check_absent(path, absent, choice)
        notes += [Note(Kind.ABSENT, f"The key {name}: {reason}.") for name, reason in absent.items()]
        notes += weaknesses.find(tree, hierarchy, opened, now, progress)
        undo.pop_all()
    for found_file in (*(file.found for file in tree.keys), *tree.others):
        found_file.content.close()
    name = certificates.name_of(hierarchy.roots[0]) if hierarchy.roots else path.name
    return Authority(name, tree.files, tuple(imported), ordered(notes))


def from_package(manifest: Manifest, members: Mapping[str, Secret]) -> Authority:
    """The CA that a package gave back, byte for byte; its members were proved before, and are the authority's now."""
    taken = tuple(
        EscrowedKey(
            entry.name,
            entry.file,
            PrivateKey(members[entry.file], keys.public_half(members[entry.file], entry.name), entry.algorithm),
            entry.public_file,
        )
        for entry in manifest.keys
    )
    return Authority(manifest.ca, {name: members[name] for name in manifest.files}, taken)


def _open_key(file: KeyFile, passwords: PasswordSource) -> tuple[PrivateKey, Secret | None]:
    """The key in a file, and the password that opened it, which stays the source's."""
    name = f"The key {file.name} ({file.found.source})"
    try:
        return keys.load(file.found.content, None, name), None
    except PasswordRequiredError:
        problem = None
    while True:
        password = passwords(file.name, problem)
        try:
            return keys.load(file.found.content, password, name), password
        except KeyFileError as error:
            problem = str(error)


def _check_absent(path: Path, absent: Mapping[str, str], choice: Choice) -> None:
    if missing := {name: reason for name, reason in absent.items() if name not in choice.without}:
        reasons = " ".join(f"{name}: {reason}." for name, reason in missing.items())
        message = (
            f"{path} has not got every key of the CA. {reasons} Give the file of each (--key NAME=FILE), or escrow "
            f"the others on purpose ({' '.join(f'--without {name}' for name in missing)})."
        )
        raise TreeError(message)


def _nothing(path: Path, tree: Tree) -> TreeError:
    reasons = " ".join(f"The key {name}: {reason}." for name, reason in tree.absent.items())
    return TreeError(
        f"{path} holds no private key that could be escrowed. {reasons} It has {listed(sorted(tree.files))}."
    )


def _misfit(file: KeyFile, key: PrivateKey, publics: Mapping[str, list[bytes]]) -> KeyFileError:
    fits = [name for name, held in publics.items() if key.public in held]
    other = f"it fits {listed(fits)}" if fits else "nothing in certs/ fits it"
    return KeyFileError(
        f"The private key {file.name} does not belong to its certificate or public key, "
        f"{listed(file.public_files)}: {other}. step-ca would not start with the two. Bring the right one of both."
    )
