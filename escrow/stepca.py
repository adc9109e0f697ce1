"""A STEPPATH: `read_tree` takes in what is to be escrowed, `write_tree` puts it back so that step-ca starts.

Layout, names and modes are those of step v0.30.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from escrow import certificates, contexts, exported, reference
from escrow.choice import Choice
from escrow.configuration import (
    CONFIG,
    DEFAULTS,
    INTERMEDIATE_KEY,
    ROOT_CERTIFICATE,
    ROOT_KEY,
    Paths,
    defaults_for,
    moved,
    read_paths,
)
from escrow.errors import TreeError
from escrow.files import FILE_MODE, NewFiles
from escrow.memory import Secret
from escrow.note import Kind, Note, listed
from escrow.place import KEY_MARK, Directory, Found, take

_CONFIG_MODE = 0o644  # what step gives config/ and templates/; the directories are 0700
_SSH_KEYS = {"ssh-host": "secrets/ssh_host_ca_key", "ssh-user": "secrets/ssh_user_ca_key"}
_USUAL = {"root": ROOT_KEY, "intermediate": INTERMEDIATE_KEY, **_SSH_KEYS}
_IN_KMS = frozenset(_USUAL) - {"root"}  # what step-ca gets from its KMS; a name without a scheme is a name there
NAMED = frozenset(_USUAL)
"""The keys of a CA that have a name of their own; any other is called as its file is."""


@dataclass(frozen=True)
class KeyFile:
    """A private key of a tree, not opened yet.

    It must belong to one of the `public_files` in `certs/`; if there are none, its counterpart is looked for.
    """

    name: str
    found: Found
    public_files: tuple[str, ...]

    @property
    def file(self) -> str:
        """Its name in the tree."""
        return self.found.name


@dataclass(frozen=True)
class Tree:
    """A CA as read: `files` is everything but keys, byte for byte.

    `absent` says of each key that belongs to the CA and is not there, why; `others` is what is in secrets/ and no key.
    """

    files: Mapping[str, Secret]
    keys: tuple[KeyFile, ...]
    absent: Mapping[str, str]
    others: tuple[Found, ...]
    notes: tuple[Note, ...]
    paths: Paths


Place = Directory | exported.Export


def read_tree(path: Path, choice: Choice) -> Tree:
    """Read everything of a STEPPATH, or of what `step-ca export` wrote, but the database. Keys are not opened.

    Raises TreeError for what is neither, FileError and CertificateError for what cannot be read.
    """
    place = _opened(path, choice.context)
    files = place.public_files()
    refuse_private_keys(files)
    if CONFIG in files:
        paths = read_paths(files[CONFIG])
    else:
        paths = Paths()
        text = f"{place} has no {CONFIG}: what is restored from it will need one before step-ca starts."
        place.notes.append(Note(Kind.OTHER, text))
    place.check_distinct([*paths.roots, *paths.federated_roots, *filter(None, [paths.certificate])])
    root_files = [_add(files, place, root) for root in paths.roots]
    chain_file = [_add(files, place, paths.certificate)] if paths.certificate else []
    for certificate in (*paths.federated_roots, *paths.further_certificates):
        _add(files, place, certificate)
    place.notes += [
        Note(Kind.ABSENT, f"The template {file} lies outside {place}.", "Move it to templates/, in ca.json too.")
        for file in paths.templates
        if Path(file).is_absolute() and f"templates/{file.rpartition('/templates/')[2]}" not in files
    ]
    keys: list[KeyFile] = []
    absent: dict[str, str] = {}
    for name, wanted, public in _wanted(place, paths, root_files, chain_file, files):
        given = choice.key_files.get(name)
        kms = paths.kms if name in _IN_KMS else ""
        file = wanted and reference.file_of(wanted, kms)
        if given:
            found: Found | None = take(f"secrets/{Path(file or _USUAL.get(name, given.name)).name}", given)
        else:
            found = place.find("secrets", file) if file else None
        if not found:
            absent[name] = _why(place, paths, name, wanted, kms)
            continue
        public_file = f"certs/{Path(found.name).name}.pub"
        mine = public or ((public_file,) if name in _SSH_KEYS and public_file in files else ())
        keys.append(KeyFile(name, found, mine))
    if unknown := set(choice.key_files) - {key.name for key in keys}:
        has = listed([*(key.name for key in keys), *absent])
        message = f"{place} has no key {listed(sorted(unknown))}: it has {has}."
        raise TreeError(message)
    others = _take_others(place, keys)
    if twice := [key.file for key in keys if [other.file for other in keys].count(key.file) > 1]:
        message = f"Two keys of {place} are called {twice[0]}: give one another name, in ca.json too."
        raise TreeError(message)
    return Tree(files, tuple(keys), absent, others, tuple(place.notes), paths)


@dataclass(frozen=True)
class Hierarchy:
    """The certificates that step-ca works with: its roots, and its own chain with the signer first.

    A registration authority has no chain.
    """

    roots: tuple[x509.Certificate, ...]
    chain: tuple[x509.Certificate, ...]


def refuse_private_keys(files: Mapping[str, Secret]) -> None:
    """Raise TreeError for a private key outside secrets/: it would travel, and come back, as a public file does."""
    for name, content in files.items():
        if KEY_MARK.search(content.view):
            message = f"{name} holds a private key: move it to secrets/, where keys are encrypted when restored."
            raise TreeError(message)


def hierarchy(files: Mapping[str, Secret]) -> Hierarchy:
    """The roots and the chain that a tree's ca.json names, or that lie where step puts them."""
    paths = read_paths(files[CONFIG]) if CONFIG in files else Paths()
    roots = [cert for root in paths.roots for cert in certificates_in(files, f"certs/{Path(root).name}")]
    chain = certificates_in(files, f"certs/{Path(paths.certificate).name}") if paths.certificate else []
    return Hierarchy(tuple(roots), tuple(chain))


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


