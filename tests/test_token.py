"""Keys that come from paper into a PKCS#11 token, with which the real step-ca signs: SoftHSM 2 stands for the HSM."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import soft_hsm
from helpers import StepTree, escrow, free_port, need, practice, run, serving
from soft_hsm import LABEL, Hsm

from escrow import recovery, stepca
from escrow.errors import FileError, UsageError
from escrow.files import NewFiles
from escrow.manifest import KeyEntry
from escrow.memory import Secret
from escrow.token import Token, fitting, take_back

CUSTODIANS = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]
PIN = "12 34 56"


def quietly(_what: str, _done: int, _of: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def hsm(tmp_path: Path) -> Hsm:
    return soft_hsm.make(tmp_path / "hsm", PIN)


@pytest.fixture(scope="module")
def sealed(
    trees: Callable[[str], StepTree], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[StepTree, list[object]]]:
    """A tree of a kind that was sealed, and what recovers it."""
    made: dict[str, tuple[StepTree, list[object]]] = {}

    def seal(kind: str) -> tuple[StepTree, list[object]]:
        if kind not in made:
            tree, out = trees(kind), tmp_path_factory.mktemp("sealed") / "out"
            password = ["--password-file", tree.password_file, "--allow-disk"]
            escrow("seal", tree.path, "--threshold", "2", *CUSTODIANS, "--out", out, *password, *practice()).expect()
            pages = [out / f"shares/share-{x}.pdf" for x in (1, 3)]
            made[kind] = tree, ["recover", out / "package.escrow", *pages]
        return made[kind]

    return seal


@contextmanager
def started(tree: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The real step-ca, with PKCS#11, on the tree; its URL."""
    need("step-ca-pkcs11")
    port, config = free_port(), tree / "config/ca.json"
    settings = json.loads(config.read_text())
    config.write_text(json.dumps(settings | {"address": f"127.0.0.1:{port}"}))
    url = f"https://localhost:{port}"
    with serving(["step-ca-pkcs11", config], url, tree / "certs/root_ca.crt", {**env, "STEPPATH": str(tree)}):
        yield url


@pytest.mark.parametrize("kind", ["RSA", "ssh"])
def test_step_ca_signs_with_keys_in_a_token_that_came_from_paper(
    kind: str, sealed: Callable[[str], tuple[StepTree, list[object]]], hsm: Hsm, tmp_path: Path
) -> None:
    (tree, recover), restored = sealed(kind), tmp_path / "restored"
    escrow(*recover, "--to", restored, *hsm.options(), env=hsm.env).expect()
    assert not (restored / "secrets").exists()
    with started(restored, hsm.env) as url:
        flags = ["--ca-url", url, "--root", restored / "certs/root_ca.crt", "--provisioner", "admin", "--force"]
        flags += ["--provisioner-password-file", tree.provisioner_password_file]
        leaf = tmp_path / "leaf.crt"
        run("step", "ca", "certificate", "--not-after", "1h", *flags, "leaf.test", leaf, tmp_path / "leaf.key").expect()
        if kind == "ssh":
            issue = ["step", "ssh", "certificate", "--no-password", "--insecure", *flags]
            run(*issue, "someone@leaf.test", tmp_path / "id").expect()
    run("step", "certificate", "verify", leaf, "--roots", tree.path / "certs/root_ca.crt").expect()


def test_what_lies_in_the_token_cannot_be_taken_out_and_the_root_key_is_not_there(
    sealed: Callable[[str], tuple[StepTree, list[object]]], hsm: Hsm, tmp_path: Path
) -> None:
    escrow(*sealed("ssh")[1], "--to", tmp_path / "restored", *hsm.options(), env=hsm.env).expect()
    shown = hsm.objects()
    labels = sorted(line.split(":", 1)[1].strip() for line in shown if line.strip().startswith("label:"))
    assert labels == sorted(2 * ["intermediate", "ssh-host", "ssh-user"])
    accesses = [line for line in shown if "Access:" in line]
    assert [line.split(":")[1].strip() for line in accesses if "sensitive" in line] == 3 * ["sensitive"]


