"""The project's own wheel: the same byte for byte, whoever builds it, where and when."""

import os
import subprocess
import sys
from pathlib import Path

from ceremony.bundle.manifest import BundleError

_UMASK = 0o022


def source() -> Path:
    """The checkout that this program runs from. Raises BundleError for a program that was installed."""
    folder = Path(__file__).resolve().parent.parent.parent
    if not (folder / "pyproject.toml").exists():
        message = "A bundle is made from a checkout of the project, and this program was installed from a wheel."
        raise BundleError(message)
    return folder


def time_of(folder: Path) -> int:
    """When the source was committed, in seconds since 1970; SOURCE_DATE_EPOCH counts, if it is set.

    Raises BundleError for a checkout with changes that nobody committed: what is reviewed is a commit.
    """
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        if not epoch.isdecimal():
            message = f"SOURCE_DATE_EPOCH is {epoch!r}: it is a number of seconds since 1970."
            raise BundleError(message)
        return int(epoch)
    if changed := _git(folder, "status", "--porcelain"):
        message = f"{folder} has changes that are not committed; a bundle is made of a commit:\n{changed}"
        raise BundleError(message)
    return int(_git(folder, "log", "-1", "--format=%ct"))


def build(folder: Path, time: int, scratch: Path) -> Path:
    """Build the wheel of the project in a folder, with the backend that pyproject pins. Raises BundleError."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(time)}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(scratch / "own")]
    done = subprocess.run(  # noqa: S603 - Python with fixed arguments, without a shell
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, umask=_UMASK
    )
    wheels = list((scratch / "own").glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        message = f"The project's wheel was not built:\n{done.stderr.strip()}"
        raise BundleError(message)
    return wheels[0]


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, without a shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - found on the PATH
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or str(error)
        message = f"{folder} is no checkout that git knows: {told.strip()}. Set SOURCE_DATE_EPOCH to build without git."
        raise BundleError(message) from None
    return done.stdout.strip()
