"""What the command line says to whoever named the wrong thing: what is wrong, and what to do."""

import signal
import sys
from pathlib import Path

import pytest
from helpers import Terminal, escrow, need, run

from escrow.errors import FileError
from escrow.files import NewFiles, begins_with

CUSTODIANS = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `escrow seal` leaves: a package and three sheets."""
    out = tmp_path_factory.mktemp("messages") / "set"
    escrow("seal", "--generate", "X", "--threshold", "2", *CUSTODIANS, "--out", out, "--specimen").expect()
    return out


def sheet(made: Path, x: int) -> Path:
    return made / f"shares/share-{x}.pdf"


@pytest.mark.parametrize("command", ["check", "recover"])
@pytest.mark.parametrize("first", ["sheet", "nothing", "directory"])
def test_a_package_among_the_pages_is_said_to_come_first(command: str, first: str, made: Path, tmp_path: Path) -> None:
    named = {"sheet": sheet(made, 1), "nothing": tmp_path / "none", "directory": made / "shares"}[first]
    to = ["--to", tmp_path / "step"] if command == "recover" else []
    done = escrow(command, named, sheet(made, 2), made / "package.escrow", *to).expect(2)
    package = made / "package.escrow"
    said = f"{package} is the package: name it first, and then the pages. {named} was named in its place."
    assert done.err == f"escrow: {said}\n"


def test_a_package_that_is_named_twice_is_no_share(made: Path) -> None:
    package = made / "package.escrow"
    done = escrow("check", package, package, sheet(made, 1)).expect(1)
    assert f"No share ({package}): this is a package, and no share. It is named first, before the pages." in done.out
    assert "Share 1" in done.out


def test_a_directory_instead_of_pages_says_what_to_name(made: Path) -> None:
    done = escrow("check", made / "package.escrow", made / "shares").expect(1)
    assert f"No share ({made}/shares): it is a directory. Name the files in it: {made}/shares/*" in done.out
    escrow("check", made / "package.escrow", *(made / "shares").iterdir()).expect()


def test_a_share_that_is_given_twice_says_how_many_are_missing(made: Path, tmp_path: Path) -> None:
    pages = [sheet(made, 1), sheet(made, 1)]
    done = escrow("recover", made / "package.escrow", *pages, "--to", tmp_path / "step").expect(1)
    assert "the same share was already read from" in done.err
    assert "Valid and not lost: share 1.\n1 more share is needed: a quorum is 2 of 3." in done.err


@pytest.mark.parametrize("command", ["init", "package-sheets", "calendar"])
def test_a_file_that_exists_says_to_name_another_file_and_a_directory_to_name_a_file(
    command: str, made: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "ceremony.toml"
    escrow("init", plan).expect()
    commands: dict[str, list[object]] = {
        "init": ["init"],
        "package-sheets": ["package-sheets", made / "package.escrow", "--out"],
        "calendar": ["calendar", plan, "--out"],
    }
    arguments = commands[command]
    there = tmp_path / "there"
    there.write_text("mine")
    done = escrow(*arguments, there).expect(3)
    assert done.err == f"escrow: {there} exists and is never overwritten: name another file, or move it away.\n"
    assert there.read_text() == "mine"
    done = escrow(*arguments, tmp_path).expect(2)
    assert done.err == f"escrow: {tmp_path} is a directory: name a file, such as {tmp_path}/NAME.\n"


def test_a_file_in_the_place_of_a_directory_and_the_other_way_round(made: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(FileError, match="is no directory, and one is needed there: name another"),
        NewFiles(tmp_path / "file"),
    ):
        pass
    assert f"{tmp_path} is a directory, and a file is needed." in escrow("lint", tmp_path).expect(2).err
    (tmp_path / "label-1.pdf").write_text("mine")
    done = escrow("documents", made / "package.escrow", "--out", tmp_path).expect(3)
    assert "name another directory, or move it away" in done.err


def test_how_a_file_begins(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content, expected in ((b"", False), (b"ab", False), (b"abc", True), (b"abcd", True), (b"xbc", False)):
        path.write_bytes(content)
        assert begins_with(path, b"abc") is expected
    with pytest.raises(FileError, match="is a directory"):
        begins_with(tmp_path, b"abc")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_an_interrupted_rehearsal_says_what_it_left_and_is_not_gone_on_with(
    number: signal.Signals, tmp_path: Path
) -> None:
    plan, out = tmp_path / "ceremony.toml", tmp_path / "out"
    escrow("init", plan).expect()
    arguments = ["rehearse", plan, "--auto", "--out", out]
    terminal = Terminal(sys.executable, "-m", "ceremony", *arguments)
    terminal.expect("step 7.1")
    terminal.process.send_signal(number)
    assert terminal.end() == 130
    left = f"{out} has what was made until then, all of it specimen: remove it, and begin again."
    assert terminal.shown.rpartition("Interrupted.")[2].split() == left.split()
    done = escrow(*arguments).expect(3)
    assert f"{out}/journal.jsonl exists and is never overwritten: name another directory" in done.err


def test_an_interrupted_rehearsal_without_a_directory_leaves_nothing(tmp_path: Path) -> None:
    plan = tmp_path / "ceremony.toml"
    escrow("init", plan).expect()
    terminal = Terminal(sys.executable, "-m", "ceremony", "rehearse", plan, "--auto")
    terminal.expect("step 7.1")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "Interrupted.\r\nNothing unfinished was left behind." in terminal.shown


def test_who_has_no_terminal_is_told_to_take_one_and_not_to_give_a_password(tmp_path: Path) -> None:
    need("setsid")
    plan = tmp_path / "ceremony.toml"
    escrow("init", plan).expect()
    done = run("setsid", "-w", sys.executable, "-m", "ceremony", "rehearse", plan).expect(2)
    assert "There is no terminal to ask 'Enter begins" in done.err
    assert "run this at a terminal." in done.err
    assert "--password-file" not in done.err


@pytest.mark.parametrize("name", ["seal", "remove-root-key"])
def test_an_example_in_a_help_stands_on_lines_of_its_own(name: str) -> None:
    shown = escrow(name, "--help").expect().out
    assert f"\n  escrow {name} ~/.step" in shown
