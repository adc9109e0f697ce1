"""Keys that come from paper go to somebody's public key, as one file that only the private half opens."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import StepTree, escrow, need, practice, run
from test_recipient import KINDS, public_of, written

from escrow.recovery import RECOVERED

CUSTODIANS = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]


@pytest.fixture(scope="module")
def recover(trees: Callable[[str], StepTree], tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The command that recovers a tree which was sealed, without a target."""
    tree, out = trees("P-256"), tmp_path_factory.mktemp("sealed") / "out"
    password = ["--password-file", tree.password_file, "--allow-disk"]
    escrow("seal", tree.path, "--threshold", "2", *CUSTODIANS, "--out", out, *password, *practice()).expect()
    return ["recover", out / "package.escrow", *(out / f"shares/share-{x}.pdf" for x in (1, 3))]


@pytest.mark.parametrize(("kind", "only"), [("RSA 3072", ["intermediate"]), ("EC P-256", [])])
def test_only_the_recipient_opens_what_was_restored_by_the_lines_of_its_readme(
    trees: Callable[[str], StepTree], recover: list[object], tmp_path: Path, kind: str, only: list[str]
) -> None:
    need("openssl", "unzip", "step")
    key, out = KINDS[kind](), tmp_path / "out"
    public = tmp_path / "public.pem"
    public.write_text(public_of(key))
    chosen = [part for name in only for part in ("--only", name)]
    said = escrow(*recover, "--to", out, "--recipient", public, *chosen).expect().err
    assert {path.name for path in out.iterdir()} == {RECOVERED, "README.txt"}
    assert b"PRIVATE KEY" not in (out / RECOVERED).read_bytes()
    readme = (out / "README.txt").read_text()
    fingerprint = run("openssl", "pkey", "-pubin", "-in", public, "-outform", "DER", "-out", tmp_path / "der").expect()
    assert fingerprint.status == 0
    digest = run("sha256sum", tmp_path / "der").expect().out.split()[0]
    assert digest in readme
    assert digest in said
    for words in ("the database", "ACME accounts", "escrow refresh"):
        assert words in said

    # As it stands there, line by line.
    (opened,) = [line.strip() for line in readme.splitlines() if "openssl cms" in line]
    own = opened.replace("PRIVATE_KEY", str(written(tmp_path / "own.pem", key)))
    run(*own.split(), cwd=out).expect()
    (unzip,) = [line.split() for line in readme.splitlines() if line.startswith("  unzip")]
    run(*unzip, cwd=out).expect()
    with zipfile.ZipFile(out / "recovered.zip") as archive:
        secrets = {name for name in archive.namelist() if name.startswith("secrets/")}
    wanted = only or ["root", "intermediate"]
    assert secrets == {f"secrets/{name}_ca_key" for name in wanted}
    for name in wanted:
        private = out / f"recovered/secrets/{name}_ca_key"
        certificate = trees("P-256").path / f"certs/{name}_ca.crt"
        mine = run("openssl", "pkey", "-in", private, "-pubout").expect().out
        assert mine == run("openssl", "x509", "-in", certificate, "-noout", "-pubkey").expect().out
    assert (out / "recovered/certs/root_ca.crt").read_bytes() == (
        trees("P-256").path / "certs/root_ca.crt"
    ).read_bytes()

    other = opened.replace("PRIVATE_KEY", str(written(tmp_path / "other.pem", KINDS[kind]()))).split()
    assert run(*other[:-1], "other.zip", cwd=out).status


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token", "T", "--module", "x.so"], "--recipient goes with --to"),
        (["--password-file", "/dev/null"], "--recipient goes with --to"),
        (["--recipient", "WEAK"], "must be RSA of 3072 bits or more"),
        (["--recipient", "NOTHING"], "No such file"),
        (["--only", "wrong"], "no key wrong"),
    ],
)
def test_what_is_no_recipient_or_beside_another_target_costs_nothing(
    recover: list[object], tmp_path: Path, options: list[str], message: str
) -> None:
    (tmp_path / "public.pem").write_text(public_of(KINDS["EC P-256"]()))
    (tmp_path / "weak.pem").write_text(
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA" + "A" * 43 + "=\n-----END PUBLIC KEY-----\n"
    )
    paths = {"WEAK": str(tmp_path / "weak.pem"), "NOTHING": str(tmp_path / "nothing")}
    given = ["--recipient", str(tmp_path / "public.pem"), *(paths.get(each, each) for each in options)]
    done = escrow(*recover, "--to", tmp_path / "out", *given)
    assert done.status
    assert message in " ".join(done.err.split())
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(recover: list[object], tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_text(public_of(KINDS["EC P-256"]()))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / RECOVERED).write_text("mine")
    escrow(*recover, "--to", tmp_path / "out", "--recipient", tmp_path / "public.pem").expect(3)
    assert (tmp_path / "out" / RECOVERED).read_text() == "mine"
