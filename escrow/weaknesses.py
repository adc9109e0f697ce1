"""What is weak about a CA that is imported, and what to do about it. Nothing is changed, and no secret is told.

The root's key is never removed for anybody. When a CA was sealed, nobody has read its sheets yet; the tree may be a
copy, whose removal proves nothing; and what overwriting does on an SSD, nobody knows. So the command is told, with what
must hold before.
"""

import datetime as dt
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from escrow import jwe, protection
from escrow.configuration import CONFIG, EXPORT, from_json, provisioners, section
from escrow.memory import Secret, isolate
from escrow.note import Kind, Note, listed
from escrow.passwords import strip_end
from escrow.progress import Progress
from escrow.stepca import Hierarchy, Tree

_MOST_TRIES = 64
# What holds a secret of a provisioner, in ca.json and in an export; `encryptedKey` is public.
_SECRET_FIELDS = re.compile(
    r"decrypterKeyPEM|decrypterKeyPassword|challenge|clientSecret|secret|bearerToken|password|decrypter\.(key|keyPassword)"
)
SOON = dt.timedelta(days=365)

_OTHERS = 0o077
_PIN = re.compile(r"(?i)pin-value=|management-key=")
_LOGIN = re.compile(r":[^/@]+@")
_RANDOM = "give each key a long random password of its own (step crypto change-pass FILE)"


def find(
    tree: Tree, hierarchy: Hierarchy, opened: Mapping[str, Secret], now: dt.datetime, progress: Progress
) -> list[Note]:
    """All weaknesses of a tree; `opened` says which password opened which key."""
    encrypted, clear = _in_configuration(tree.files[CONFIG]) if CONFIG in tree.files else ({}, [])
    exported = _in_export(tree.files[EXPORT]) if EXPORT in tree.files else []
    return [
        *_of_files(tree),
        *_of_passwords(tree, opened),
        *_of_provisioners(encrypted, opened, progress),
        *_of_clear_text("ca.json", clear),
        *_of_clear_text("export.json", exported),
        *_of_certificates(hierarchy, now),
        *_of_root(tree),
    ]


def _of_files(tree: Tree) -> Iterator[Note]:
    looks = {key.found.source: protection.look(key.found.content) for key in tree.keys}
    if plain := [source for source, look in looks.items() if not look.encrypted]:
        yield Note(Kind.WEAK, f"Not encrypted: {listed(plain)}.", "Encrypt it: step crypto change-pass FILE.")
    for weakness in sorted({look.weakness for look in looks.values() if look.weakness}):
        files = listed([source for source, look in looks.items() if look.weakness == weakness])
        advice = (
            "Only a long random password withstands guessing then; or encrypt anew: openssl pkcs8 -topk8 "
            "-v2 aes-256-cbc -iter 600000 -in FILE -out NEW."
        )
        yield Note(Kind.WEAK, f"{files}: {weakness}.", advice)
    modes = {found.source: found.mode or 0 for found in (*(key.found for key in tree.keys), *tree.others)}
    if open_to_others := [f"{source} ({mode:04o})" for source, mode in modes.items() if mode & _OTHERS]:
        yield Note(Kind.WEAK, f"Group or others may read {listed(open_to_others)}.", "chmod 600, for its owner alone.")


def _of_passwords(tree: Tree, opened: Mapping[str, Secret]) -> Iterator[Note]:
    for names in _by_password(opened).values():
        if len(names) > 1:
            advice = f"Whoever learns it has them all: {_RANDOM}."
            yield Note(Kind.WEAK, f"One password protects the keys {listed(names)}.", advice)
    for found in tree.others:
        strip_end(found.content)
        names = [name for name, password in opened.items() if password.matches(found.content)]
        if names:
            advice = (
                "Keep it where only step-ca gets it when it starts (a credential of systemd, a secret of the "
                "container), and never beside the keys or in their backups."
            )
            noun = "keys" if len(names) > 1 else "key"
            yield Note(
                Kind.WEAK, f"{found.source} has the password of the {noun} {listed(names)} in clear text.", advice
            )
        else:
            yield Note(Kind.OTHER, f"{found.source} is not a private key and is not escrowed.")


def _by_password(opened: Mapping[str, Secret]) -> dict[str, list[str]]:
    """The keys that have one password in common, by the first of them."""
    groups: dict[str, list[str]] = {}
    for name, password in opened.items():
        same = next((first for first in groups if opened[first].matches(password)), name)
        groups.setdefault(same, []).append(name)
    return groups


def _of_provisioners(encrypted: Mapping[str, str], opened: Mapping[str, Secret], progress: Progress) -> Iterator[Note]:
    groups = _by_password(opened)
    tries = [(name, key, first) for name, key in encrypted.items() for first in groups]
    if len(tries) > _MOST_TRIES:  # each takes up to a second
        found = f"ca.json has {len(encrypted)} provisioners with encrypted keys: not all were tried."
        yield Note(Kind.OTHER, found, "See that none has the password of a key of the CA.")
        tries = tries[:_MOST_TRIES]
    total = len(tries)
    for number, (name, key, first) in enumerate(tries):
        progress("Trying the passwords on the provisioners", number, total)
        if jwe.opens(key, opened[first]):
            found = (
                f"The password of {listed(groups[first])} also opens the provisioner {name}, whose encrypted key "
                "step-ca serves to anybody who asks."
            )
            advice = "It can be guessed at from afar: make that provisioner anew with a password of its own."
            yield Note(Kind.WEAK, found, advice)
    if tries:
        progress("Trying the passwords on the provisioners", total, total)


