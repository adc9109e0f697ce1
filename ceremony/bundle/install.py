"""Install escrow from this folder: without a network, without root, without a compiler, with nothing but Python.

    python3 -I install.py --into ~/escrow

Every file of the folder is compared with MANIFEST.sha256 before anything in it is executed or installed. The hash of
MANIFEST.sha256 itself, which is shown in words, is to be compared with the one on paper.
"""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # this folder: nothing beside this file may pass for a part of Python before it was checked

import argparse
import hashlib
import io
import json
import os
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST, TARGETS, INSTALLED = "MANIFEST.sha256", "targets.json", "INSTALLED.sha256"
LIBRARIES, PROGRAM = "lib", "bin/escrow"
_LAUNCHER = """#!{python} -SP
import os
import pathlib
import sys

# -I would keep Python from hearing how its memory is to be wiped, which it is told by its environment.
if {{"PYTHONPATH", "PYTHONHOME"}} & os.environ.keys():
    sys.exit("escrow: unset PYTHONPATH and PYTHONHOME: what runs is what was installed, and Python's own.")
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from ceremony.cli import main

main()
"""


class InstallError(Exception):
    """This bundle is not installed, and why."""


def read_manifest(folder: Path) -> bytes:
    """The manifest, read once: what is compared, and what is installed and shown in words, is the very same."""
    manifest = folder / MANIFEST
    if manifest.is_symlink() or not manifest.is_file():
        message = f"{MANIFEST} is missing: this is no bundle, or not all of it."
        raise InstallError(message)
    return manifest.read_bytes()


def verify(folder: Path, manifest: bytes) -> dict[str, str]:
    """The hashes by name, if every file is as the manifest says, none is missing and none was added.

    Raises InstallError, which names what is not.
    """
    expected = _list(manifest)
    wrong, found = [], set()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            wrong.append(f"{name} is no file")
        elif path.is_file() and name != MANIFEST:
            found.add(name)
            if name not in expected:
                wrong.append(f"{name} was added")
            elif _hash(path.read_bytes()) != expected[name]:
                wrong.append(f"{name} was changed")
    wrong += [f"{name} is missing" for name in sorted(expected.keys() - found)]
    if wrong:
        listed = "\n".join(f"  {each}" for each in wrong)
        message = f"This is not the bundle that {MANIFEST} describes. Nothing was installed.\n{listed}"
        raise InstallError(message)
    return expected


def members(wheel: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The files of a wheel and where they go below the libraries (the Wheel specification, version 1.0).

    Scripts and headers are left out: nothing here needs them. Raises InstallError for a name that leads elsewhere.
    """
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for entry in archive.infolist():
            parts = PurePosixPath(entry.filename).parts
            if entry.is_dir():
                continue
            if parts and parts[0].endswith(".data"):
                if parts[1:2] not in {("purelib",), ("platlib",)}:
                    continue
                parts = parts[2:]
            if not parts or ".." in parts or entry.filename.startswith("/") or "\\" in entry.filename:
                message = f"{name} has a file that does not belong there: {entry.filename!r}."
                raise InstallError(message)
            yield "/".join(parts), archive.read(entry)


def target_here(targets: dict[str, dict[str, Any]]) -> str:
    """The name of the target that this machine is. Raises InstallError if the bundle is not for it."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}-{platform.machine()}"
    if here not in targets or sys.implementation.name != "cpython":
        listed = ", ".join(sorted(targets))
        message = f"This bundle is for {listed}, and this is {sys.implementation.name} {here}."
        raise InstallError(message)
    library, version = platform.libc_ver()
    needed = targets[here]["glibc"]
    if library != "glibc" or [int(part) for part in version.split(".")[:2]] < needed:
        message = f"The GNU C library {needed[0]}.{needed[1]} or newer is needed; here is {library} {version}."
        raise InstallError(message)
    return here


def install(folder: Path, into: Path) -> None:
    """Install into a folder that is not there yet: all of it, or nothing. Raises InstallError, OSError."""
    if into.exists() or into.is_symlink():
        message = f"{into} exists: name a folder that does not, or remove it."
        raise InstallError(message)
    manifest = read_manifest(folder)
    hashes = verify(folder, manifest)
    targets = json.loads(_read(folder, TARGETS, hashes))
    target = target_here(targets)
    listing = _read(folder, f"installed/{target}.sha256", hashes)
    expected = _list(listing)
    new = Path(tempfile.mkdtemp(prefix=f".{into.name}.", dir=into.parent))
    try:
        for wheel in targets[target]["wheels"]:
            for name, content in members(_read(folder, f"wheels/{wheel}", hashes), wheel):
                _write(new / LIBRARIES / name, content, expected.pop(f"{LIBRARIES}/{name}", ""))
        _require_nothing(expected)
        _write(new / PROGRAM, launcher(), mode=0o755)
        _write(new / INSTALLED, listing)
        _write(new / MANIFEST, manifest)
        new.chmod(0o755)
        new.rename(into)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _require_nothing(left: dict[str, str]) -> None:
    if left:
        message = f"{min(left)} is in no wheel. Nothing was installed."
        raise InstallError(message)


def launcher() -> bytes:
    """The program's file: it takes libraries from the installed folder and from Python itself, from nowhere else."""
    return _LAUNCHER.format(python=os.path.realpath(sys.executable)).encode()


def words(into: Path) -> list[str]:
    """The hash of the manifest in words: of what is installed, and therefore checked."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(into / LIBRARIES))
    from ceremony import spoken

    digest = hashlib.sha256((into / MANIFEST).read_bytes()).digest()
    return [*spoken.rows_of(spoken.words_of(digest))]


def _list(text: bytes) -> dict[str, str]:
    """The hashes by name. Raises ValueError for what is no list."""
    rows = [line.split("  ", 1) for line in text.decode().splitlines()]
    return {name: digest for digest, name in rows}


def _read(folder: Path, name: str, hashes: dict[str, str]) -> bytes:
    """A file, compared once more: the folder may be on a stick that was changed since."""
    content = (folder / name).read_bytes()
    if _hash(content) != hashes.get(name):
        message = f"{name} was changed while it was being installed. Nothing was installed."
        raise InstallError(message)
    return content


def _write(path: Path, content: bytes, digest: str | None = None, mode: int = 0o644) -> None:
    if digest is not None and _hash(content) != digest:
        message = f"{path.name} is not what the list of installed files says. Nothing was installed."
        raise InstallError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> int:
    """Install, or say why not."""
    parser = argparse.ArgumentParser(description="Install escrow from this folder, and nothing else.")
    parser.add_argument("--into", required=True, type=Path, metavar="DIR", help="A folder that does not exist yet.")
    into = parser.parse_args().into.expanduser().absolute()
    try:
        install(Path(__file__).resolve().parent, into)
    except (InstallError, OSError, ValueError) as error:
        print(f"install.py: {error}", file=sys.stderr)
        return 1
    print(f"Installed: {into / PROGRAM}\n\nIts words, to be compared with those on paper:\n")
    print("\n".join(f"  {row}" for row in words(into)))
    print(f"\nNext: {into / PROGRAM} version --self-check")
    return 0


if __name__ == "__main__":
    sys.exit(main())
