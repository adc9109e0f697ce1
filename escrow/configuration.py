"""step-ca's configuration: `read_paths` says which files it names, `moved` points it at another place.

It is treated as secret, because ca.json may hold a password in clear text: it is parsed in workers only.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escrow import reference
from escrow.errors import TreeError
from escrow.memory import Secret, isolate

CONFIG, DEFAULTS = "config/ca.json", "config/defaults.json"
EXPORT = "config/export.json"  # what an export has and a ca.json made from it has not
ROOT_KEY, ROOT_CERTIFICATE = "secrets/root_ca_key", "certs/root_ca.crt"
INTERMEDIATE_KEY, INTERMEDIATE_CERTIFICATE = "secrets/intermediate_ca_key", "certs/intermediate_ca.crt"
SSH_KEYS = (("ssh-host", "secrets/ssh_host_ca_key"), ("ssh-user", "secrets/ssh_user_ca_key"))

_SSH_FIELDS = {"ssh-host": "hostKey", "ssh-user": "userKey"}


@dataclass(frozen=True)
class Paths:
    """The files that a ca.json names, as it names them: a key may be a reference to a KMS.

    A registration authority has neither certificate nor key. `kms` is the type of its KMS; `registers` says for which
    CA it registers; `further_keys` are a SCEP provisioner's and a certificate issuer's, by name.
    """

    roots: tuple[str, ...] = (ROOT_CERTIFICATE,)
    federated_roots: tuple[str, ...] = ()
    certificate: str | None = INTERMEDIATE_CERTIFICATE
    key: str | None = INTERMEDIATE_KEY
    ssh_host_key: str | None = None
    ssh_user_key: str | None = None
    kms: str = ""
    registers: str = ""
    further_keys: tuple[tuple[str, str], ...] = ()
    further_certificates: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()


def read_paths(config: Secret) -> Paths:
    """The files that a ca.json names. Raises TreeError."""

    def in_worker() -> bytes:
        settings = from_json(bytes(config.view), CONFIG)
        ssh, authority = section(settings, "ssh"), section(settings, "authority")
        issuer = section(authority, "certificateIssuer")
        kind = str(authority.get("type") or "").lower()
        registers = kind not in {"", "softcas"} and not settings.get("crt")
        roots = _strings(settings.get("root") or ([] if registers else ROOT_CERTIFICATE))
        federated = _strings(settings.get("federatedRoots") or [])
        further = [("issuer", issuer.get("key"))]
        further += [(f"scep-{entry.get('name')}", entry.get("decrypterKey")) for entry in provisioners(settings)]
        templates = [holder[name] for holder, name in _template_files(settings)]
        single = {
            "certificate": settings.get("crt") or (None if registers else INTERMEDIATE_CERTIFICATE),
            "key": settings.get("key") or (None if registers else INTERMEDIATE_KEY),
            "ssh_host_key": ssh.get("hostKey") or None,
            "ssh_user_key": ssh.get("userKey") or None,
        }
        named = [*roots, *federated, *templates, *single.values(), issuer.get("crt"), *(named for _, named in further)]
        if not all(value is None or isinstance(value, str) for value in named):
            message = f"{CONFIG} names certificates or keys by something else than a path."
            raise TreeError(message)
        several = {
            "roots": roots,
            "federated_roots": federated,
            "further_keys": [entry for entry in further if entry[1]],
            "further_certificates": [issuer["crt"]] if issuer.get("crt") else [],
            "templates": templates,
        }
        registry = f"{kind}, {authority.get('certificateAuthority') or 'somewhere'}" if registers else ""
        return json.dumps([single | {"kms": _kms_of(settings), "registers": registry}, several]).encode()

    single, several = json.loads(isolate(in_worker, config))
    return Paths(
        roots=tuple(several["roots"]),
        federated_roots=tuple(several["federated_roots"]),
        further_keys=tuple((name, named) for name, named in several["further_keys"]),
        further_certificates=tuple(several["further_certificates"]),
        templates=tuple(several["templates"]),
        **single,
    )


def moved(config: Secret, base: Path) -> Secret:
    """A ca.json whose paths lead to the tree at `base`. Raises TreeError."""
    return _edited(config, lambda settings: _move(settings, base))


def defaults_for(defaults: Secret, base: Path, root: str, fingerprint: str) -> Secret:
    """A defaults.json for the tree at `base`, whose root certificate is this file with this fingerprint."""
    changes = {"ca-config": str(base / CONFIG), "fingerprint": fingerprint, "root": str(base / root)}
    return _edited(defaults, lambda settings: settings.update(changes))


def taking_keys_from(config: Secret, places: Mapping[str, str]) -> Secret:
    """A ca.json that takes its keys (intermediate, ssh-host, ssh-user) from other paths, and holds no password."""

    def edit(settings: dict[str, Any]) -> None:
        settings.pop("password", None)
        for name, place in places.items():
            if name == "intermediate":
                settings["key"] = place
            elif name in _SSH_FIELDS and isinstance(settings.get("ssh"), dict):
                settings["ssh"][_SSH_FIELDS[name]] = place

    return _edited(config, edit)


def taking_keys_from_token(config: Secret, uri: str, keys: Mapping[str, str]) -> Secret:
    """A ca.json that takes its keys (intermediate, ssh-host, ssh-user) from a token, and holds no password."""

    def edit(settings: dict[str, Any]) -> None:
        settings["kms"] = {"type": "pkcs11", "uri": uri}

    with taking_keys_from(config, keys) as without:
        return _edited(without, edit)


def names_of(config: Secret) -> tuple[str, ...]:
    """The names that a CA answers to, by its ca.json. Raises TreeError."""

    def in_worker() -> bytes:
        names = from_json(bytes(config.view), CONFIG).get("dnsNames") or []
        return json.dumps([name for name in names if isinstance(name, str)]).encode()

    return tuple(json.loads(isolate(in_worker, config)))


def for_scratch(config: Secret, address: str, name: str, provisioner: Mapping[str, Any]) -> Secret:
    """A ca.json for a CA that serves this machine alone, for a moment: its own, but for what reaches elsewhere.

    Its keys come from files, its database is a new one, and this provisioner is the only one: others may want to ask
    somebody at the start, or to be asked.
    """

    def edit(settings: dict[str, Any]) -> None:
        for absent in ("insecureAddress", "metricsAddress", "monitoring", "kms", "password", "crl"):
            settings.pop(absent, None)
        settings["address"], settings["dnsNames"] = address, [name]
        settings["db"] = {"type": "badgerv2", "dataSource": "db"}
        settings["authority"] = {"provisioners": [provisioner]}

    return _edited(config, edit)


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
    return {CONFIG: Secret.of(to_json(settings)), DEFAULTS: Secret.of(to_json(defaults))}


def _edited(text: Secret, edit: Callable[[dict[str, Any]], None]) -> Secret:
    result = Secret(2 * len(text) + (1 << 16))

    def in_worker() -> bytes:
        settings = from_json(bytes(text.view), "the configuration")
        edit(settings)
        result.fill(to_json(settings))
        return b""

    isolate(in_worker, text, result)
    return result


def _move(settings: dict[str, Any], base: Path) -> None:
    """Point the paths of a ca.json at the new place: certificates in certs/, keys in secrets/, the database in db/.

    By what each path is for, as `hierarchy` looks for it; never by what happens to have the same name. What is in a
    KMS stays there.
    """
    kms = _kms_of(settings)
    authority = section(settings, "authority")
    issuer, ssh = section(authority, "certificateIssuer"), section(settings, "ssh")
    for holder, names in ((settings, ("root", "crt", "federatedRoots")), (issuer, ("crt",))):
        for name in names:
            if holder.get(name):
                holder[name] = _in_certs(holder[name], base)
    keys = [(settings, "key", kms), (ssh, "hostKey", kms), (ssh, "userKey", kms), (issuer, "key", "")]
    keys += [(provisioner, "decrypterKey", "") for provisioner in provisioners(settings)]
    for holder, name, where in keys:
        file = reference.file_of(holder[name], where) if isinstance(holder.get(name), str) else None
        if file:
            holder[name] = reference.pointed(holder[name], base / "secrets" / Path(file).name)
    for holder, name in _template_files(settings):
        before, mark, file = str(holder[name]).rpartition("/templates/")
        if before and mark:  # what is not absolute, step-ca looks for in its STEPPATH
            holder[name] = str(base / "templates" / file)
    database = settings.get("db")
    if isinstance(database, dict) and str(database.get("type", "")).startswith("badger"):
        database["dataSource"] = str(base / "db")


def _in_certs(value: object, base: Path) -> object:
    if isinstance(value, list):
        return [_in_certs(entry, base) for entry in value]
    return str(base / "certs" / Path(value).name) if isinstance(value, str) and value else value


def section(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object within a configuration; empty if it is not there. Raises TreeError for what is none."""
    value = settings.get(name)
    if value is not None and not isinstance(value, dict):
        message = f"The section {name} in {CONFIG} is not an object."
        raise TreeError(message)
    return value or {}


def provisioners(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The provisioners in a ca.json; those that are managed remotely are in the database."""
    found = section(settings, "authority").get("provisioners") or []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _template_files(settings: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Where a ca.json names files of templates: an object, and the name in it."""
    ssh = section(section(settings, "templates"), "ssh")
    found = [(entry, "template") for kind in ("user", "host") for entry in ssh.get(kind) or []]
    for provisioner in provisioners(settings):
        options = section(provisioner, "options")
        found += [(section(options, kind), "templateFile") for kind in ("x509", "ssh")]
    return [(holder, name) for holder, name in found if isinstance(holder, dict) and holder.get(name)]


def _kms_of(settings: Mapping[str, Any]) -> str:
    kms = section(settings, "kms")
    return str(kms.get("type") or str(kms.get("uri") or "").partition(":")[0]).lower()


def _strings(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def from_json(text: bytes, name: str) -> dict[str, Any]:
    """A configuration as an object. Only in a worker: it may hold a password. Raises TreeError."""
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        message = f"{name} is not a JSON object."
        raise TreeError(message)
    return settings


def to_json(settings: Mapping[str, Any]) -> bytes:
    """A configuration as step writes it."""
    return json.dumps(settings, indent="\t", ensure_ascii=False).encode()
