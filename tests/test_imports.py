"""Whatever step-ca can have is imported, sealed, and comes back the same; what cannot be is named, with the reason."""

import base64
import datetime as dt
import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import PASSWORD, run, step_ca
from variants import VARIANTS, Variant, Workbench, change, registration_authority

from escrow import recovery, sealing, shamir
from escrow.authority import Authority, import_tree
from escrow.choice import EVERYTHING, Choice
from escrow.errors import KeyFileError, TreeError
from escrow.files import NewFiles
from escrow.memory import Secret
from escrow.note import Kind as NoteKind
from escrow.package import Package
from escrow.policy import Policy
from escrow.share import Kind

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)  # after certificates that step makes now
Making = Callable[[str], tuple[Variant, Workbench]]


def quiet(*_: object) -> None:
    """Nobody watches the progress here."""


def imported(path: Path, choice: Choice = EVERYTHING) -> Authority:
    with Secret.of(PASSWORD.encode()) as password:

        def answer(_: str, problem: str | None) -> Secret:
            if problem:
                raise KeyFileError(problem)
            return password

        return import_tree(path, answer, quiet, NOW, choice)


def notes(authority: Authority, kind: NoteKind) -> str:
    return "\n".join(str(note) for note in authority.notes if note.kind is kind)


def there_and_back(authority: Authority, target: Path) -> None:
    """Seal 2 of 2, recombine, open, and restore under the same password."""
    order = sealing.Order(Kind.SPECIMEN, Policy.plain(2, 2), ("Anna", "Bert"), NOW)
    sealed = sealing.seal_package(authority, order, quiet)
    values = {position.x: bytes(share.view) for position, share in sealed.shares.items()}
    with Secret.of(shamir.combine(values, 2)) as wrapping_key, Secret.of(PASSWORD.encode()) as password:
        package = Package.decode(sealed.text)
        members = recovery.open_checked(package, wrapping_key)
        with NewFiles(target) as out:
            recovery.restore(package.manifest, members, (), password, out=out, progress=quiet)
            out.publish()
    sealed.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Making:
    @functools.cache
    def common() -> Path:
        return Workbench(tmp_path_factory.mktemp("variant"), common).init(tmp_path_factory.mktemp("common") / "step")

    @functools.cache
    def make(name: str) -> tuple[Variant, Workbench]:
        bench = Workbench(tmp_path_factory.mktemp("variant"), common)
        return VARIANTS[name](bench), bench

    return make


@pytest.fixture
def tree(made: Making, tmp_path: Path) -> Path:
    """A copy of a Docker volume's tree, to be bent."""
    return Path(shutil.copytree(made("a Docker volume")[0].path, tmp_path / "step"))


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_comes_back_the_same_and_step_ca_starts_from_it(name: str, made: Making, tmp_path: Path) -> None:
    variant, bench = made(name)
    before = imported(variant.path, variant.choice)
    assert {entry.name for entry in before.keys} == set(variant.keys)
    assert len(before.keys) == len(variant.keys)
    restored = tmp_path / "restored"
    there_and_back(before, restored)
    after = imported(restored, Choice(without=variant.choice.without))
    for one in before.keys:
        other = next(entry for entry in after.keys if entry.file == one.file)
        assert one.name == other.name
        assert one.key.pem.matches(other.key.pem)
    assert len(after.keys) == len(before.keys)
    for file, content in before.files.items():
        if not file.startswith("config/"):
            assert content.matches(after.files[file]), file
    if name == "templates":  # the original is still there: step-ca would find that one, too
        assert str(restored / "templates/certs/x509/leaf.tpl") in (restored / "config/ca.json").read_text()
    if variant.port:
        root = tmp_path / "root.crt"
        pem = (restored / "certs/root_ca.crt").read_text()  # other roots may stand before it, and step wants one
        root.write_text(pem[pem.rindex("-----BEGIN") :])
        url = f"https://localhost:{variant.port}"
        with step_ca(restored, bench.password, url):
            leaf = tmp_path / "leaf.crt"
            issue = ("step", "ca", "certificate", "leaf.test", leaf, tmp_path / "leaf.key", "--ca-url", url)
            password = ("--provisioner", "admin", "--provisioner-password-file", bench.provisioner_password)
            run(*issue, "--root", root, *password, env={"STEPPATH": str(tmp_path)}).expect()
        run("step", "certificate", "verify", leaf, "--roots", root).expect()
        if name == "templates":
            shown = run("step", "certificate", "inspect", "--format", "json", leaf).expect().out
            assert json.loads(shown)["subject"]["common_name"] == ["made by the template"]


