"""The wheels of a target's dependencies, fetched by pip: the only part of the project that uses a network."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from ceremony.bundle.lock import Target, requirements
from ceremony.bundle.manifest import BundleError

_LIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""What Debian 12 and newer can run."""
_TAG = re.compile(r"manylinux_2_(\d+)_")


def fetch(target: Target, scratch: Path) -> list[Path]:
    """Fetch every wheel that a target needs, into a folder of its own below `scratch`.

    pip compares each with the hashes of the lock. Raises BundleError, with what pip says.
    """
    folder, wanted = scratch / target.name, scratch / f"{target.name}.txt"
    wanted.write_text(requirements(target))
    digits = target.python.replace(".", "")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--only-binary=:all:", "--require-hashes", "--requirement", str(wanted), "--dest", str(folder)),
        *("--implementation", "cp", "--python-version", target.python),
        *(f"--abi={abi}" for abi in (f"cp{digits}", "abi3", "none")),
        *(f"--platform={libc}_{target.processor}" for libc in _LIBC),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        message = f"pip did not get the dependencies for {target.name}:\n{done.stderr.strip()}"
        raise BundleError(message)
    return sorted(folder.iterdir())


def glibc_of(wheels: Iterable[Path]) -> tuple[int, int]:
    """The oldest GNU C library that all of these run with."""
    minors = [min(map(int, found)) for wheel in wheels if (found := _TAG.findall(wheel.name))]
    return 2, max(minors, default=17)
