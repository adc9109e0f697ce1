"""Contexts: one STEPPATH may hold several CAs, each in `authorities/NAME` (step 0.30, `step ca init --context`)."""

import json
from pathlib import Path

from escrow.errors import TreeError
from escrow.files import read_public

_CONTEXTS, _CURRENT, _AUTHORITIES, _PROFILES = "contexts.json", "current-context.json", "authorities", "profiles"
_MAX = 1 << 20


def names(path: Path) -> dict[str, Path]:
    """The contexts of a STEPPATH, by name, and the tree of each; empty if it has none. Raises TreeError."""
    known = _read(path / _CONTEXTS)
    found = {name: entry.get("authority") if isinstance(entry, dict) else None for name, entry in known.items()}
    if (path / _AUTHORITIES).is_dir():
        trees = sorted(entry.name for entry in (path / _AUTHORITIES).iterdir() if entry.is_dir())
        found |= {name: name for name in trees if name not in found and name not in found.values()}
    for name, authority in found.items():
        if not isinstance(authority, str) or authority in {"", ".", ".."} or "/" in authority:
            message = f"The context {name} in {path / _CONTEXTS} names no authority: mend it, or name the tree itself."
            raise TreeError(message)
    return {name: path / _AUTHORITIES / str(authority) for name, authority in found.items()}


def choose(path: Path, context: str | None) -> Path:
    """The tree of a context; without one, of the STEPPATH itself or of its only context.

    Raises TreeError for a name that is not there, and where there are several and none was named.
    """
    known = names(path)
    if context is not None:
        if context not in known:
            there = f"it has {listing(path)}" if known else "it has no contexts"
            message = f"{path} has no context {context}: {there}."
            raise TreeError(message)
        return known[context]
    if not known or (path / "certs").is_dir():
        return path
    if len(known) > 1:
        message = f"{path} holds several CAs, one a context: {listing(path)}. Name the one to escrow (--context NAME)."
        raise TreeError(message)
    return next(iter(known.values()))


def listing(path: Path) -> str:
    """The names of the contexts, and which is the current one."""
    current = _read(path / _CURRENT).get("context")
    return ", ".join(f"{name} (the current one)" if name == current else name for name in sorted(names(path)))


def has_profile(path: Path) -> bool:
    """Whether a profile of this STEPPATH says anything. It holds the step command's settings, and no key."""
    return any(_read(file) for file in (path / _PROFILES).glob("*/config/defaults.json"))


def _read(file: Path) -> dict[str, object]:
    if not file.is_file():
        return {}
    try:
        content = json.loads(read_public(file, _MAX))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        message = f"{file} is not a JSON object: mend it, or name the tree of one CA itself."
        raise TreeError(message)
    return content
