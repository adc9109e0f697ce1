"""The root's key is removed by a command of its own, only if it is in the package, and only when it is told to."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import StepTree, Terminal, can_lock, escrow, run, step_ca

COMMAND = [sys.executable, "-m", "ceremony", "remove-root-key"]
PHRASE = "remove the root key"


@pytest.fixture(scope="module")
def package(trees: Callable[[str], StepTree], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a tree: of production, which alone is enough."""
    if not can_lock():
        pytest.skip("production needs memory that can be locked")
    out = tmp_path_factory.mktemp("sealed") / "out"
    escrow("seal", trees("P-256").path, *options(trees("P-256")), "--allow-disk", "--out", out).expect()
    return out / "package.escrow"


@pytest.fixture
def sealed(trees: Callable[[str], StepTree], package: Path, tmp_path: Path) -> tuple[StepTree, Path]:
    """A copy of the tree that it is of."""
    made = trees("P-256")
    tree = tmp_path / "step"
    run("cp", "-a", made.path, tree).expect()
    for file in (tree / "config").iterdir():
        file.write_text(file.read_text().replace(str(made.path), str(tree)))
    return StepTree(tree, made.port, made.password_file, made.provisioner_password_file), package


def options(tree: StepTree) -> tuple[object, ...]:
    return ("--threshold", "2", "--custodian", "A", "--custodian", "B", "--password-file", tree.password_file)


def at_terminal(*arguments: object) -> Terminal:
    return Terminal(*COMMAND, *arguments)


def test_the_root_key_is_overwritten_and_removed_and_step_ca_goes_on(sealed: tuple[StepTree, Path]) -> None:
    tree, package = sealed
    root = tree.path / "secrets/root_ca_key"
    content = root.read_bytes()
    with root.open("rb") as still_open:
        terminal = at_terminal(root, package, package, "--password-file", tree.password_file)
        terminal.expect(f"Type '{PHRASE}'")
        assert "every sheet of this set was read back from paper" in terminal.shown
        assert "An SSD or a USB stick writes elsewhere" in terminal.shown
        assert root.read_bytes() == content
        terminal.type(f"{PHRASE}\n")
        assert terminal.end() == 0, terminal.shown
        overwritten = still_open.read()
    assert not root.exists()
    assert len(overwritten) == len(content)
    assert overwritten[:40] != content[:40]
    assert b"PRIVATE KEY" not in overwritten
    with step_ca(tree.path, tree.password_file, tree.url):
        pass


@pytest.mark.parametrize("typed", ["", "yes", "remove the key"])
def test_nothing_but_the_phrase_removes_it(typed: str, sealed: tuple[StepTree, Path]) -> None:
    tree, package = sealed
    root = tree.path / "secrets/root_ca_key"
    before = root.read_bytes()
    terminal = at_terminal(root, package, "--password-file", tree.password_file)
    terminal.expect(f"Type '{PHRASE}'")
    terminal.type(f"{typed}\n")
    assert terminal.end() == 3
    assert "Nothing was removed" in terminal.shown
    assert root.read_bytes() == before


def of_another_ca(tree: StepTree, _: Path) -> Path:
    other = tree.path.parent / "other.key"
    run("step", "crypto", "keypair", "--no-password", "--insecure", tree.path.parent / "p", other).expect()
    return other


def linked(tree: StepTree, _: Path) -> Path:
    os.link(tree.path / "secrets/root_ca_key", tree.path / "secrets/second")
    return tree.path / "secrets/root_ca_key"


def a_link(tree: StepTree, _: Path) -> Path:
    (tree.path / "link").symlink_to(tree.path / "secrets/root_ca_key")
    return tree.path / "link"


WRONG: dict[str, tuple[Callable[[StepTree, Path], Path], str]] = {
    "the intermediate's key": (lambda tree, _: tree.path / "secrets/intermediate_ca_key", "step-ca needs it"),
    "another CA's key": (of_another_ca, "not in this package: it would be lost"),
    "a file with two names": (linked, "has 2 names"),
    "a link": (a_link, "is a link"),
    "nothing": (lambda tree, _: tree.path / "secrets/nothing", "is not there"),
    "no key": (lambda _, package: package, ""),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_the_roots_key_by_itself_is_left_as_it_is(what: str, sealed: tuple[StepTree, Path]) -> None:
    tree, package = sealed
    make, expected = WRONG[what]
    file = make(tree, package)
    before = file.read_bytes() if file.exists() else None
    failed = escrow("remove-root-key", file, package, "--password-file", tree.password_file)
    failed.expect(1)
    assert expected in failed.err
    assert (file.read_bytes() if file.exists() else None) == before


def test_a_specimen_a_copy_of_another_package_or_nobody_at_the_terminal_removes_nothing(
    sealed: tuple[StepTree, Path],
) -> None:
    tree, package = sealed
    root = tree.path / "secrets/root_ca_key"
    out = tree.path.parent / "specimen"
    escrow("seal", tree.path, *options(tree), "--specimen", "--out", out).expect()
    password = ("--password-file", tree.password_file)
    assert "a specimen" in escrow("remove-root-key", root, out / "package.escrow", *password).expect(3).err
    assert (
        "not copies of one" in escrow("remove-root-key", root, package, out / "package.escrow", *password).expect(1).err
    )
    detached = run("setsid", *COMMAND, root, package, *password)
    assert detached.status == 2
    assert "no terminal" in detached.err
    assert json.loads(escrow("inspect", package, "--json").expect().out)["keys"]
    assert root.exists()
