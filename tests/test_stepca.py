"""Trees as they are found in the field: read whole, or refused with what is wrong and what to do."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from helpers import PASSWORD, StepTree

from escrow import certificates, keys, note, sealing, stepca
from escrow.authority import Authority, import_tree
from escrow.choice import EVERYTHING, Choice
from escrow.errors import CertificateError, EscrowError, FileError, KeyFileError, TreeError
from escrow.files import NewFiles
from escrow.issuing.draft import draft
from escrow.issuing.make import generate
from escrow.issuing.profile import step_ca_init
from escrow.issuing.signing import sign
from escrow.memory import Secret
from escrow.policy import Policy
from escrow.share import Kind

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def quiet(*_: object) -> None:
    """Nobody watches the progress here."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return generate("Trees", NOW, quiet)


@pytest.fixture
def tree(authority: Authority, tmp_path: Path) -> Path:
    """A small tree with plain keys, written by hand: every part of it can be bent."""
    path = tmp_path / "step"
    for name in ("certs", "secrets", "config"):
        (path / name).mkdir(parents=True)
    for name, content in authority.files.items():
        (path / name).write_bytes(content.view)
    for entry in authority.keys:
        (path / entry.file).write_bytes(entry.key.pem.view)
    return path


def change(tree: Path, **settings: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    config = tree / "config/ca.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | settings))


def root_of(key: keys.PrivateKey, name: str) -> x509.Certificate:
    """A root certificate for a key."""
    profiles = step_ca_init(name, NOW)
    publics = {profile.name: key.public for profile in profiles}
    return sign(draft(profiles, publics)[:1], key)[0]


def no_password(name: str, problem: str | None) -> Secret:
    message = f"no password for {name}: {problem}"
    raise KeyFileError(message)


def imported(tree: Path, choice: Choice = EVERYTHING) -> Authority:
    return import_tree(tree, no_password, quiet, NOW, choice)


def names(authority: Authority) -> list[str]:
    return [entry.name for entry in authority.keys]


def test_a_plain_tree_is_read_whole(tree: Path) -> None:
    read = imported(tree)
    assert read.name == "Trees"
    assert names(read) == ["root", "intermediate"]
    assert set(read.files) == {
        "certs/root_ca.crt",
        "certs/intermediate_ca.crt",
        "config/ca.json",
        "config/defaults.json",
    }
    found = [(each.kind, each.found.split(":")[0].split()[0]) for each in read.notes]
    assert found == [(note.Kind.WEAK, word) for word in ("Not", "Group", "The")]  # encrypted; may read; root's key


def bundle(tree: Path) -> None:
    """The intermediate's file also holds the root, as step-ca allows."""
    chain = (tree / "certs/intermediate_ca.crt").read_bytes() + (tree / "certs/root_ca.crt").read_bytes()
    (tree / "certs/intermediate_ca.crt").write_bytes(chain)


def moved_away(tree: Path) -> None:
    """The tree was copied from another machine: the paths in ca.json lead nowhere."""
    change(tree, root="/home/gone/.step/certs/root_ca.crt", key="/home/gone/.step/secrets/intermediate_ca_key")


def elsewhere(tree: Path) -> None:
    """The intermediate's key lies outside the tree."""
    outside = tree.parent / "vault_key"
    (tree / "secrets/intermediate_ca_key").rename(outside)
    change(tree, key=str(outside))


def several_roots(tree: Path) -> None:
    """A second root, of which this CA's intermediate knows nothing."""
    other = generate("Other", NOW, quiet)
    (tree / "certs/other_root.crt").write_bytes(other.files["certs/root_ca.crt"].view)
    change(tree, root=["certs/other_root.crt", "certs/root_ca.crt"])


def extra_files(tree: Path) -> None:
    """A password file and one more key with its certificate beside the rest."""
    (tree / "secrets/password").write_text("not a key\n")
    key = keys.generate("Ed25519")
    (tree / "secrets/spare_key").write_bytes(key.pem.view)
    (tree / "certs/spare.crt").write_bytes(certificates.to_pem(root_of(key, "Spare")))


GOOD: dict[str, tuple[Callable[[Path], None], list[str], str]] = {
    "an intermediate bundled with its root": (bundle, ["root", "intermediate"], ""),
    "a tree copied from another machine": (moved_away, ["root", "intermediate"], ""),
    "a key outside the tree": (elsewhere, ["root", "intermediate"], ""),
    "several roots": (several_roots, ["root", "intermediate"], ""),
    "softkms: before the path": (
        lambda t: change(t, key="softkms:secrets/intermediate_ca_key"),
        ["root", "intermediate"],
        "",
    ),
    "more in secrets": (
        extra_files,
        ["root", "intermediate", "spare_key"],
        "secrets/password is not a private key and is not escrowed",
    ),
    "no ca.json": (lambda t: (t / "config/ca.json").unlink(), ["root", "intermediate"], "has no config/ca.json"),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_tree_is_read_and_restored_however_it_is_laid_out(kind: str, tree: Path, tmp_path: Path) -> None:
    bend, expected, note = GOOD[kind]
    bend(tree)
    read = imported(tree)
    assert names(read) == expected
    assert note in "\n".join(map(str, read.notes))
    with Secret.of(b"new") as password, NewFiles(tmp_path / "restored") as out:
        encrypted = {entry.file: keys.export(entry.key.pem, password) for entry in read.keys}
        stepca.write_tree(out, read.files, encrypted)
        out.publish()
        again = import_tree(tmp_path / "restored", lambda *_: password, quiet, NOW)
    assert names(again)[: len(expected)] == expected
    for before, after in zip(read.keys, again.keys, strict=True):
        assert before.key.pem.matches(after.key.pem)


def other_key(tree: Path) -> None:
    (tree / "secrets/intermediate_ca_key").write_bytes((tree / "secrets/root_ca_key").read_bytes())


def other_root(tree: Path) -> None:
    other = generate("Other", NOW, quiet)
    for file in ("certs/root_ca.crt", "secrets/root_ca_key"):
        content = other.files.get(file) or other.keys[0].key.pem
        (tree / file).write_bytes(content.view)


def leaf_as_intermediate(tree: Path) -> None:
    (tree / "certs/intermediate_ca.crt").write_bytes((tree / "certs/root_ca.crt").read_bytes() * 2)


def emptied(tree: Path) -> None:
    shutil.rmtree(tree)
    tree.mkdir()


def gigabyte(tree: Path) -> None:
    with (tree / "certs/big").open("wb") as file:
        file.truncate(1 << 30)  # sparse


def wrong_json(text: str) -> Callable[[Path], object]:
    return lambda tree: (tree / "config/ca.json").write_text(text)


def key_among_certificates(tree: Path) -> None:
    (tree / "certs/old.pem").write_bytes((tree / "secrets/root_ca_key").read_bytes())


def two_files_of_one_name(tree: Path) -> None:
    """ca.json names two roots that would have the same name in the package."""
    (tree.parent / "other").mkdir()
    other = generate("Other", NOW, quiet)
    (tree.parent / "other/root_ca.crt").write_bytes(other.files["certs/root_ca.crt"].view)
    change(tree, root=["certs/root_ca.crt", str(tree.parent / "other/root_ca.crt")])


BAD: dict[str, tuple[Callable[[Path], object], type[EscrowError], str]] = {
    "another key": (other_key, KeyFileError, "private key intermediate does not belong to its certificate"),
    "a private key among the certificates": (key_among_certificates, TreeError, "certs/old.pem holds a private key"),
    "two files of one name": (two_files_of_one_name, TreeError, "both would be certs/root_ca.crt"),
    "another root": (other_root, CertificateError, "was not issued by CN=Other Root CA"),
    "a certificate missing": (
        lambda t: (t / "certs/intermediate_ca.crt").unlink(),
        TreeError,
        "copy the file there",
    ),
    "a key missing": (lambda t: (t / "secrets/intermediate_ca_key").unlink(), TreeError, "Copy the file there"),
    "a damaged certificate": (
        lambda t: (t / "certs/root_ca.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        CertificateError,
        "certs/root_ca.crt holds no readable certificate",
    ),
    "a damaged key": (
        lambda t: (t / "secrets/root_ca_key").write_text(
            "-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----"
        ),
        KeyFileError,
        "The key root",
    ),
    "no root key": (lambda t: (t / "secrets/root_ca_key").unlink(), TreeError, "root: it is not at"),
    "a ca.json that is no JSON": (wrong_json("{"), TreeError, "config/ca.json is not a JSON object"),
    "a ca.json that is a list": (wrong_json("[]"), TreeError, "config/ca.json is not a JSON object"),
    "a path that is a number": (lambda t: change(t, crt=7), TreeError, "something else than a path"),
    "an ssh section that is a list": (lambda t: change(t, ssh=[1]), TreeError, "section ssh"),
    "a file of a gigabyte": (gigabyte, FileError, "longer than"),
    "no tree at all": (shutil.rmtree, TreeError, "is not a directory"),
    "an empty directory": (emptied, TreeError, "is missing"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_tree_that_cannot_be_escrowed_says_why_and_what_to_do(kind: str, tree: Path) -> None:
    bend, error, expected = BAD[kind]
    bend(tree)
    with pytest.raises(error) as raised:
        imported(tree)
    assert expected in str(raised.value)
    assert "1234" not in str(raised.value)


def test_a_pin_in_ca_json_stays_out_of_the_manifest_and_of_messages(tree: Path, tmp_path: Path) -> None:
    change(tree, password="hunter2 in clear text")
    with NewFiles(tmp_path / "out") as out:
        order = sealing.Order(Kind.SPECIMEN, Policy.plain(2, 2), ("Anna", "Bert"), NOW)
        sealing.seal(imported(tree), order, out, quiet)
        out.publish()
    assert b"hunter2" not in (tmp_path / "out/package.escrow").read_bytes()


def test_certificates_of_the_real_step_pass_although_they_outlive_their_root(
    trees: Callable[[str], StepTree],
) -> None:
    tree = trees("P-256")
    with Secret.of(PASSWORD.encode()) as password:
        read = import_tree(tree.path, lambda *_: password, quiet, NOW)
    hierarchy = stepca.hierarchy(read.files)
    assert hierarchy.chain[0].not_valid_after_utc > hierarchy.roots[0].not_valid_after_utc


def test_a_file_of_the_same_name_elsewhere_never_becomes_the_root(tree: Path, tmp_path: Path) -> None:
    """What ca.json points to after a recovery is what was checked, not what is called the same."""
    other = generate("Other", NOW, quiet)
    for place in ("certs/z-backup", "config", "templates"):
        (tree / place).mkdir(exist_ok=True)
        (tree / place / "root_ca.crt").write_bytes(other.files["certs/root_ca.crt"].view)
    with NewFiles(tmp_path / "restored") as out:
        stepca.write_tree(out, imported(tree).files, {})
        out.publish()
    settings = json.loads((tmp_path / "restored/config/ca.json").read_text())
    defaults = json.loads((tmp_path / "restored/config/defaults.json").read_text())
    root = certificates.read((tree / "certs/root_ca.crt").read_bytes(), "root")[0]
    assert settings["root"] == defaults["root"] == str(tmp_path / "restored/certs/root_ca.crt")
    assert defaults["fingerprint"] == certificates.fingerprint(root)


def test_a_copy_of_a_tree_is_taken_as_it_is_although_the_original_differs(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    change(copy, root=str(tree / "certs/root_ca.crt"), key=str(tree / "secrets/intermediate_ca_key"))
    (tree / "secrets/intermediate_ca_key").write_text("something else by now")
    read = imported(copy)
    assert names(read) == ["root", "intermediate"]
    assert "the latter was taken" in "\n".join(map(str, read.notes))


def test_keys_in_folders_of_secrets_and_federated_roots_are_taken_along(tree: Path) -> None:
    (tree / "secrets/sub").mkdir()
    key = keys.generate("EC P-384")
    (tree / "secrets/sub/spare").write_bytes(key.pem.view)
    outside = tree.parent / "federated.crt"
    outside.write_bytes(certificates.to_pem(root_of(key, "Federated")))
    change(tree, federatedRoots=[str(outside)])
    read = imported(tree)
    assert names(read) == ["root", "intermediate", "sub/spare"]
    assert "certs/federated.crt" in read.files
