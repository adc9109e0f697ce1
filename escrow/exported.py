"""What `step-ca export` wrote: a CA in one file of JSON, with its certificates and encrypted keys in it.

Source: certificates v0.30, authority/export.go and authority/provisioners.go; linkedca v0.25.
The file holds keys: it is parsed in workers only. A ca.json is made from it, because step-ca starts from nothing else.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from escrow.configuration import CONFIG, DEFAULTS, EXPORT, from_json, section, to_json
from escrow.errors import TreeError
from escrow.files import read_secret
from escrow.memory import Secret, isolate
from escrow.note import Kind, Note, listed
from escrow.place import MAX_FILE, Found

_CARRIED = ("JWK", "ACME", "SSHPOP")
_PLAIN = {"id", "authorityId", "type", "name", "details", "claims", "createdAt", "deletedAt"}
_SAME = ("address", "insecureAddress", "dnsNames", "logger", "db", "monitoring")
_SAME_OF_AUTHORITY = ("backdate", "template", "enableAdmin", "disableIssuedAtCheck")


class Export:
    """A tree in one file, with the same methods as a Directory."""

    def __init__(self, path: Path, files: Mapping[str, Secret], config: Mapping[str, Secret]) -> None:
        self.path, self._files, self._config = path, files, config
        self._taken = {name for name in files if name.startswith("templates/")}
        self.notes: list[Note] = []

    def __str__(self) -> str:
        return str(self.path)

    def public_files(self) -> dict[str, Secret]:
        """The templates, and the configuration that was made from the export."""
        templates = {name: content for name, content in self._files.items() if name.startswith("templates/")}
        return {**templates, **self._config}

    def find(self, directory: str, reference: str) -> Found | None:
        """A file by the name that the export has for it; None if it is not in there."""
        content = self._files.get(reference)
        self._taken.add(reference)
        name = f"{directory}/{Path(reference).name}"
        return Found(name, f"{self.path}, {reference}", content, None) if content else None

    def check_distinct(self, references: Iterable[str]) -> None:
        """Raise TreeError if two files that it names would be one file in the package."""
        seen: dict[str, str] = {}
        for reference in references:
            if seen.setdefault(Path(reference).name, reference) != reference:
                message = f"{self.path} names two files called {Path(reference).name}: escrow the STEPPATH itself."
                raise TreeError(message)

    def secret_files(self) -> Iterator[Found]:
        """What nothing in the configuration names: it may be a key all the same."""
        for reference in sorted(self._files.keys() - self._taken):
            if found := self.find("secrets", reference):
                yield found


def read(path: Path) -> Export:
    """Read an export. Raises TreeError for any other file."""
    with read_secret(path, MAX_FILE) as text:

        def in_worker() -> bytes:
            fields = from_json(bytes(text.view), str(path))
            if "intermediateKey" not in fields or not isinstance(fields.get("files"), dict):
                message = (
                    f"{path} is neither a directory nor what 'step-ca export' writes: name the STEPPATH, the directory "
                    "with certs, config and secrets in it."
                )
                raise TreeError(message)
            for name in fields["files"]:
                _check_name(name, path)
            settings, left = _configuration(fields)
            lengths = {name: len(_content(content, name)) for name, content in fields["files"].items()}
            rest = {name: value for name, value in fields.items() if name != "files"}
            sizes = [len(to_json(settings)), len(to_json(rest))]
            return json.dumps({"lengths": lengths, "left": left, "sizes": sizes}).encode()

        facts = json.loads(isolate(in_worker, text))
        files = {name: _taken(text, name, length) for name, length in facts["lengths"].items()}
        config = _configurations(text, facts["sizes"])
    export = Export(path, files, config)
    export.notes.append(Note(Kind.OTHER, f"{path} is an export: a ca.json was made from it.", _CHECK))
    if facts["left"]:
        found = f"The ca.json made from {path} lacks {listed(facts['left'])}; {EXPORT} in the package has it."
        export.notes.append(Note(Kind.OTHER, found, "Better escrow the STEPPATH itself."))
    return export


_CHECK = "Compare it with the original before you start step-ca from it."


def _taken(text: Secret, name: str, length: int) -> Secret:
    content = Secret(max(length, 1))

    def in_worker() -> bytes:
        content.fill(_content(json.loads(bytes(text.view))["files"][name], name))
        return b""

    isolate(in_worker, text, content)
    return content


def _configurations(text: Secret, sizes: list[int]) -> dict[str, Secret]:
    config, rest = Secret(sizes[0]), Secret(sizes[1])

    def in_worker() -> bytes:
        fields = json.loads(bytes(text.view))
        config.fill(to_json(_configuration(fields)[0]))
        rest.fill(to_json({name: value for name, value in fields.items() if name != "files"}))
        return b""

    isolate(in_worker, text, config, rest)
    defaults = Secret.of(to_json({"ca-config": CONFIG, "fingerprint": "", "root": ""}))
    return {CONFIG: config, EXPORT: rest, DEFAULTS: defaults}


def _configuration(fields: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A ca.json, and what of the export is not in it."""
    authority = section(fields, "authority")
    found = [(entry.get("name"), _provisioner(entry)) for entry in authority.get("provisioners") or []]
    left = [f"the provisioner {name}" for name, made in found if not made]
    for entry in authority.get("provisioners") or []:
        if entry.get("type") in _CARRIED:
            left += [f"{what} of the provisioner {entry.get('name')}" for what in _not_carried(entry)]
    left += [f"the section {name}" for name in ("templates",) if fields.get(name)]
    left += [f"authority.{name}" for name in ("claims", "policy", "certificateAuthority") if authority.get(name)]
    settings = {
        "root": fields.get("root"),
        "federatedRoots": fields.get("federatedRoots"),
        "crt": fields.get("intermediate"),
        "key": fields["intermediateKey"],
        **{name: fields[name] for name in _SAME if name in fields},
        "authority": {
            **{name: authority[name] for name in _SAME_OF_AUTHORITY if name in authority},
            "provisioners": [made for _, made in found if made],
        },
    }
    if tls := section(fields, "tls"):
        settings["tls"] = tls | {name: float(tls[name]) for name in ("minVersion", "maxVersion") if tls.get(name)}
    if ssh := section(fields, "ssh"):
        settings["ssh"] = {name: ssh[name] for name in ("hostKey", "userKey") if ssh.get(name)}
    if kms := section(fields, "kms"):
        settings["kms"] = {**kms, "type": str(kms.get("type", "")).lower()}
    return settings, left