def _of_clear_text(file: str, fields: list[str]) -> Iterator[Note]:
    if fields:
        advice = f"Whoever reads the file has it, and it comes back with a recovery: move it out, and chmod 600 {file}."
        yield Note(Kind.WEAK, f"{file} has secrets in clear text: {listed(fields)}.", advice)


def _of_certificates(hierarchy: Hierarchy, now: dt.datetime) -> Iterator[Note]:
    for certificate in dict.fromkeys((*hierarchy.roots, *hierarchy.chain)):
        end, begin = certificate.not_valid_after_utc, certificate.not_valid_before_utc
        subject = certificate.subject.rfc4514_string()
        advice = "Issue a new one from the root." if certificate not in hierarchy.roots else "Plan a new root."
        if end < now:
            yield Note(Kind.WEAK, f"The certificate of {subject} expired on {end:%Y-%m-%d}.", advice)
        elif end < now + SOON:
            left = (end - now).days
            yield Note(Kind.WEAK, f"The certificate of {subject} expires on {end:%Y-%m-%d}, in {left} days.", advice)
        if begin > now:
            advice = "Look at this machine's clock."
            yield Note(
                Kind.WEAK, f"The certificate of {subject} is not valid before {begin:%Y-%m-%d %H:%M} UTC.", advice
            )


def _of_root(tree: Tree) -> Iterator[Note]:
    sources = {key.name: Path(key.found.source) for key in tree.keys if key.found.mode is not None}
    root, intermediate = sources.get("root"), sources.get("intermediate")
    if root and intermediate and root.parent == intermediate.parent:
        found = "The root's private key lies beside the intermediate's: whoever takes the machine has the root, too."
        advice = (
            "step-ca never reads it. Remove it from the machine when, and only when, every sheet was read back from "
            "paper, a quorum has opened the package (escrow recover), and the copies of the package are at their "
            f"places: escrow remove-root-key {shlex.quote(str(root))} PACKAGE... (a snapshot, a backup, a journal or "
            "an SSD may keep it: think of those, too)."
        )
        yield Note(Kind.WEAK, found, advice)


def _in_configuration(config: Secret) -> tuple[dict[str, str], list[str]]:
    """The encrypted keys of provisioners, which are public, by name; and which fields of a ca.json hold secrets."""

    def in_worker() -> bytes:
        settings = from_json(bytes(config.view), CONFIG)
        kms, issuer = section(settings, "kms"), section(section(settings, "authority"), "certificateIssuer")
        ssh, database = section(settings, "ssh"), section(settings, "db")
        fields = {
            "password": settings.get("password"),
            "kms.pin": kms.get("pin"),
            "kms.managementKey": kms.get("managementKey"),
            "kms.uri": _PIN.search(str(kms.get("uri"))),
            "key": _PIN.search(str(settings.get("key"))),
            "ssh.hostKey": _PIN.search(str(ssh.get("hostKey"))),
            "ssh.userKey": _PIN.search(str(ssh.get("userKey"))),
            "db.dataSource": _LOGIN.search(str(database.get("dataSource"))),
            "authority.certificateIssuer.password": issuer.get("password"),
        }
        encrypted = {}
        for entry in provisioners(settings):
            name = str(entry.get("name"))
            fields |= {f"{field} of the provisioner {name}": True for field in _secrets_in(entry)}
            if isinstance(entry.get("encryptedKey"), str) and entry["encryptedKey"]:
                encrypted[name] = entry["encryptedKey"]
        return json.dumps([encrypted, [name for name, value in fields.items() if value]]).encode()

    encrypted, fields = json.loads(isolate(in_worker, config))
    return encrypted, fields


def _in_export(exported: Secret) -> list[str]:
    """Which fields of what an export had besides hold secrets."""

    def in_worker() -> bytes:
        found = provisioners(from_json(bytes(exported.view), EXPORT))
        fields = [f"{field} of the provisioner {entry.get('name')}" for entry in found for field in _secrets_in(entry)]
        return json.dumps(fields).encode()

    fields: list[str] = json.loads(isolate(in_worker, exported))
    return fields


def _secrets_in(entry: object) -> Iterator[str]:
    """The names of the fields of a provisioner that hold a secret, wherever in it they are."""
    waiting: list[tuple[str, object]] = [("", entry)]
    while waiting:  # no recursion: how deeply it is nested is somebody else's choice
        within, part = waiting.pop()
        if isinstance(part, list):
            waiting += [(within, each) for each in part]
        elif isinstance(part, dict):
            waiting += part.items()
            named = {f"{within}.{name}" if within == "decrypter" else str(name): value for name, value in part.items()}
            yield from (
                name
                for name, each in named.items()
                if each and isinstance(each, str) and _SECRET_FIELDS.fullmatch(name)
            )