def _opened(path: Path, context: str | None) -> Place:
    if path.is_file():
        return exported.read(path)
    if not path.is_dir():
        message = f"{path} is not a directory: name the STEPPATH, the directory with certs, config and secrets in it."
        raise TreeError(message)
    chosen = contexts.choose(path, context)
    place = Directory(chosen)
    if chosen == path and contexts.names(path):
        found = f"The other CAs in {path}, one a context ({contexts.listing(path)}), are not part of this."
        place.notes.append(Note(Kind.OTHER, found, "Seal each by itself (--context NAME)."))
    elif chosen != path:
        place.notes.append(Note(Kind.OTHER, f"The context's tree {chosen} was taken."))
        if contexts.has_profile(path):
            found = f"The settings of the step command in {path / 'profiles'} are not escrowed; no key is in them."
            place.notes.append(Note(Kind.OTHER, found))
    return place


def _wanted(
    place: Place, paths: Paths, root_files: Sequence[str], chain_file: Sequence[str], files: Mapping[str, Secret]
) -> Iterator[tuple[str, str | None, tuple[str, ...]]]:
    """The keys that belong to this CA: the name of each, how it is referred to, and the files it may belong to."""
    if not paths.registers:
        yield "root", ROOT_KEY, tuple(root_files)
    yield "intermediate", paths.key, tuple(chain_file)
    conventional = CONFIG not in files  # nothing says what there is, so what lies where step puts it
    for name, named in (("ssh-host", paths.ssh_host_key), ("ssh-user", paths.ssh_user_key)):
        if named or (conventional and place.find("secrets", _SSH_KEYS[name])):
            yield name, named or _SSH_KEYS[name], ()
    for name, named in paths.further_keys:
        yield name, named, ()


def _take_others(place: Place, keys: list[KeyFile]) -> tuple[Found, ...]:
    """Add what else is a key in secrets/; return what is none."""
    others: list[Found] = []
    known = {key.found.source for key in keys} | {key.file for key in keys}
    for found in place.secret_files():
        if found.source in known or found.name in known:
            found.content.close()
        elif KEY_MARK.search(found.content.view):
            keys.append(KeyFile(found.name.removeprefix("secrets/"), found, ()))
        else:
            others.append(found)
    return tuple(others)


def _why(place: Place, paths: Paths, name: str, wanted: str | None, kms: str) -> str:
    if wanted is None:
        return (
            f"this is a registration authority ({paths.registers}) and has no key of a CA: escrow the CA that it "
            "registers for"
        )
    if reference.file_of(wanted, kms) is None:
        return f"it is in {reference.holder_of(wanted, kms)}"
    if name == "root":
        return f"it is not at {place}/{ROOT_KEY}. If it was taken offline, bring its file"
    return f"{place}/secrets/{Path(wanted).name} (in ca.json: {wanted}) is missing. Copy the file there"


def _add(files: dict[str, Secret], place: Place, named: str) -> str:
    found = place.find("certs", named)
    if not found:
        name = f"certs/{Path(named).name}"
        in_config = "" if named == name else f" (in ca.json: {named})"
        message = f"{place}/{name}{in_config} is missing: copy the file there, or name the right directory."
        raise TreeError(message)
    files.setdefault(found.name, found.content)
    return found.name
