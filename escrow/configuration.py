"""step-ca's configuration: `read_paths` says which files it names, `moved` points it at another place.

It is treated as secret, because ca.json may hold a password in clear text: it is parsed in workers only.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escrow.errors import TreeError
from escrow.memory import Secret, isolate

CONFIG, DEFAULTS = "config/ca.json", "config/defaults.json"
ROOT_KEY, ROOT_CERTIFICATE = "secrets/root_ca_key", "certs/root_ca.crt"
INTERMEDIATE_KEY, INTERMEDIATE_CERTIFICATE = "secrets/intermediate_ca_key", "certs/intermediate_ca.crt"
SSH_KEYS = (("ssh-host", "secrets/ssh_host_ca_key"), ("ssh-user", "secrets/ssh_user_ca_key"))


@dataclass(frozen=True)
class Paths:
    """The files that a ca.json names."""

    roots: tuple[str, ...] = (ROOT_CERTIFICATE,)
    federated_roots: tuple[str, ...] = ()
    certificate: str = INTERMEDIATE_CERTIFICATE
    key: str = INTERMEDIATE_KEY
    ssh_host_key: str | None = None
    ssh_user_key: str | None = None


def read_paths(config: Secret) -> Paths:
    """The files that a ca.json names. Raises TreeError."""

    def in_worker() -> bytes:
        settings = _from_json(bytes(config.view), CONFIG)
        ssh = settings.get("ssh") or {}
        if not isinstance(ssh, dict):
            message = f"The section ssh in {CONFIG} is not an object."
            raise TreeError(message)
        root = settings.get("root") or ROOT_CERTIFICATE
        found = {
            "certificate": settings.get("crt") or INTERMEDIATE_CERTIFICATE,
            "key": settings.get("key") or INTERMEDIATE_KEY,
            "ssh_host_key": ssh.get("hostKey") or None,
            "ssh_user_key": ssh.get("userKey") or None,
        }
        roots = root if isinstance(root, list) else [root]
        federated = settings.get("federatedRoots") or []
        if not isinstance(federated, list):
            federated = [federated]
        if not all(isinstance(value, str) for value in (*roots, *federated, *filter(None, found.values()))):
            message = f"{CONFIG} names certificates or keys by something else than a path."
            raise TreeError(message)
        return json.dumps({**found, "roots": roots, "federated_roots": federated}).encode()

    fields = json.loads(isolate(in_worker, config))
    roots, federated = tuple(fields.pop("roots")), tuple(fields.pop("federated_roots"))
    return Paths(roots, federated, **fields)


def moved(config: Secret, base: Path) -> Secret:
    """A ca.json whose paths lead to the tree at `base`. Raises TreeError."""
    return _edited(config, lambda settings: _move(settings, base))


def defaults_for(defaults: Secret, base: Path, root: str, fingerprint: str) -> Secret:
    """A defaults.json for the tree at `base`, whose root certificate is this file with this fingerprint."""
    changes = {"ca-config": str(base / CONFIG), "fingerprint": fingerprint, "root": str(base / root)}
    return _edited(defaults, lambda settings: settings.update(changes))


def new_configuration(name: str, *, ssh: bool = False) -> dict[str, Secret]:
    """A ca.json and a defaults.json for a CA that was generated here: one ACME provisioner, no secret in it."""
    settings: dict[str, Any] = {
        "root": ROOT_CERTIFICATE,
        "federatedRoots": None,
        "crt": INTERMEDIATE_CERTIFICATE,
        "key": INTERMEDIATE_KEY,
        "address": ":443",
        "dnsNames": ["localhost"],
        "commonName": name,
        "logger": {"format": "text"},
        "db": {"type": "badgerv2", "dataSource": "db"},
        "authority": {"provisioners": [{"type": "ACME", "name": "acme"}]},
    }
    if ssh:
        settings["ssh"] = {"hostKey": SSH_KEYS[0][1], "userKey": SSH_KEYS[1][1]}
    defaults = {
        "ca-url": "https://localhost",
        "ca-config": CONFIG,
        "fingerprint": "",
        "root": ROOT_CERTIFICATE,
    }
    return {CONFIG: Secret.of(_to_json(settings)), DEFAULTS: Secret.of(_to_json(defaults))}


def _edited(text: Secret, edit: Callable[[dict[str, Any]], None]) -> Secret:
    result = Secret(2 * len(text) + (1 << 16))

    def in_worker() -> bytes:
        settings = _from_json(bytes(text.view), "the configuration")
        edit(settings)
        result.fill(_to_json(settings))
        return b""

    isolate(in_worker, text, result)
    return result


def _move(settings: dict[str, Any], base: Path) -> None:
    """Point the paths of a ca.json at the new place: certificates in certs/, keys in secrets/, the database in db/.

    By what each path is for, as `hierarchy` looks for it; never by what happens to have the same name.
    """

    def moved(value: object, directory: str) -> object:
        if isinstance(value, list):
            return [moved(entry, directory) for entry in value]
        if not isinstance(value, str) or not value:
            return value
        prefix = "softkms:" if value.startswith("softkms:") else ""
        return prefix + str(base / directory / Path(value.removeprefix("softkms:")).name)

    ssh = settings.get("ssh")
    for section, names, directory in (
        (settings, ("root", "crt", "federatedRoots"), "certs"),
        (settings, ("key",), "secrets"),
        (ssh, ("hostKey", "userKey"), "secrets"),
    ):
        for name in names:
            if isinstance(section, dict) and name in section:
                section[name] = moved(section[name], directory)
    database = settings.get("db")
    if isinstance(database, dict) and str(database.get("type", "")).startswith("badger"):
        database["dataSource"] = str(base / "db")


def _from_json(text: bytes, name: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        message = f"{name} is not a JSON object."
        raise TreeError(message)
    return settings


def _to_json(settings: dict[str, Any]) -> bytes:
    return json.dumps(settings, indent="\t", ensure_ascii=False).encode()
