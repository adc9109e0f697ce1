"""Put a bundle together: wheels, installer, bill of materials, documents; and the list of all that."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ceremony.bundle import install, manifest, own, sbom, wheels
from ceremony.bundle.lock import Target
from ceremony.bundle.manifest import BundleError
from escrow.files import NewFiles, read_public
from escrow.progress import Progress

_MAX_FILE = 1 << 30
_README = """\
escrow, for a machine that has no network.

1. In this folder, see that nothing was changed:
       sha256sum --quiet -c MANIFEST.sha256
       sha256sum MANIFEST.sha256
   The second line's digits are those that you have on paper, from where the bundle was made.
2. Install; this asks for no network, no root and no compiler, and compares everything once more:
       python3 -I install.py --into ~/escrow
   Compare the words that it shows with those on paper.
3. See that what was installed is what the bundle has:
       ~/escrow/bin/escrow version --self-check
       ~/escrow/bin/escrow preflight

It is for {targets}.
What it is made of: sbom.cdx.json. Licences: licences/. What was brought along: documents/, debian/.
"""


def make(
    source: Path,
    targets: Sequence[Target],
    extra: Mapping[str, bytes],
    out: NewFiles,
    progress: Progress,
) -> bytes:
    """Write a bundle of a checkout for these targets, with `extra` files by name; give the hash of its manifest.

    Raises BundleError, FileError.
    """
    time = own.time_of(source)
    with tempfile.TemporaryDirectory(prefix="escrow-bundle-") as folder:
        scratch = Path(folder)
        progress("Building and fetching wheels", 0, len(targets) + 1)
        built = own.build(source, time, scratch)
        fetched = {}
        for done, target in enumerate(targets, 1):
            progress("Building and fetching wheels", done, len(targets) + 1)
            fetched[target] = [built, *wheels.fetch(target, scratch)]
        progress("Building and fetching wheels", len(targets) + 1, len(targets) + 1)
        hashes = _write_wheels(fetched, out, progress)
        (program,) = sbom.parts_of([built])
        others = sbom.parts_of(
            {path.name: path for same in fetched.values() for path in same if path != built}.values()
        )
        files = {
            **_listings(fetched),
            "install.py": Path(install.__file__).read_bytes(),
            "README.txt": _README.format(targets=", ".join(target.name for target in targets)).encode(),
            sbom.SBOM: sbom.sbom(program, others, time),
            **sbom.licences([program, *others]),
            **extra,
        }
    for name, content in sorted(files.items()):
        out.write(name, content)
        hashes[name] = hashlib.sha256(content).hexdigest()
    listing = manifest.encode(hashes)
    out.write(manifest.FILE, listing)
    return hashlib.sha256(listing).digest()


def _write_wheels(fetched: Mapping[Target, Sequence[Path]], out: NewFiles, progress: Progress) -> dict[str, str]:
    """Each wheel once; the hashes by name."""
    hashes: dict[str, str] = {}
    each = {f"wheels/{path.name}": path for same in fetched.values() for path in same}
    for done, (name, path) in enumerate(sorted(each.items())):
        progress("Writing the bundle", done, len(each))
        content = read_public(path, _MAX_FILE)
        out.write(name, content)
        hashes[name] = hashlib.sha256(content).hexdigest()
    progress("Writing the bundle", len(each), len(each))
    return hashes


def _listings(fetched: Mapping[Target, Sequence[Path]]) -> dict[str, bytes]:
    """What the installer needs to know of each target, and the files that will be installed there."""
    known, files = {}, {}
    for target, paths in fetched.items():
        known[target.name] = {"wheels": [path.name for path in paths], "glibc": wheels.glibc_of(paths)}
        files[f"installed/{target.name}.sha256"] = manifest.encode(_installed(paths))
    return {install.TARGETS: json.dumps(known, indent=1, sort_keys=True).encode() + b"\n", **files}


def _installed(paths: Sequence[Path]) -> dict[str, str]:
    """The hashes of what these wheels install, by where it goes. Raises BundleError if two have the same file."""
    found: dict[str, str] = {}
    for path in paths:
        for name, content in install.members(path.read_bytes(), path.name):
            place = f"{install.LIBRARIES}/{name}"
            if place in found:
                message = f"{path.name} has {name}, and so has another wheel: they cannot be installed together."
                raise BundleError(message)
            found[place] = hashlib.sha256(content).hexdigest()
    return found
