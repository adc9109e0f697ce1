"""The templates by which `step ssh config` sets up users and hosts: our own words for what step's own do.

Their language is Go's text/template with the functions of sprig; step fills them in with what step-ca knows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "templates/ssh"

_USER = (
    ("config.tpl", "snippet", "~/.ssh/config", ()),
    ("step_config.tpl", "file", "ssh/config", ()),
    ("known_hosts.tpl", "file", "ssh/known_hosts", ()),
)
_HOST = (
    ("sshd_config.tpl", "snippet", "/etc/ssh/sshd_config", ("Certificate", "Key")),
    ("ca.tpl", "snippet", "/etc/ssh/ca.pub", ()),
)


def files() -> dict[str, bytes]:
    """The templates by their names in the tree."""
    folder = Path(__file__).parent / "ssh"
    return {f"{FOLDER}/{name}": (folder / name).read_bytes() for name, *_ in (*_USER, *_HOST)}


def block(place: str) -> Mapping[str, Any]:
    """The section `templates` of a ca.json, for a tree that lies at `place`."""

    def entry(name: str, kind: str, path: str, requires: tuple[str, ...]) -> dict[str, Any]:
        needed = {"requires": list(requires)} if requires else {}
        template = {"name": name, "type": kind, "template": f"{place}/{FOLDER}/{name}", "path": path, "comment": "#"}
        return {**template, **needed}

    return {"ssh": {"user": [entry(*each) for each in _USER], "host": [entry(*each) for each in _HOST]}}
