"""A STEPPATH: `read_tree` takes in what is to be escrowed, `write_tree` puts it back so that step-ca starts.

Layout, names and modes are those of step v0.30.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from escrow import certificates
from escrow.configuration import (
    CONFIG,
    DEFAULTS,
    ROOT_CERTIFICATE,
    ROOT_KEY,
    Paths,
    defaults_for,
    moved,
    read_paths,
)
from escrow.errors import TreeError
from escrow.files import FILE_MODE, NewFiles, read_secret
from escrow.memory import Secret

_MAX_FILE = 1 << 20
_CONFIG_MODE = 0o644  # what step gives config/ and templates/; the directories are 0700
_PUBLIC_DIRECTORIES = ("certs", "config", "templates")
_KEY_MARK = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_KMS = re.compile(r"[a-z0-9]+:")


@dataclass(frozen=True)
class KeyFile:
    """A private key of a tree: its name, its file in the tree, and where that is now.

    It must belong to one of the `public_files` in `certs/`; if there are none, its counterpart is looked for.
    """

    name: str
    file: str
    source: Path
    public_files: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """A STEPPATH as read. `files` holds everything but keys, byte for byte; `notes` is for the officer."""

    files: Mapping[str, Secret]
    keys: tuple[KeyFile, ...]
    notes: tuple[str, ...]


def read_tree(path: Path) -> Tree:
    """Read everything of a STEPPATH but the database. Keys are only located, not opened.

    Raises TreeError for what is not a STEPPATH, FileError and CertificateError for what cannot be read.
    """
    if not path.is_dir():
        message = f"{path} is not a directory: name the STEPPATH, the directory with certs, config and secrets in it."
        raise TreeError(message)
    files = {name: read_secret(path / name, _MAX_FILE) for name in _public_files(path)}
    refuse_private_keys(files)
    notes: list[str] = []
    if CONFIG in files:
        paths = read_paths(files[CONFIG])
    else:
        paths = Paths()
        notes.append(f"{path} has no {CONFIG}: what is restored from it will need one before step-ca starts.")
    _check_distinct(path, (*paths.roots, *paths.federated_roots, paths.certificate))
    root_files = [_add(files, path, root, notes) for root in paths.roots]
    chain_file = _add(files, path, paths.certificate, notes)
    for root in paths.federated_roots:
        _add(files, path, root, notes)
    keys = [KeyFile("intermediate", *_locate(path, "secrets", paths.key, notes), (chain_file,))]
    if (path / ROOT_KEY).exists():
        keys.insert(0, KeyFile("root", ROOT_KEY, path / ROOT_KEY, tuple(root_files)))
    else:
        notes.append(f"The root's private key is not in {path / ROOT_KEY}: it is not escrowed.")
    for name, reference in (("ssh-host", paths.ssh_host_key), ("ssh-user", paths.ssh_user_key)):
        if reference:
            file, source = _locate(path, "secrets", reference, notes)
            public = f"certs/{Path(file).name}.pub"
            keys.append(KeyFile(name, file, source, (public,) if public in files else ()))
    keys += _other_keys(path, {key.file for key in keys}, notes)
    return Tree(files, tuple(keys), tuple(notes))


@dataclass(frozen=True)
class Hierarchy:
    """The certificates that step-ca works with: its roots, and its own chain with the signer first."""

    roots: tuple[x509.Certificate, ...]
    chain: tuple[x509.Certificate, ...]


def refuse_private_keys(files: Mapping[str, Secret]) -> None:
    """Raise TreeError for a private key outside secrets/: it would travel, and come back, as a public file does."""
    for name, content in files.items():
        if _KEY_MARK.search(content.view):
            message = f"{name} holds a private key: move it to secrets/, where keys are encrypted when restored."
            raise TreeError(message)


def hierarchy(files: Mapping[str, Secret]) -> Hierarchy:
    """The roots and the chain that a tree's ca.json names, or that lie where step puts them."""
    paths = read_paths(files[CONFIG]) if CONFIG in files else Paths()
    roots = [cert for root in paths.roots for cert in certificates_in(files, f"certs/{Path(root).name}")]
    return Hierarchy(tuple(roots), tuple(certificates_in(files, f"certs/{Path(paths.certificate).name}")))


