"""Start step-ca with keys that are on no disk: `prepare` looks before the first share is read, `hand_over` gives.

Each key goes into a sealed memory file, encrypted under a password of this start that nobody ever sees, and
the password into a pipe that can be read once. step-ca opens both by the paths that it gets instead of files;
it may read the keys again (SIGHUP, SCEP) and keeps the password itself. MEMORY.md says what that is worth.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from escrow import certificates, keys, passwords
from escrow.configuration import Paths, read_paths, taking_keys_from
from escrow.contents import key_fingerprint
from escrow.errors import CertificateError, RefusedError, TreeError, UsageError
from escrow.files import read_public, read_secret
from escrow.manifest import KeyEntry, Manifest
from escrow.memory import FIRST_FREE, Secret, memory_file, pipe_holding
from escrow.progress import Progress

_MAX_FILE = 1 << 20
_OURS = re.compile(r"--?(ssh-(host|user)-)?password-file(=|$)")
_PLACE = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
_FIRST = 3  # below are standard input, output and error
_KMS = re.compile(r"(?!softkms:)[a-z0-9]+:")


@dataclass(frozen=True)
class Start:
    """A start of step-ca that can be tried: its command, and the configuration that is one of its arguments.

    `places` has the keys that the configuration names, and for each the descriptor where it wants it, if it says.
    """

    command: tuple[str, ...]
    argument: int
    config: Secret
    places: Mapping[str, int | None]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class HandedOver:
    """The command as it is to be executed, and the descriptors that it must get, by their numbers there."""

    command: tuple[str, ...]
    descriptors: Mapping[int, int]


def prepare(command: Sequence[str], manifest: Manifest) -> Start:
    """Check that a command can start step-ca with keys of this package. No share is needed for that.

    Raises UsageError for the command, TreeError, FileError or CertificateError for its configuration, RefusedError
    for a machine on which nothing can be handed over.
    """
    if not command or not shutil.which(command[0]):
        given = f"{command[0]} is" if command else "There is"
        message = f"{given} no program to become: give the command that starts step-ca after --exec --."
        raise UsageError(message)
    if own := [part for part in command if _OURS.match(part)]:
        message = f"Leave {own[0].partition('=')[0]} out: the password is one of this start, and handed over."
        raise UsageError(message)
    named = [number for number, part in enumerate(command) if number and part.endswith(".json")]
    if len(named) != 1:
        message = "The command must name step-ca's configuration once, as a file whose name ends in .json."
        raise UsageError(message)
    if not Path("/dev/fd").is_dir():
        message = "/dev/fd is not there, so nothing can be handed over: mount /proc."
        raise RefusedError(message)
    file = Path(command[named[0]])
    config = read_secret(file, _MAX_FILE)
    paths = read_paths(config)
    wanted = {"intermediate": paths.key, "ssh-host": paths.ssh_host_key, "ssh-user": paths.ssh_user_key}
    references = {name: reference for name, reference in wanted.items() if reference}
    _check_keys(file, paths, references, manifest)
    places = {name: _place(reference) for name, reference in references.items()}
    fixed = [place for place in places.values() if place is not None]
    if len(fixed) != len(set(fixed)):
        message = f"{file} takes two keys from the same descriptor: give each a number of its own."
        raise TreeError(message)
    return Start(tuple(command), named[0], config, places, _notes(file, references))


def hand_over(start: Start, manifest: Manifest, members: Mapping[str, Secret], progress: Progress) -> HandedOver:
    """Encrypt the keys for this start, and put all that step-ca needs where only it will find it."""
    entries = [entry for entry in manifest.keys if entry.name in start.places]
    descriptors: dict[int, int] = {}
    paths: dict[str, str] = {}
    command = list(start.command)
    with passwords.invent() as password:
        for number, entry in enumerate(entries):
            progress("Encrypting keys", number, len(entries))
            held = memory_file(f"{entry.name} key, encrypted", keys.export(members[entry.file], password))
            place = start.places[entry.name]
            paths[entry.name] = _path(held if place is None else place)
            descriptors[held if place is None else place] = held
        progress("Encrypting keys", len(entries), len(entries))
        reading = pipe_holding(password)
        descriptors[reading] = reading
    if None in start.places.values():
        copy = _copy(start.config, paths)
        descriptors[copy] = copy
        command[start.argument] = _path(copy)
    command[start.argument : start.argument] = ["--password-file", _path(reading)]
    return HandedOver(tuple(command), descriptors)


def _check_keys(file: Path, paths: Paths, references: Mapping[str, str], manifest: Manifest) -> None:
    if paths.kms not in {"", "softkms"} or any(_KMS.match(reference) for reference in references.values()):
        message = f"{file} takes its keys from a KMS or an HSM: they are not in the package, and are not handed over."
        raise TreeError(message)
    entries = {entry.name: entry for entry in manifest.keys}
    if absent := references.keys() - entries.keys():
        message = f"{file} names the key {', '.join(sorted(absent))}, which is not in the package."
        raise TreeError(message)
    if not paths.certificate:
        message = f"{file} is of a registration authority, which signs with no key of its own."
        raise TreeError(message)
    _check_certificate(Path(paths.certificate), entries["intermediate"])


def _check_certificate(file: Path, entry: KeyEntry) -> None:
    certificate = certificates.read(read_public(file, _MAX_FILE), str(file))[0]
    if key_fingerprint(certificates.public_key(certificate)) != entry.public_key:
        message = (
            f"{file} is not the certificate of the intermediate key in this package: step-ca would not start. "
            "Put the right certificate there, or take the package of this CA."
        )
        raise CertificateError(message)


def _place(reference: str) -> int | None:
    """The descriptor that a path in the configuration means. Raises TreeError for one that is taken."""
    match = _PLACE.fullmatch(reference)
    if not match:
        return None
    if not _FIRST <= int(match[1]) < FIRST_FREE:
        message = (
            f"The configuration takes a key from {reference}: choose a descriptor from {_FIRST} to {FIRST_FREE - 1}."
        )
        raise TreeError(message)
    return int(match[1])


def _path(descriptor: int) -> str:
    return f"/dev/fd/{descriptor}"


def _copy(config: Secret, paths: Mapping[str, str]) -> int:
    """A copy of the configuration that takes its keys from these paths, in a memory file."""
    with taking_keys_from(config, paths) as text:
        return memory_file("ca.json", text.view)


def _notes(file: Path, references: Mapping[str, str]) -> tuple[str, ...]:
    found = [reference.removeprefix("softkms:") for reference in references.values() if not _PLACE.fullmatch(reference)]
    notes = [
        f"{path} is still on this machine. This start does not read it: remove it, or the key is on a disk after all."
        for path in found
        if path != "-" and Path(path).exists()
    ]
    if found:
        notes.append(
            f"step-ca gets a copy of {file}, and reads that again on SIGHUP: a change of the file needs a new start, "
            f"and a quorum, unless the file itself takes its keys from descriptors ({', '.join(_example(references))})."
        )
    return tuple(notes)


def _example(references: Mapping[str, str]) -> list[str]:
    fields = {"intermediate": "key", "ssh-host": "hostKey", "ssh-user": "userKey"}
    return [f'"{fields[name]}": "/dev/fd/{number}"' for number, name in enumerate(references, 10)]