KEPT: dict[str, tuple[str, dict[str, str], str]] = {
    "cloudkms": ("cloudkms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", {}, "Google Cloud KMS"),
    "cloudkms without a scheme": ("projects/p/cryptoKeys/k", {"type": "cloudkms"}, "Google Cloud KMS"),
    "awskms": ("awskms:key-id=ab-cd;region=eu-west-1", {"type": "awskms"}, "AWS KMS"),
    "azurekms": ("azurekms:name=k;vault=v", {"uri": "azurekms:client-secret=1234"}, "Azure Key Vault"),
    "pkcs11": ("pkcs11:id=7332;object=key?pin-value=1234", {"type": "pkcs11", "pin": "1234"}, "an HSM behind PKCS#11"),
    "yubikey": ("yubikey:slot-id=9c;pin-value=1234;management-key=1234", {"type": "yubikey"}, "a YubiKey"),
    "tpmkms": ("tpmkms:name=k", {"type": "tpmkms"}, "this machine's TPM"),
    "sshagentkms": ("sshagentkms:someone@host", {"type": "sshagentkms"}, "an ssh-agent"),
    "capi": ("CAPI:store=My;key=k", {}, "the certificate store of Windows"),
    "mackms": ("mackms:label=k", {}, "Apple's Keychain"),
    "kms": ("kms:name=k", {}, "the platform's own store"),
    "an unknown one": ("newkms:name=k", {}, "a KMS that is not known here"),
    "standard input": ("-", {}, "no file: step-ca reads it from standard input"),
}


@pytest.mark.parametrize("kind", KEPT)
def test_a_key_that_is_in_no_file_is_named_with_the_reason_and_never_sealed_silently(
    kind: str, tree: Path, tmp_path: Path
) -> None:
    key, kms, holder = KEPT[kind]
    change(tree, key=key, kms=kms)
    with pytest.raises(TreeError, match="has not got every key of the CA") as raised:
        imported(tree)
    assert f"intermediate: it is in {holder}" in str(raised.value)
    assert "--without intermediate" in str(raised.value)
    read = imported(tree, Choice(without=frozenset({"intermediate"})))
    # The file of the same name in secrets/ is not what step-ca signs with, as far as ca.json says; yet it is a key.
    assert [entry.name for entry in read.keys] == ["root", "intermediate_ca_key"]
    assert f"NOT ESCROWED: The key intermediate: it is in {holder}" in notes(read, NoteKind.ABSENT)
    for text in (str(raised.value), *map(str, read.notes)):
        assert "1234" not in text
    there_and_back(read, tmp_path / "restored")
    settings = json.loads((tmp_path / "restored/config/ca.json").read_text())
    assert (settings["key"], settings["kms"]) == (key, kms)  # what is in a KMS stays where it is


