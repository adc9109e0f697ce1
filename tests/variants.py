"""CAs as step, step-ca, openssl and ssh-keygen leave them: each variant once a session, and copied by who bends it."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import PASSWORD, PROVISIONER_PASSWORD, free_port, need, run, step_ca

from escrow.choice import EVERYTHING, Choice

CA_KEYS = ("root", "intermediate")
SSH_KEYS = ("ssh-host", "ssh-user")
ROOT_PATH_LENGTH = 2


@dataclass(frozen=True)
class Variant:
    """What is imported: from where, how, which keys it has, and the port of its step-ca if that can start."""

    path: Path
    choice: Choice = EVERYTHING
    keys: tuple[str, ...] = CA_KEYS
    port: int | None = None


class Workbench:
    """A folder with the password files, where trees are made."""

    def __init__(self, folder: Path, common: Callable[[], Path]) -> None:
        need("step", "step-ca", "openssl", "ssh-keygen")
        self.folder, self.common = folder, common
        self.password, self.provisioner_password = folder / "password", folder / "provisioner-password"
        self.password.write_text(PASSWORD + "\n")
        self.provisioner_password.write_text(PROVISIONER_PASSWORD + "\n")
        self.port = free_port()

    def init(self, path: Path, *options: object) -> Path:
        """Run `step ca init` with STEPPATH there."""
        path.mkdir(parents=True, exist_ok=True)
        run(
            *("step", "ca", "init", "--name", "Variant", "--dns", "localhost", "--address", f"127.0.0.1:{self.port}"),
            *("--provisioner", "admin", "--password-file", self.password),
            *("--provisioner-password-file", self.provisioner_password),
            *(options if "--ra" in options or "--pki" in options else ("--deployment-type", "standalone", *options)),
            env={"STEPPATH": str(path)},
        ).expect()
        return path

    def create(self, profile: str, name: str, *options: object) -> tuple[Path, Path]:
        """Run `step certificate create`; return the certificate's file and the key's."""
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        kind = () if "--template" in options else ("--profile", profile)
        create = ("step", "certificate", "create", "--password-file", self.password, "--not-after", "80000h")
        run(*create, *kind, *options, name, *files).expect()
        return files

    def by(self, certificate: Path, key: Path) -> tuple[object, ...]:
        """The options that name an issuer."""
        return ("--ca", certificate, "--ca-key", key, "--ca-password-file", self.password)

    def tree(self) -> Path:
        """A tree as `step ca init` makes it, with this port."""
        made = self.common()
        copy = Path(shutil.copytree(made, self.folder / "step"))
        for file in (copy / "config").iterdir():
            text = file.read_text().replace(str(made), str(copy))
            file.write_text(re.sub(r"(127.0.0.1|localhost):[0-9]+", rf"\1:{self.port}", text))
        return copy


def change(tree: Path, **settings: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Change fields of a tree's ca.json."""
    config = tree / "config/ca.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | settings))


def contexts(bench: Workbench) -> Variant:
    """Two contexts in one STEPPATH, the second with a profile of another name and SSH."""
    path = bench.folder / "step"
    bench.init(path, "--context", "alpha")
    bench.init(path, "--context", "beta", "--profile", "work", "--authority", "second", "--ssh")
    return Variant(path, Choice("beta"), (*CA_KEYS, *SSH_KEYS), bench.port)


def pki_only(bench: Workbench) -> Variant:
    """Keys and certificates without ca.json."""
    return Variant(bench.init(bench.folder / "step", "--pki", "--ssh"), keys=(*CA_KEYS, *SSH_KEYS))


def given_root(bench: Workbench) -> Variant:
    """A root that existed before, whose key was never in the tree."""
    certificate, key = bench.create("root-ca", "old-root")
    options = ("--root", certificate, "--key", key, "--key-password-file", bench.password)
    path = bench.init(bench.folder / "step", *options)
    return Variant(path, Choice(key_files={"root": key}), port=bench.port)


