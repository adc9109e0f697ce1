"""A CA made by the real step goes onto paper, comes back, and the real step-ca works with it."""

import itertools
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import PASSWORD, StepTree, escrow, free_port, need, practice, rasterise, run, step_ca

from escrow import keys
from escrow.memory import Secret

NEW_PASSWORD = "a new one"
PAIRS = list(itertools.combinations((1, 2, 3), 2))
KINDS = ("P-256", "ssh", "RSA", "Ed25519")


@pytest.fixture(scope="module")
def sealed(
    trees: Callable[[str], StepTree], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[StepTree, Path]]:
    """A tree of a kind, sealed 2 of 3, and the directory with its package and pictures of its sheets."""
    done: dict[str, tuple[StepTree, Path]] = {}

    def seal(kind: str) -> tuple[StepTree, Path]:
        if kind not in done:
            tree, out = trees(kind), tmp_path_factory.mktemp("sealed") / "out"
            custodians = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]
            password = ["--password-file", tree.password_file, "--allow-disk"]
            escrow("seal", tree.path, "--threshold", "2", *custodians, "--out", out, *password, *practice()).expect()
            for x in (1, 2, 3):
                rasterise(out / f"shares/share-{x}.pdf", 150)
            done[kind] = tree, out
        return done[kind]

    return seal


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_ca_starts_and_issues_certificates_that_verify_with_the_original_root(
    kind: str, pair: tuple[int, int], sealed: Callable[[str], tuple[StepTree, Path]], tmp_path: Path
) -> None:
    tree, out = sealed(kind)
    restored, password_file = tmp_path / "restored", tmp_path / "password"
    password_file.write_text(NEW_PASSWORD + "\n")
    pages = [out / f"shares/share-{x}.png" for x in pair]
    escrow("recover", out / "package.escrow", *pages, "--to", restored, "--password-file", password_file).expect()

    original_root = tree.path / "certs/root_ca.crt"
    flags = ["--ca-url", tree.url, "--root", restored / "certs/root_ca.crt", "--provisioner", "admin"]
    flags += ["--provisioner-password-file", tree.provisioner_password_file, "--force"]
    leaf = tmp_path / "leaf.crt"
    with step_ca(restored, password_file, tree.url):
        issue = ["step", "ca", "certificate", "--not-after", "1h", *flags]
        run(*issue, "leaf.test", leaf, tmp_path / "leaf.key", env={"STEPPATH": str(tmp_path)}).expect()
        if kind == "ssh":
            issue = ["step", "ssh", "certificate", "--no-password", "--insecure", *flags]
            run(*issue, "someone@leaf.test", tmp_path / "id", env={"STEPPATH": str(tmp_path)}).expect()
            shown = run("step", "ssh", "inspect", tmp_path / "id-cert.pub").expect().out
            signer = run("ssh-keygen", "-l", "-f", restored / "certs/ssh_user_ca_key.pub").expect().out.split()[1]
            assert signer.removeprefix("SHA256:") in shown
    run("step", "certificate", "verify", leaf, "--roots", original_root).expect()


@pytest.mark.parametrize("kind", KINDS)
def test_the_restored_tree_has_the_same_keys_the_same_certificates_and_the_modes_of_step(
    kind: str, sealed: Callable[[str], tuple[StepTree, Path]], tmp_path: Path
) -> None:
    tree, out = sealed(kind)
    restored, password_file = tmp_path / "restored", tmp_path / "password"
    password_file.write_text(NEW_PASSWORD)
    pages = [out / "shares/share-3.pdf", out / "shares/share-1.pdf"]
    escrow("recover", out / "package.escrow", *pages, "--to", restored, "--password-file", password_file).expect()

    with Secret.of(PASSWORD.encode()) as old, Secret.of(NEW_PASSWORD.encode()) as new:
        for path in (tree.path / "secrets").iterdir():
            copy = restored / "secrets" / path.name
            before = keys.load(Secret.of(path.read_bytes()), old, path.name)
            after = keys.load(Secret.of(copy.read_bytes()), new, path.name)
            assert before.public == after.public
            assert before.pem.matches(after.pem)
    for path in (tree.path / "certs").iterdir():
        assert (restored / "certs" / path.name).read_bytes() == path.read_bytes()
    for path in tree.path.rglob("*"):
        relative = path.relative_to(tree.path)
        if relative.parts[0] != "db" and (path.is_file() or any(path.iterdir())):
            assert stat.S_IMODE((restored / relative).stat().st_mode) == stat.S_IMODE(path.stat().st_mode), relative
    defaults = json.loads((restored / "config/defaults.json").read_text())
    fingerprint = run("step", "certificate", "fingerprint", tree.path / "certs/root_ca.crt").expect().out.strip()
    assert defaults["fingerprint"] == fingerprint
    assert defaults["root"] == str(restored / "certs/root_ca.crt")


