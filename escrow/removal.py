"""Remove the root's private key from the machine of the online CA: `prove` that it is escrowed, then `remove`.

What a file system, a disk or a backup keeps of a file that is overwritten nobody knows: `KEPT` says so.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from escrow import keys
from escrow.authority import PasswordSource
from escrow.contents import key_fingerprint
from escrow.errors import FileError, KeyFileError, PackageError, PasswordRequiredError, RefusedError
from escrow.files import read_secret, write_all
from escrow.manifest import Manifest
from escrow.memory import Secret
from escrow.package import Package
from escrow.share import Kind

KEPT = (
    "Overwriting reaches what the file system writes to now. An SSD or a USB stick writes elsewhere and keeps the old; "
    "so may a journal, a snapshot, a file system that copies on write, and every backup. Where that matters, destroy "
    "the medium, or have it erase itself (blkdiscard, ATA or NVMe secure erase)."
)
_MAX_FILE = 1 << 20
_ROOT = "root"


@dataclass(frozen=True)
class Removable:
    """A file that holds the root's key of a package, as it was when that was proven."""

    path: Path
    found: os.stat_result


def prove(path: Path, packages: Sequence[Package], passwords: PasswordSource) -> Removable:
    """Prove that a file holds the root's key of a package, of which these are copies that were read now.

    The key is opened in locked memory. Raises KeyFileError for another key, PackageError for copies that differ,
    RefusedError for a specimen, FileError for what is no file by itself.
    """
    manifest = packages[0].manifest
    if any(copy != packages[0] for copy in packages):
        message = "These packages are not copies of one: name copies of the one that the root's key is in."
        raise PackageError(message)
    if manifest.kind is Kind.SPECIMEN:
        message = "This package is a specimen, made for practice: no key is removed because of it."
        raise RefusedError(message)
    found = path.lstat() if os.path.lexists(path) else None
    _check_file(path, found)
    with read_secret(path, _MAX_FILE) as content:
        _check_key(path, content, manifest, passwords)
    if found is None or _changed(found, path.lstat()):
        message = f"{path} was changed meanwhile: look who writes it, and begin again."
        raise FileError(message)
    return Removable(path, found)


def remove(removable: Removable) -> None:
    """Overwrite the file with random bytes, write that to the disk, and remove its name. Raises FileError."""
    path = removable.path
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if _changed(removable.found, os.fstat(descriptor)):
                message = f"{path} was changed meanwhile, and is left as it is: begin again."
                raise FileError(message)
            write_all(descriptor, os.getrandom(removable.found.st_size), path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        message = f"Cannot remove {path}: {error.strerror}. Look what is left of it."
        raise FileError(message) from None


def _check_file(path: Path, found: os.stat_result | None) -> None:
    if found is None or not stat.S_ISREG(found.st_mode):
        what = "is not there" if found is None else "is a link, a directory or a device"
        message = f"{path} {what}: name the file of the root's private key itself."
        raise FileError(message)
    if found.st_nlink > 1:
        message = f"{path} has {found.st_nlink} names (hard links): remove the others first (find -samefile)."
        raise FileError(message)


def _check_key(path: Path, content: Secret, manifest: Manifest, passwords: PasswordSource) -> None:
    problem: str | None = None
    while True:
        try:
            password = None if problem is None else passwords(_ROOT, problem or None)
            key = keys.load(content, password, str(path))
            break
        except PasswordRequiredError:
            problem = ""
        except KeyFileError as error:
            if problem is None:
                raise
            problem = str(error)
    key.pem.close()
    fingerprint = key_fingerprint(key.public)
    name = next((entry.name for entry in manifest.keys if entry.public_key == fingerprint), None)
    if name is None:
        message = f"{path} is a key that is not in this package: it would be lost. It is left as it is."
        raise KeyFileError(message)
    if name != _ROOT:
        message = f"{path} is the key {name}, and not the root's: step-ca needs it. It is left as it is."
        raise KeyFileError(message)


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    def what(each: os.stat_result) -> tuple[int, ...]:
        return (each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns, each.st_nlink)

    return what(before) != what(after)
