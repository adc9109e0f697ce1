"""Whether what is installed is what the bundle had. Whoever changed the program can change this too: see LAPTOP.md."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ceremony.bundle import install, manifest
from ceremony.bundle.manifest import BundleError

_LISTS = frozenset({manifest.FILE, install.INSTALLED, install.PROGRAM})


def home(library: Path | None = None) -> Path | None:
    """The folder that this program was installed into from a bundle; None if it was installed otherwise."""
    library = library or Path(__file__).resolve().parent.parent.parent
    folder = library.parent
    return folder if library.name == install.LIBRARIES and (folder / manifest.FILE).is_file() else None


def check(folder: Path) -> tuple[bytes, int]:
    """The hash of the bundle's manifest, and how many files were compared, dependencies included.

    Raises BundleError, which names every file that was changed, added or removed.
    """
    listing = (folder / install.INSTALLED).read_bytes()
    text = (folder / manifest.FILE).read_bytes()
    known = {digest for name, digest in manifest.decode(text).items() if name.startswith("installed/")}
    if hashlib.sha256(listing).hexdigest() not in known:
        raise _changed(folder, [f"{install.INSTALLED} was changed"])
    expected = manifest.decode(listing)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    present = sorted(name for name in names - _LISTS if not (folder / name).is_symlink())
    wrong = [f"{name} is a link" for name in sorted(names) if (folder / name).is_symlink()]
    wrong += manifest.differences(expected, manifest.hashes_of(folder, present))
    if (folder / install.PROGRAM).read_bytes() != install.launcher():
        wrong.append(f"{install.PROGRAM} was changed")
    if wrong:
        raise _changed(folder, wrong)
    return hashlib.sha256(text).digest(), len(expected)


def _changed(folder: Path, wrong: Sequence[str]) -> BundleError:
    listed = "\n".join(f"  {each}" for each in wrong)
    message = f"What is installed in {folder} is not what its bundle had. Do not use it; install it anew.\n{listed}"
    return BundleError(message)