def test_restored_keys_are_encrypted_as_step_ca_reads_them(
    sealed: Callable[[str], tuple[StepTree, Path]], tmp_path: Path
) -> None:
    need("openssl")
    _, out = sealed("P-256")
    password_file = tmp_path / "password"
    password_file.write_text(NEW_PASSWORD)
    pages = [out / "shares/share-2.pdf", out / "shares/share-1.pdf"]
    escrow("recover", out / "package.escrow", *pages, "--to", tmp_path / "r", "--password-file", password_file).expect()
    parsed = run("openssl", "asn1parse", "-in", tmp_path / "r/secrets/root_ca_key").expect().out
    for part in ("PBES2", "PBKDF2", ":0927C0", "hmacWithSHA256", "aes-256-cbc"):  # 0x0927C0 is 600,000
        assert part in parsed


def test_only_the_keys_that_are_asked_for_are_restored(
    sealed: Callable[[str], tuple[StepTree, Path]], tmp_path: Path
) -> None:
    tree, out = sealed("P-256")
    password_file = tmp_path / "password"
    password_file.write_text(NEW_PASSWORD)
    restored = tmp_path / "restored"
    pages = [out / "shares/share-2.pdf", out / "shares/share-3.pdf"]
    only = ["--only", "intermediate", "--password-file", password_file]
    escrow("recover", out / "package.escrow", *pages, "--to", restored, *only).expect()
    assert [path.name for path in (restored / "secrets").iterdir()] == ["intermediate_ca_key"]
    with step_ca(restored, password_file, tree.url):
        pass


def test_a_stranger_recovers_with_ssss_openssl_and_unzip_alone(
    sealed: Callable[[str], tuple[StepTree, Path]], tmp_path: Path
) -> None:
    """Follows the lines printed on the sheet and in the package; no code of this project runs here."""
    need("ssss-combine", "openssl", "unzip", "pdftotext", "ssh-keygen")
    tree, out = sealed("ssh")
    texts = [run("pdftotext", "-layout", out / f"shares/share-{x}.pdf", "-").expect().out for x in (3, 1)]
    wrapping_key = ""
    for lane in ("left", "right"):
        lines = [line.split()[1] for text in texts for line in text.splitlines() if line.startswith(lane + " ")]
        assert len(lines) == 2
        combined = run("ssss-combine", "-t", "2", "-x", "-D", stdin="\n".join(lines) + "\n").expect()
        wrapping_key += combined.err.split()[-1]
    preamble = (out / "package.escrow").read_text()
    set_id = next(line.split()[-1].rstrip(".") for line in preamble.splitlines() if "carry the set id" in line)
    run(
        *("openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-in", out / "package.escrow"),
        *("-secretkey", wrapping_key, "-secretkeyid", set_id, "-out", tmp_path / "keys.zip"),
    ).expect()
    run("unzip", "-q", "keys.zip", cwd=tmp_path).expect()
    for key, certificate in (("root_ca_key", "root_ca.crt"), ("intermediate_ca_key", "intermediate_ca.crt")):
        public = run("openssl", "pkey", "-in", tmp_path / "secrets" / key, "-pubout").expect().out
        assert public == run("openssl", "x509", "-in", tree.path / "certs" / certificate, "-noout", "-pubkey").out
    for key in ("ssh_host_ca_key", "ssh_user_ca_key"):
        (tmp_path / "secrets" / key).chmod(0o600)
        line = run("ssh-keygen", "-y", "-f", tmp_path / "secrets" / key).expect().out.split()[:2]
        assert line == (tree.path / f"certs/{key}.pub").read_text().split()[:2]


def test_a_generated_ca_is_sealed_restored_and_started(tmp_path: Path, shm: Path) -> None:
    custodians = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]
    escrow("seal", "--generate", "New CA", "--threshold", "2", *custodians, "--out", shm / "out", *practice()).expect()
    password_file = tmp_path / "password"
    password_file.write_text(NEW_PASSWORD)
    pages = [shm / "out/shares/share-1.pdf", shm / "out/shares/share-2.pdf"]
    restored = tmp_path / "restored"
    escrow("recover", shm / "out/package.escrow", *pages, "--to", restored, "--password-file", password_file).expect()
    settings = json.loads((restored / "config/ca.json").read_text())
    port = free_port()
    settings["address"] = f"127.0.0.1:{port}"
    (restored / "config/ca.json").write_text(json.dumps(settings))
    with step_ca(restored, password_file, f"https://localhost:{port}"):
        pass
    run(
        "step",
        "certificate",
        "verify",
        restored / "certs/intermediate_ca.crt",
        "--roots",
        restored / "certs/root_ca.crt",
    ).expect()