def root_offline(bench: Workbench) -> Variant:
    """The same, and the root's key is not there; everything else is asked for."""
    made = given_root(bench)
    return Variant(made.path, Choice(without=frozenset({"root"})), ("intermediate",), bench.port)


def root_of_another_name(bench: Workbench) -> Variant:
    """The root's key lies in secrets/ under a name of its own."""
    tree = bench.tree()
    (tree / "secrets/root_ca_key").rename(tree / "secrets/offline.pem")
    return Variant(tree, keys=("intermediate", "root"), port=bench.port)


def bundle(bench: Workbench) -> Variant:
    """Three levels: the file of the intermediate also holds the certificate of the one above it."""
    tree = bench.tree()
    root = bench.create("root-ca", "deep-root", "--template", _template(bench.folder, 2))
    above = bench.create("intermediate-ca", "above", *bench.by(*root), "--template", _template(bench.folder, 1))
    below = bench.create("intermediate-ca", "below", *bench.by(*above))
    (tree / "certs/intermediate_ca.crt").write_bytes(below[0].read_bytes() + above[0].read_bytes())
    shutil.copy(root[0], tree / "certs/root_ca.crt")
    shutil.copy(root[1], tree / "secrets/root_ca_key")
    shutil.copy(below[1], tree / "secrets/intermediate_ca_key")
    return Variant(tree, port=bench.port)


def _template(folder: Path, path_length: int) -> Path:
    template = folder / f"template-{path_length}.json"
    constraints = {"isCA": True, "maxPathLen": path_length}
    fields = {"keyUsage": ["certSign", "crlSign"], "basicConstraints": constraints}
    issuer = '"issuer": {{ toJson .Subject }}, ' if path_length == ROOT_PATH_LENGTH else ""
    template.write_text('{"subject": {{ toJson .Subject }}, ' + issuer + json.dumps(fields)[1:])
    return template


def several_roots(bench: Workbench) -> Variant:
    """An array of roots, one file of which has two, and a federated root outside the tree."""
    tree = bench.tree()
    new = bench.create("root-ca", "new-root")[0]
    newer = bench.create("root-ca", "newer-root")[0]
    federated = bench.create("root-ca", "friend")[0]
    (tree / "certs/new_roots.crt").write_bytes(new.read_bytes() + newer.read_bytes())
    roots = [str(tree / "certs/new_roots.crt"), str(tree / "certs/root_ca.crt")]
    change(tree, root=roots, federatedRoots=[str(federated)])
    return Variant(tree, port=bench.port)


def root_in_a_bundle(bench: Workbench) -> Variant:
    """The one file of roots has another root first."""
    tree = bench.tree()
    new = bench.create("root-ca", "new-root")[0]
    roots = tree / "certs/root_ca.crt"
    roots.write_bytes(new.read_bytes() + roots.read_bytes())
    return Variant(tree, port=bench.port)


def export(bench: Workbench) -> Variant:
    """What `step-ca export` writes."""
    tree = bench.init(bench.folder / "step", "--acme")
    command = ("step-ca", "export", "--password-file", bench.password, tree / "config/ca.json")
    written = bench.folder / "export.json"
    written.write_text(run(*command, env={"STEPPATH": str(tree)}).expect().out)
    return Variant(written, Choice(without=frozenset({"root"})), ("intermediate",), bench.port)


def docker_volume(bench: Workbench) -> Variant:
    """A volume of the Docker image: STEPPATH is /home/step in there, and the password lies beside the keys."""
    tree = bench.tree()
    for name in ("ca.json", "defaults.json"):
        file = tree / "config" / name
        file.write_text(file.read_text().replace(str(tree), "/home/step"))
    shutil.copy(bench.password, tree / "secrets/password")
    return Variant(tree, port=bench.port)


