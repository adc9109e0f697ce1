"""Make the tree of an online CA: certificates, configuration, and its keys under passwords that are new."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from escrow import certificates, keys, passwords
from escrow.configuration import (
    CONFIG,
    DEFAULTS,
    INTERMEDIATE_CERTIFICATE,
    INTERMEDIATE_KEY,
    ROOT_CERTIFICATE,
    SSH_KEYS,
    to_json,
)
from escrow.errors import KeyFileError, TreeError
from escrow.memory import Secret
from escrow.online import ssh_templates
from escrow.online.provisioner import new_key
from escrow.online.settings import Settings
from escrow.progress import Progress
from escrow.stepca import certificates_in

KEYS, PROVISIONER = "intermediate", "provisioner"
"""The passwords of a tree: of its keys, and of the provisioner."""


@dataclass(frozen=True)
class OnlineTree:
    """The files of a tree by their names, private keys encrypted; and the passwords, by what they open. Close it."""

    files: Mapping[str, bytes]
    passwords: Mapping[str, Secret]
    root: str
    """The fingerprint of the root's certificate."""

    def close(self) -> None:
        """Wipe the passwords."""
        for password in self.passwords.values():
            password.close()


def needed() -> frozenset[str]:
    """The files of a CA that its online tree is made from, where they are there. The root's key is none of them."""
    return frozenset({ROOT_CERTIFICATE, INTERMEDIATE_CERTIFICATE, INTERMEDIATE_KEY, *(file for _, file in SSH_KEYS)})


def make(settings: Settings, files: Mapping[str, Secret], progress: Progress) -> OnlineTree:
    """The tree for step-ca of a CA, whose keys and certificates are `files` (keys as PKCS#8 PEM).

    step-ca signs with the first intermediate. With SSH keys among the files it signs for SSH, too. Raises TreeError
    for a file that is missing, KeyFileError or CertificateError for keys and certificates that do not belong together.
    """
    root, signer = (certificates_in(files, name)[0] for name in (ROOT_CERTIFICATE, INTERMEDIATE_CERTIFICATE))
    certificates.check_chain([signer], [root])
    wanted = {INTERMEDIATE_KEY: "intermediate"} | {file: name for name, file in SSH_KEYS if file in files}
    if INTERMEDIATE_KEY not in files or len(wanted) not in {1, 1 + len(SSH_KEYS)}:
        message = "The intermediate's key, or one of the two keys for SSH, is missing: no tree can be made without it."
        raise TreeError(message)
    ssh = len(wanted) > 1
    made = {
        name: certificates.to_pem(each) for name, each in ((ROOT_CERTIFICATE, root), (INTERMEDIATE_CERTIFICATE, signer))
    }
    with ExitStack() as undo:
        opening = {name: undo.enter_context(passwords.invent()) for name in (KEYS, PROVISIONER)}
        for number, (file, name) in enumerate(wanted.items()):
            progress("Encrypting keys", number, len(wanted))
            public = keys.public_half(files[file], name)
            if name == KEYS and public != certificates.public_key(signer):
                message = (
                    f"The private key {name} does not belong to {INTERMEDIATE_CERTIFICATE}: step-ca would not start."
                )
                raise KeyFileError(message)
            if name != KEYS:
                made[f"certs/{file.removeprefix('secrets/')}.pub"] = certificates.to_ssh_public_key(public)
            made[file] = keys.export(files[file], opening[KEYS])
        progress("Encrypting keys", len(wanted), len(wanted))
        provisioner = new_key(opening[PROVISIONER])
        undo.pop_all()
    fingerprint = certificates.fingerprint(root)
    made[CONFIG] = to_json(_configuration(settings, provisioner, ssh=ssh))
    made[DEFAULTS] = to_json(_defaults(settings, fingerprint))
    if ssh:
        made |= ssh_templates.files()
    return OnlineTree(made, opening, fingerprint)


def _configuration(settings: Settings, provisioner: Mapping[str, Any], *, ssh: bool) -> dict[str, Any]:
    place = settings.place
    allowed = {"claims": {"enableSSHCA": True}} if ssh else {}
    offered: list[dict[str, Any]] = [{"type": "JWK", "name": settings.provisioner, **provisioner, **allowed}]
    if settings.acme:
        offered.append({"type": "ACME", "name": "acme"})
    if ssh:
        offered.append({"type": "SSHPOP", "name": "sshpop", **allowed})
    content: dict[str, Any] = {
        "root": f"{place}/{ROOT_CERTIFICATE}",
        "federatedRoots": None,
        "crt": f"{place}/{INTERMEDIATE_CERTIFICATE}",
        "key": f"{place}/{INTERMEDIATE_KEY}",
        "address": settings.address,
        "dnsNames": list(settings.dns),
        "logger": {"format": "text"},
        "db": {"type": "badgerv2", "dataSource": f"{place}/db"},
        "authority": {"provisioners": offered},
    }
    if ssh:
        host, user = (f"{place}/{file}" for _, file in SSH_KEYS)
        content |= {"ssh": {"hostKey": host, "userKey": user}, "templates": ssh_templates.block(place)}
    return content


def _defaults(settings: Settings, fingerprint: str) -> dict[str, Any]:
    place = settings.place
    return {
        "ca-url": settings.url,
        "ca-config": f"{place}/{CONFIG}",
        "fingerprint": fingerprint,
        "root": f"{place}/{ROOT_CERTIFICATE}",
    }
