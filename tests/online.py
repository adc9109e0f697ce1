"""Trees of online CAs for the tests, and the real step-ca and step on them."""

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from authorities import issued, quiet
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import ssh
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from helpers import free_port, need, run, serving

from escrow import keys
from escrow.configuration import SSH_KEYS
from escrow.files import NewFiles
from escrow.keys import Algorithm
from escrow.memory import Secret
from escrow.online.settings import Settings
from escrow.online.tree import KEYS, PROVISIONER, OnlineTree, make


@functools.cache
def ssh_keys(algorithm: Algorithm) -> dict[str, Secret]:
    """Keys for SSH, each kind made once."""
    return {file: keys.generate(algorithm).pem for _, file in SSH_KEYS}


def members(algorithm: Algorithm, *, ssh: bool = True) -> dict[str, Secret]:
    """All of a CA that was issued, as it is when its package was opened; the root's key, too."""
    authority = issued(algorithm).authority
    own = {entry.file: entry.key.pem for entry in authority.keys}
    return {**own, **authority.files, **(ssh_keys(algorithm) if ssh else {})}


def lay_out(tree: OnlineTree, place: Path) -> None:
    """Write a tree as the ceremony writes it onto a medium."""
    with NewFiles(place) as out:
        for name, content in tree.files.items():
            out.write(name, content)
        out.publish()


@dataclass(frozen=True)
class Online:
    """A step-ca that runs from a tree of ours."""

    place: Path
    url: str
    acme_port: int
    provisioner_password: Path

    @property
    def root(self) -> Path:
        return self.place / "certs/root_ca.crt"

    @property
    def intermediate(self) -> Path:
        return self.place / "certs/intermediate_ca.crt"

    def step(self, command: str, *arguments: object) -> str:
        """Run the real step as a client of this CA; what it said."""
        home = self.place.parent / "client"
        home.mkdir(exist_ok=True)
        client = ("--ca-url", self.url, "--root", self.root)
        env = {"STEPPATH": str(home), "HOME": str(home)}
        done = run("step", *command.split(), *client, *arguments, env=env).expect()
        return done.out + done.err

    @property
    def by_password(self) -> tuple[object, ...]:
        """The options of the provisioner that works with a password."""
        return "--provisioner", "admin", "--provisioner-password-file", self.provisioner_password


@contextmanager
def online(files: dict[str, Secret], base: Path) -> Iterator[Online]:
    """Make a tree, lay it out, start the real step-ca from it, with the passwords of the handover in files."""
    need("step", "step-ca")
    place, port, acme_port = base / "tree", free_port(), free_port()
    settings = Settings(("localhost", "127.0.0.1"), f"127.0.0.1:{port}", str(place))
    with ExitStack() as undo:
        tree = make(settings, files, quiet)
        undo.callback(tree.close)
        lay_out(tree, place)
        for name in (KEYS, PROVISIONER):
            (base / name).write_bytes(bytes(tree.passwords[name].view) + b"\n")
        command = ["step-ca", "--password-file", base / KEYS, "--insecure", "--acme-http-port", acme_port]
        command.append(place / "config/ca.json")
        undo.enter_context(serving(command, settings.url, place / "certs/root_ca.crt"))
        yield Online(place, settings.url, acme_port, base / PROVISIONER)


def check_all(ca: Online, base: Path) -> None:
    """A leaf by the password of the handover, one by ACME, SSH certificates; and every verifier agrees."""
    leaf, key = base / "leaf.crt", base / "leaf.key"
    ca.step("ca certificate", *ca.by_password, "leaf.test", leaf, key)
    check_chain(ca, leaf, "leaf.test")
    leaf, key = base / "acme.crt", base / "acme.key"
    challenge = ("--provisioner", "acme", "--standalone", "--http-listen", f"127.0.0.1:{ca.acme_port}")
    ca.step("ca certificate", *challenge, "localhost", leaf, key)
    check_chain(ca, leaf, "localhost")
    check_ssh(ca, base)


def check_chain(ca: Online, file: Path, name: str) -> None:
    """What step, OpenSSL and cryptography say of a chain."""
    run("step", "certificate", "verify", file, "--roots", ca.root, "--host", name).expect()
    verify = ("openssl", "verify", "-x509_strict", "-CAfile", ca.root, "-untrusted", ca.intermediate)
    run(*verify, "-verify_hostname", name, file).expect()
    leaf, intermediate, *rest = x509.load_pem_x509_certificates(file.read_bytes())
    assert not rest
    root = x509.load_pem_x509_certificate(ca.root.read_bytes())
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName(name))
    if isinstance(root.public_key(), ed25519.Ed25519PublicKey):
        # Its policy is that of the public web, which has no Ed25519: so signatures and names are checked one by one.
        with pytest.raises(VerificationError):
            verifier.verify(leaf, [intermediate])
        leaf.verify_directly_issued_by(intermediate)
        intermediate.verify_directly_issued_by(root)
        root.verify_directly_issued_by(root)
    else:
        assert verifier.verify(leaf, [intermediate]) == [leaf, intermediate, root]


def check_ssh(ca: Online, base: Path) -> None:
    """Certificates for a user and for a host are signed by the right one of the two keys."""
    plain = ("--no-password", "--insecure", "--no-agent")
    for whose, name, option in (("user", "someone", ()), ("host", "host.test", ("--host",))):
        file = base / f"ssh-{whose}"
        ca.step("ssh certificate", *option, *ca.by_password, *plain, name, file)
        issued_line = file.with_name(f"{file.name}-cert.pub").read_bytes()
        found = ssh.load_ssh_public_identity(issued_line)
        assert isinstance(found, ssh.SSHCertificate)
        found.verify_cert_signature()
        signer = found.signature_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        assert signer + b"\n" == (ca.place / f"certs/ssh_{whose}_ca_key.pub").read_bytes()
        assert f"{whose} certificate" in run("ssh-keygen", "-L", "-f", f"{file}-cert.pub").expect().out