def test_the_file_of_a_key_that_ca_json_does_not_name_by_a_file_can_be_given(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "of-the-hsm.pem"
    (tree / "secrets/intermediate_ca_key").rename(copy)
    change(tree, key="yubikey:slot-id=9c")
    read = imported(tree, Choice(key_files={"intermediate": copy}))
    assert [(entry.name, entry.file) for entry in read.keys] == [
        ("root", "secrets/root_ca_key"),
        ("intermediate", "secrets/intermediate_ca_key"),
    ]
    assert not notes(read, NoteKind.ABSENT)


def test_a_key_file_is_given_for_a_key_that_there_is(tree: Path) -> None:
    with pytest.raises(TreeError, match="has no key ssh-host: it has root and intermediate"):
        imported(tree, Choice(key_files={"ssh-host": tree / "secrets/root_ca_key"}))
    with pytest.raises(KeyFileError, match=r"root does not belong .*root_ca.crt: it fits certs/intermediate_ca.crt"):
        imported(tree, Choice(key_files={"root": tree / "secrets/intermediate_ca_key"}))


def test_a_missing_root_key_is_told_before_any_password_is_asked_for(tree: Path) -> None:
    (tree / "secrets/root_ca_key").unlink()

    def never(name: str, problem: str | None) -> Secret:
        message = f"asked for {name}, {problem}"
        raise AssertionError(message)

    with pytest.raises(TreeError, match=r"root: it is not at .*--key NAME=FILE.*--without root"):
        import_tree(tree, never, quiet, NOW)


def test_several_contexts_are_listed_and_one_is_taken_by_its_name(made: Making, tmp_path: Path) -> None:
    path = made("contexts")[0].path
    with pytest.raises(TreeError, match=r"alpha, beta \(the current one\)\. Name the one to escrow"):
        imported(path)
    with pytest.raises(TreeError, match="has no context gamma: it has alpha"):
        imported(path, Choice("gamma"))
    with pytest.raises(TreeError, match="it has no contexts"):
        imported(path / "authorities/alpha", Choice("alpha"))
    assert len(imported(path, Choice("alpha")).keys) == len(imported(path / "authorities/alpha").keys) == 2
    one = Path(shutil.copytree(path, tmp_path / "step"))
    shutil.rmtree(one / "authorities/alpha")
    (one / "contexts.json").write_text('{"beta": {"profile": "work", "authority": "second"}}')
    assert "authorities/second was taken" in notes(imported(one), NoteKind.OTHER)
    (one / "contexts.json").write_text('{"beta": {"authority": "../../elsewhere"}}')
    with pytest.raises(TreeError, match="names no authority"):
        imported(one)


def test_a_tree_with_contexts_beside_it_is_taken_and_the_contexts_are_named(made: Making, tree: Path) -> None:
    other = made("contexts")[0].path
    shutil.copytree(other / "authorities", tree / "authorities")
    shutil.copy(other / "contexts.json", tree)
    read = imported(tree)
    assert len(read.keys) == 2
    assert "one a context (alpha, beta), are not part of this" in notes(read, NoteKind.OTHER)


def test_a_registration_authority_without_keys_says_what_it_is_and_what_there_is(tmp_path: Path, made: Making) -> None:
    bench = Workbench(tmp_path, made("a Docker volume")[1].common)
    variant = registration_authority(bench)
    with pytest.raises(TreeError, match="holds no private key that could be escrowed") as raised:
        imported(variant.path)
    assert f"registration authority (stepcas, https://localhost:{bench.port})" in str(raised.value)
    assert "certs/root_ca.crt" in str(raised.value)


def test_keys_of_an_issuer_and_of_scep_are_taken_along_and_found_again(tree: Path, tmp_path: Path) -> None:
    issuer, scep = tree.parent / "issuer.key", tree.parent / "scep.key"
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", issuer).expect()
    run("openssl", "genpkey", "-algorithm", "RSA", "-out", scep).expect()
    authority = json.loads((tree / "config/ca.json").read_text())["authority"]
    authority["provisioners"] += [{"type": "SCEP", "name": "old", "decrypterKey": f"softkms:{scep}"}]
    change(tree, authority=authority | {"certificateIssuer": {"type": "x5c", "key": str(issuer)}})
    read = imported(tree)
    assert [entry.name for entry in read.keys] == ["root", "intermediate", "issuer", "scep-old"]
    there_and_back(read, tmp_path / "restored")
    found = json.loads((tmp_path / "restored/config/ca.json").read_text())["authority"]
    assert found["certificateIssuer"]["key"] == str(tmp_path / "restored/secrets/issuer.key")
    assert found["provisioners"][-1]["decrypterKey"] == f"softkms:{tmp_path}/restored/secrets/scep.key"
    assert (tmp_path / "restored/secrets/scep.key").exists()


def test_two_keys_of_one_name_are_refused(tree: Path, tmp_path: Path) -> None:
    issuer = tmp_path / "root_ca_key"
    shutil.copy(tree / "secrets/root_ca_key", issuer)
    authority = json.loads((tree / "config/ca.json").read_text())["authority"]
    (tree / "secrets/root_ca_key").unlink()
    (tree / "secrets/sub").mkdir()
    change(tree, key=str(tree / "secrets/sub/x"), authority=authority | {"certificateIssuer": {"key": str(issuer)}})
    (tree / "secrets/intermediate_ca_key").rename(tree / "secrets/sub/x")
    root = tmp_path / "sub" / "root_ca_key"
    root.parent.mkdir()
    shutil.copy(issuer, root)
    with pytest.raises(TreeError, match=r"Two keys of .* are called secrets/root_ca_key"):
        imported(tree, Choice(key_files={"root": root}))


def test_a_template_outside_the_tree_is_named_as_not_escrowed(tree: Path, tmp_path: Path) -> None:
    template = tmp_path / "elsewhere/leaf.tpl"
    template.parent.mkdir()
    template.write_text("{}")
    authority = json.loads((tree / "config/ca.json").read_text())["authority"]
    authority["provisioners"][0]["options"] = {"x509": {"templateFile": str(template)}}
    change(tree, authority=authority)
    assert f"The template {template} lies outside" in notes(imported(tree), NoteKind.ABSENT)


def with_provisioners(bench: Workbench, tree: Path) -> None:
    """Provisioners of every kind that step-ca exports without asking anybody on the network."""
    key, certificate = bench.folder / "scep.key", bench.folder / "scep.crt"
    run("openssl", "genpkey", "-algorithm", "RSA", "-out", key).expect()
    run("openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=scep", "-out", certificate).expect()
    public = run("openssl", "pkey", "-in", key, "-pubout").expect().out.encode()

    def encoded(content: bytes) -> str:
        return base64.b64encode(content).decode()

    authority = json.loads((tree / "config/ca.json").read_text())["authority"]
    scep = {"decrypterCertificate": encoded(certificate.read_bytes()), "decrypterKeyPEM": encoded(key.read_bytes())}
    authority["provisioners"][0] |= {
        "options": {"x509": {"template": "{}"}, "webhooks": [{"name": "w", "url": "https://x/", "kind": "ENRICHING"}]},
        "claims": {"maxTLSCertDuration": "48h"},
    }
    authority["provisioners"][1] |= {"requireEAB": True}
    authority["provisioners"] += [
        {"type": "SCEP", "name": "scep", "challenge": "guess me", "minimumPublicKeyLength": 2048, **scep},
        {"type": "X5C", "name": "x5c", "roots": encoded((tree / "certs/root_ca.crt").read_bytes())},
        {"type": "K8sSA", "name": "k8s", "publicKeys": encoded(public)},
        {"type": "AWS", "name": "aws", "accounts": ["1"]},
    ]
    change(tree, authority=authority | {"claims": {"maxTLSCertDuration": "48h"}})


def test_whatever_provisioners_an_export_has_are_kept_and_what_its_ca_json_lacks_is_named(
    made: Making, tmp_path: Path
) -> None:
    bench = Workbench(tmp_path, made("a Docker volume")[1].common)
    tree = bench.init(tmp_path / "step", "--acme")
    with_provisioners(bench, tree)
    command = ("step-ca", "export", "--password-file", bench.password, tree / "config/ca.json")
    exported = run(*command, env={"STEPPATH": str(tree)}).expect().out
    file = tmp_path / "export.json"
    file.write_text(exported)
    read = imported(file, Choice(without=frozenset({"root"})))
    lacks = notes(read, NoteKind.OTHER)
    for what in (
        *("the provisioner scep", "the provisioner x5c", "the provisioner k8s", "the provisioner aws"),
        *(
            "webhooks of the provisioner admin",
            "x509Template of the provisioner admin",
            "claims of the provisioner admin",
        ),
        *("requireEab of the provisioner acme", "authority.claims"),
    ):
        assert what in lacks, what
    weak = notes(read, NoteKind.WEAK)
    assert "export.json has secrets in clear text: challenge of the provisioner scep and decrypter.key of the" in weak
    assert "guess me" not in weak + lacks
    there_and_back(read, tmp_path / "restored")
    kept = json.loads((tmp_path / "restored/config/export.json").read_text())
    assert kept == {name: value for name, value in json.loads(exported).items() if name != "files"}
    with_files = json.loads(exported)
    assert {Path(name).name for name in with_files["files"]} <= {
        path.name for path in (tmp_path / "restored").rglob("*") if path.is_file()
    }


def test_a_key_in_an_export_that_nothing_names_is_escrowed_all_the_same(made: Making, tmp_path: Path) -> None:
    fields = json.loads(made("an export")[0].path.read_text())
    key = tmp_path / "spare.key"
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", key).expect()
    fields["files"] |= {
        "/etc/spare.key": base64.b64encode(key.read_bytes()).decode(),
        "/etc/remark": base64.b64encode(b"not a key").decode(),
        "templates/x.tpl": base64.b64encode(b"{}").decode(),
    }
    file = tmp_path / "export.json"
    file.write_text(json.dumps(fields))
    read = imported(file, Choice(without=frozenset({"root"})))
    assert [(entry.name, entry.file) for entry in read.keys][1:] == [("spare.key", "secrets/spare.key")]
    assert "/etc/remark is not a private key and is not escrowed" in notes(read, NoteKind.OTHER)
    assert "templates/x.tpl" in read.files


@pytest.mark.parametrize("name", ["templates/../../x", "../x", "templates/..", "", "templates/a\nb", "/"])
def test_an_export_that_names_a_file_outside_the_tree_is_refused(name: str, made: Making, tmp_path: Path) -> None:
    fields = json.loads(made("an export")[0].path.read_text())
    fields["files"][name] = base64.b64encode(b"{}").decode()
    file = tmp_path / "export.json"
    file.write_text(json.dumps(fields))
    with pytest.raises(TreeError, match="which cannot be a file's name in a tree"):
        imported(file, Choice(without=frozenset({"root"})))


WRONG_EXPORTS: dict[str, tuple[Callable[[dict[str, object]], object], str]] = {
    "a ca.json": (lambda fields: fields.pop("intermediateKey"), "name the STEPPATH"),
    "no files": (lambda fields: fields.update(files=None), "name the STEPPATH"),
    "a file that is not base64": (lambda fields: fields.update(files={"certs/x": "%"}), "is not in base64"),
    "a certificate missing": (lambda fields: fields.update(files={}), "is missing"),
}


@pytest.mark.parametrize("kind", WRONG_EXPORTS)
def test_a_file_that_is_no_export_or_a_damaged_one_is_refused(kind: str, made: Making, tmp_path: Path) -> None:
    bend, expected = WRONG_EXPORTS[kind]
    fields = json.loads(made("an export")[0].path.read_text())
    bend(fields)
    file = tmp_path / "export.json"
    file.write_text(json.dumps(fields))
    with pytest.raises(TreeError, match=expected):
        imported(file)


def test_an_export_says_what_its_ca_json_lacks_and_keeps_it(made: Making, tmp_path: Path) -> None:
    fields = json.loads(made("an export")[0].path.read_text())
    fields["authority"]["provisioners"] += [{"type": "OIDC", "name": "google", "details": {"OIDC": {}}}]
    file = tmp_path / "export.json"
    file.write_text(json.dumps(fields))
    read = imported(file, Choice(without=frozenset({"root"})))
    assert "lacks the provisioner google" in notes(read, NoteKind.OTHER)
    kept = json.loads(bytes(read.files["config/export.json"].view))
    assert kept["authority"] == fields["authority"]
    assert "files" not in kept  # the keys are in secrets/ of the package, and nowhere else