def test_a_key_that_is_in_the_token_already_stops_everything_and_nothing_is_changed(
    sealed: Callable[[str], tuple[StepTree, list[object]]], hsm: Hsm, tmp_path: Path
) -> None:
    recover = sealed("ssh")[1]
    escrow(*recover, "--only", "ssh-user", "--to", tmp_path / "first", *hsm.options(), env=hsm.env).expect()
    before = hsm.objects()
    again = escrow(*recover, "--to", tmp_path / "second", *hsm.options(), env=hsm.env).expect(1)
    assert f"The key ssh-user is in the token {LABEL} already" in again.err
    assert hsm.objects() == before  # what had been stored before it was taken out again
    assert not (tmp_path / "second").exists()


def test_a_target_that_cannot_be_written_leaves_nothing_in_the_token(
    sealed: Callable[[str], tuple[StepTree, list[object]]], hsm: Hsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hsm.env.items():
        monkeypatch.setenv(name, value)
    _, package, *pages = (Path(str(part)) for part in sealed("ssh")[1])
    read = recovery.read_package(package, quietly)
    collection = recovery.gather(read.manifest, pages, keep=True, progress=quietly)
    members = recovery.open_checked(read, recovery.recombine(collection))

    def full(*_: object) -> None:
        assert [line for line in hsm.objects() if "Private Key" in line]
        message = "No space left on device."
        raise FileError(message)

    monkeypatch.setattr(stepca, "write_tree", full)
    token = Token(hsm.module, LABEL)
    with Secret.of(PIN.encode()) as pin, NewFiles(tmp_path / "to") as out, pytest.raises(FileError, match="No space"):
        recovery.restore_to_token(read.manifest, members, (), token, pin, out=out, progress=quietly)
    assert not [line for line in hsm.objects() if "Private Key" in line]


def test_what_cannot_be_taken_back_is_named(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in hsm.env.items():
        monkeypatch.setenv(name, value)
    error = FileError("No space left on device.")
    with Secret.of(b"another PIN") as wrong:
        take_back(Token(hsm.module, LABEL), wrong, {"intermediate": b"public half"}, error)
    (note,) = error.__notes__
    assert note.startswith(f"Left in the token {LABEL}: intermediate. This is not the PIN")


REFUSED: dict[str, tuple[Mapping[str, str], int, str]] = {
    "another PIN": ({"--pin-file": "wrong"}, 1, "This is not the PIN"),
    "another token": ({"--token": "nobody's"}, 1, "has no token nobody's"),
    "no module": ({"--module": "none.so"}, 1, "cannot be opened"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_with_the_token_is_said_and_nothing_is_written(
    name: str, sealed: Callable[[str], tuple[StepTree, list[object]]], hsm: Hsm, tmp_path: Path
) -> None:
    changed, status, message = REFUSED[name]
    (tmp_path / "wrong").write_text("99 99 99")
    (tmp_path / "none.so").write_text("")
    options = [str(part) for part in hsm.options()]
    for option, value in changed.items():
        path = tmp_path / value
        options[options.index(option) + 1] = str(path if path.exists() else value)
    done = escrow(*sealed("ssh")[1], "--to", tmp_path / "restored", *options, env=hsm.env).expect(status)
    assert message in done.err
    assert PIN not in done.err
    assert "99 99 99" not in done.err
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token", "x"], "A token takes --token and --module"),
        (["--module", "x"], "A token takes --token and --module"),
        (["--pin-source", "x"], "A PIN belongs to a token"),
        (["--token", "x", "--module", "x", "--password-file", "x"], "no password"),
    ],
)
def test_half_of_a_token_is_refused_before_anything_is_read(options: list[str], message: str, tmp_path: Path) -> None:
    done = escrow("recover", tmp_path / "package", tmp_path / "page", "--to", tmp_path / "to", *options).expect(2)
    assert message in " ".join(done.err.split())


def test_a_key_that_step_ca_cannot_use_from_a_token_is_named() -> None:
    entries = [
        KeyEntry(name, "secrets/x", kind, "00", None)
        for name, kind in (("intermediate", "Ed25519"), ("ssh-host", "EC P-256"))
    ]
    with pytest.raises(UsageError, match="intermediate from a token, because it is of the kind Ed25519"):
        fitting(entries, ())
    assert [entry.name for entry in fitting(entries, ("ssh-host",))] == ["ssh-host"]