def templates(bench: Workbench) -> Variant:
    """SSH, and a template of a provisioner, named by its absolute path."""
    tree = bench.init(bench.folder / "step", "--ssh")
    leaf = tree / "templates/certs/x509/leaf.tpl"
    leaf.parent.mkdir(parents=True)
    leaf.write_text('{"subject": {"commonName": "made by the template"}, "sans": {{ toJson .SANs }}}')
    authority = json.loads((tree / "config/ca.json").read_text())["authority"]
    authority["provisioners"][0]["options"] = {"x509": {"templateFile": str(leaf)}}
    change(tree, authority=authority)
    return Variant(tree, keys=(*CA_KEYS, *SSH_KEYS), port=bench.port)


def registration_authority_with_ssh(bench: Workbench) -> Variant:
    """A registration authority that signs for SSH by itself; the CA above it must be running when it is made."""
    tree = _registration_authority(bench, "--ssh")
    return Variant(tree, Choice(without=frozenset({"intermediate"})), SSH_KEYS)


def _registration_authority(bench: Workbench, *options: str) -> Path:
    above = bench.init(bench.folder / "above")
    url, root = f"https://localhost:{bench.port}", above / "certs/root_ca.crt"
    fingerprint = run("step", "certificate", "fingerprint", root).expect().out.strip()
    issuer = ("--issuer", url, "--issuer-fingerprint", fingerprint, "--issuer-provisioner", "admin")
    with step_ca(above, bench.password, url):
        return bench.init(bench.folder / "ra", "--ra", "StepCAS", *issuer, *options)


def registration_authority(bench: Workbench) -> Variant:
    """A registration authority: it has no key at all."""
    return Variant(_registration_authority(bench), keys=())


def key_in_a_form(*convert: str) -> Callable[[Workbench], Variant]:
    """The intermediate's key in another form, made by a command of the plain key IN to OUT, or of IN in place.

    What is restored is of one form, whatever it was: step-ca starting from it would show nothing new.
    """

    def make(bench: Workbench) -> Variant:
        tree = bench.tree()
        key, plain = tree / "secrets/intermediate_ca_key", bench.folder / "plain"
        run("openssl", "ec", "-in", key, "-passin", f"pass:{PASSWORD}", "-out", plain).expect()
        run(*(part.replace("IN", str(plain)).replace("OUT", str(key)) for part in convert)).expect()
        if convert[0] == "ssh-keygen":
            shutil.copy(plain, key)
        return Variant(tree)

    return make


def softkms(form: str) -> Callable[[Workbench], Variant]:
    """The intermediate's key named by a URI: TREE in it stands for the path of the tree."""

    def make(bench: Workbench) -> Variant:
        tree = bench.tree()
        change(tree, key=form.replace("TREE", str(tree)), kms={"type": "softkms"})
        return Variant(tree, port=bench.port)

    return make


VARIANTS: dict[str, Callable[[Workbench], Variant]] = {
    "contexts": contexts,
    "--pki": pki_only,
    "a root kept elsewhere": given_root,
    "a root that is offline": root_offline,
    "a root's key of another name": root_of_another_name,
    "three levels": bundle,
    "several roots": several_roots,
    "a root in a bundle": root_in_a_bundle,
    "an export": export,
    "a Docker volume": docker_volume,
    "templates": templates,
    "a registration authority with SSH": registration_authority_with_ssh,
    "softkms, a path": softkms("softkms:TREE/secrets/intermediate_ca_key"),
    "softkms, path=": softkms("softkms:path=TREE/secrets/intermediate_ca_key"),
    "SoftKMS, ?path=": softkms("SoftKMS:?path=TREE/secrets/intermediate_ca_key"),
    "SEC1, plain": key_in_a_form("openssl", "ec", "-in", "IN", "-out", "OUT"),
    "PKCS#8, plain": key_in_a_form("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", "IN", "-out", "OUT"),
    "PKCS#8, encrypted": key_in_a_form(
        *("openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "600000", "-in", "IN", "-out", "OUT"),
        *("-passout", f"pass:{PASSWORD}"),
    ),
    "OpenSSH, encrypted": key_in_a_form("ssh-keygen", "-p", "-q", "-N", PASSWORD, "-P", "", "-f", "IN"),
}
