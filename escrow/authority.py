"""A CA with its private keys, ready to be sealed; `import_tree` reads one from a STEPPATH."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from escrow import certificates, keys, stepca
from escrow.contents import public_keys
from escrow.errors import KeyFileError, PasswordRequiredError
from escrow.files import read_secret
from escrow.keys import KEY_CAPACITY, PrivateKey
from escrow.memory import Secret
from escrow.progress import Progress

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
    notes: tuple[str, ...] = ()

    def close(self) -> None:
        """Wipe the keys and everything else."""
        for secret in (*self.files.values(), *(entry.key.pem for entry in self.keys)):
            secret.close()


def import_tree(path: Path, passwords: PasswordSource, progress: Progress) -> Authority:
    """Read a STEPPATH, open its keys and check everything against everything else.

    Raises TreeError, FileError, CertificateError, KeyFileError.
    """
    tree = stepca.read_tree(path)
    hierarchy = stepca.hierarchy(tree.files)
    certificates.check_chain(hierarchy.chain, hierarchy.roots)
    publics = public_keys(tree.files)
    imported: list[EscrowedKey] = []
    notes = list(tree.notes)
    with ExitStack() as undo:
        for number, file in enumerate(tree.keys):
            progress("Opening keys", number, len(tree.keys))
            key = _open_key(file.name, file.source, passwords)
            undo.callback(key.pem.close)
            fitting = [f for f in file.public_files or publics if publics.get(f) == key.public]
            expected = publics.get(file.public_files[0]) if file.public_files else None
            keys.prove(key.pem, key.public if fitting else expected or key.public, file.name)
            public_file = fitting[0] if fitting else None
            if not public_file:
                notes.append(f"The key {file.name} has no certificate or public key in certs/: is it still in use?")
            imported.append(EscrowedKey(file.name, file.file, key, public_file))
        progress("Opening keys", len(tree.keys), len(tree.keys))
        undo.pop_all()
    return Authority(certificates.name_of(hierarchy.roots[0]), tree.files, tuple(imported), tuple(notes))


def _open_key(name: str, source: Path, passwords: PasswordSource) -> PrivateKey:
    with read_secret(source, KEY_CAPACITY) as content:
        try:
            return keys.load(content, None, f"The key {name} ({source})")
        except PasswordRequiredError:
            problem = None
        while True:
            password = passwords(name, problem)
            try:
                return keys.load(content, password, f"The key {name} ({source})")
            except KeyFileError as error:
                problem = str(error)