def _provisioner(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """A provisioner as ca.json has it; None for the kinds that are not _CARRIED."""
    kind, details = entry.get("type"), section(entry, "details")
    claims = {"claims": {"enableSSHCA": True}} if section(section(entry, "claims"), "ssh").get("enabled") else {}
    if kind == "JWK":
        jwk = section(details, "JWK")
        key = json.loads(base64.b64decode(jwk["publicKey"]))
        encrypted = base64.b64decode(jwk.get("encryptedPrivateKey") or "").decode()
        return {"type": "JWK", "name": entry.get("name"), "key": key, "encryptedKey": encrypted, **claims}
    if kind in {"ACME", "SSHPOP"}:
        return {"type": kind, "name": entry.get("name"), **claims}
    return None


def _not_carried(entry: Mapping[str, Any]) -> Iterator[str]:
    """What a provisioner that is carried over has besides what is."""
    yield from (name for name in sorted(entry.keys() - _PLAIN) if entry[name])
    details = section(section(entry, "details"), str(entry.get("type")))
    yield from (name for name in sorted(details.keys() - {"publicKey", "encryptedPrivateKey"}) if details[name])
    claims = section(entry, "claims")
    ssh, x509 = section(claims, "ssh"), section(claims, "x509")
    if claims.keys() - {"ssh", "x509"} or ssh.keys() - {"enabled"} or x509.keys() - {"enabled"}:
        yield "claims"


def _check_name(name: str, path: Path) -> None:
    """Raise TreeError for the name of a file that could leave the tree."""
    if ".." in Path(name).parts or not Path(name).name or not name.isprintable():
        message = f"{path} names a file {name!r}, which cannot be a file's name in a tree: escrow the STEPPATH itself."
        raise TreeError(message)


def _content(content: object, name: str) -> bytes:
    try:
        return base64.b64decode(str(content), validate=True)
    except ValueError:
        message = f"The file {name} in the export is not in base64: it is damaged. Export again."
        raise TreeError(message) from None