def write_tree(files: NewFiles, members: Mapping[str, Secret], keys: Mapping[str, bytes]) -> None:
    """Write certificates, configuration and encrypted keys (by file name) as a STEPPATH.

    Certificates byte for byte; paths and fingerprint in the configuration fit the new place. Raises TreeError or
    FileError.
    """
    base = files.root.absolute()
    for name, member in members.items():
        if name in {CONFIG, DEFAULTS}:
            continue
        files.write(name, member.view, FILE_MODE if name.startswith("certs/") else _CONFIG_MODE)
    for name, pem in keys.items():
        files.write(name, pem)
    if DEFAULTS in members:
        roots = read_paths(members[CONFIG]).roots if CONFIG in members else (ROOT_CERTIFICATE,)
        root = f"certs/{Path(roots[0]).name}"  # as hierarchy() finds it, and as it was checked
        fingerprint = certificates.fingerprint(certificates_in(members, root)[0])
        with defaults_for(members[DEFAULTS], base, root, fingerprint) as text:
            files.write(DEFAULTS, text.view, _CONFIG_MODE)
    if CONFIG in members:
        with moved(members[CONFIG], base) as text:
            files.write(CONFIG, text.view, _CONFIG_MODE)


def certificates_in(files: Mapping[str, Secret], name: str) -> list[x509.Certificate]:
    """The certificates in one of the files of a tree. Raises TreeError or CertificateError."""
    if name not in files:
        message = f"The certificate {name} is missing."
        raise TreeError(message)
    return certificates.read(bytes(files[name].view), name)  # certificates are public


def _public_files(path: Path) -> Iterable[str]:
    for directory in _PUBLIC_DIRECTORIES:
        for entry in sorted((path / directory).rglob("*")):
            if entry.is_file():
                yield str(entry.relative_to(path))


def _other_keys(path: Path, known: set[str], notes: list[str]) -> Iterable[KeyFile]:
    for entry in sorted((path / "secrets").rglob("*")):
        file = str(entry.relative_to(path))
        if file in known or not entry.is_file():
            continue
        with read_secret(entry, _MAX_FILE) as content:
            is_key = _KEY_MARK.search(content.view)
        if is_key:
            yield KeyFile(file.removeprefix("secrets/"), file, entry, ())
        else:
            notes.append(f"{entry} is not a private key and is not escrowed.")


def _add(files: dict[str, Secret], path: Path, reference: str, notes: list[str]) -> str:
    name, source = _locate(path, "certs", reference, notes)
    if name not in files:
        files[name] = read_secret(source, _MAX_FILE)
    return name


def _check_distinct(path: Path, references: Iterable[str]) -> None:
    """Raise TreeError if two certificates that ca.json names would be one file in the package."""
    seen: dict[str, Path] = {}
    for reference in references:
        for place in (Path(reference), path / reference):
            if place.is_file():
                first = seen.setdefault(Path(reference).name, place)
                if not _same(first, place):
                    raise _two_files(first, place)
                break


def _same(one: Path, other: Path) -> bool:
    if one.samefile(other):
        return True
    with read_secret(one, _MAX_FILE) as content, read_secret(other, _MAX_FILE) as others:
        return content.matches(others)


def _two_files(one: Path, other: Path) -> TreeError:
    return TreeError(
        f"{one} and {other} differ, and both would be certs/{one.name} in the package. If one of them is out of "
        "date, move it away; if both are needed, give one another name, in ca.json too."
    )


def _locate(path: Path, directory: str, reference: str, notes: list[str]) -> tuple[str, Path]:
    """The name in the tree, and the present place, of a file that ca.json names by a path of its own machine.

    What is in the tree goes before what lies where ca.json says: the tree may be a copy.
    """
    if reference == "-" or (_KMS.match(reference) and not reference.startswith("softkms:")):
        message = (
            f"ca.json names {reference.partition('?')[0]!r}, which is not a file: a key in a KMS, an HSM or on "
            "standard input cannot be escrowed from here."
        )
        raise TreeError(message)
    reference = reference.removeprefix("softkms:")
    name = f"{directory}/{Path(reference).name}"
    found = [place for place in (path / name, Path(reference), path / reference) if place.is_file()]
    notes += [
        f"ca.json names {other}, which differs from {found[0]}: the latter was taken."
        for other in found[1:]
        if not _same(found[0], other)
    ]
    if found:
        return name, found[0]
    named = "" if reference == name else f" (in ca.json: {reference})"
    message = f"{path / name}{named} is missing: copy the file there, or name the right directory."
    raise TreeError(message)
