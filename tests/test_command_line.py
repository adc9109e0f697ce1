"""The program as its users meet it: prompts in a real terminal, options, exit statuses, messages."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import PASSWORD, StepTree, Terminal, can_lock, escrow, practice, run

CUSTODIANS = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]


def seal_arguments(tree: Path, out: Path) -> list[str | Path]:
    return ["seal", tree, "--threshold", "2", *CUSTODIANS, "--out", out, *practice()]


def test_help_names_every_command_and_every_command_has_help() -> None:
    shown = escrow("--help").expect().out
    for command in ("seal", "inspect", "check", "recover", "preflight", "rehearse"):
        assert command in shown
        assert "Usage" in escrow(command, "--help").expect().out


def test_the_rehearsal_reports_what_it_proved_and_keeps_what_it_made(tmp_path: Path) -> None:
    done = escrow("rehearse", "--out", tmp_path / "kept").expect()
    assert "All 10 quorums of 3" in done.err
    assert "bit for bit" in done.err
    assert len(list((tmp_path / "kept/shares").iterdir())) == 5
    assert (tmp_path / "kept/restored/config/ca.json").exists()


def test_passwords_are_asked_for_without_echo_and_a_wrong_one_may_be_mended(
    trees: Callable[[str], StepTree], shm: Path
) -> None:
    tree = trees("P-256")
    terminal = Terminal(sys.executable, "-m", "ceremony", *seal_arguments(tree.path, shm / "out"))
    terminal.expect("Password of the key root: ")
    terminal.wait_for_silence()
    terminal.type("not this one\n")
    terminal.expect("the password is wrong")
    terminal.expect("Password of the key root: ")
    terminal.wait_for_silence()
    terminal.type(PASSWORD + "\n")  # and it is tried for the intermediate before anybody is asked again
    terminal.expect("Sealed root, intermediate of Test CA")
    assert terminal.end() == 0
    assert PASSWORD not in terminal.shown
    assert "not this one" not in terminal.shown

    pages = [shm / "out/shares/share-1.pdf", shm / "out/shares/share-2.pdf"]
    target = shm / "restored"
    terminal = Terminal(sys.executable, "-m", "ceremony", "recover", shm / "out/package.escrow", *pages, "--to", target)
    for first, second, answer in (("new one", "new two", "The two differ"), ("", "", "An empty password")):
        terminal.expect("New password for the restored keys: ")
        terminal.wait_for_silence()
        terminal.type(first + "\n")
        terminal.expect("The same again: ")
        terminal.wait_for_silence()
        terminal.type(second + "\n")
        terminal.expect(answer)
    terminal.expect("New password")
    terminal.wait_for_silence()
    terminal.type("new one\n")
    terminal.expect("The same again: ")
    terminal.wait_for_silence()
    terminal.type("new one\n")
    terminal.expect("Restored root, intermediate")
    assert terminal.end() == 0
    assert "new one" not in terminal.shown


def test_after_three_wrong_passwords_nothing_is_left_behind(trees: Callable[[str], StepTree], shm: Path) -> None:
    terminal = Terminal(sys.executable, "-m", "ceremony", *seal_arguments(trees("P-256").path, shm / "out"))
    for _ in range(3):
        terminal.expect("Password of the key root: ")
        terminal.wait_for_silence()
        terminal.type("wrong\n")
    terminal.expect("the password is wrong")
    assert terminal.end() == 1
    assert list(shm.iterdir()) == []


def test_an_interrupt_at_the_prompt_restores_the_echo_and_leaves_nothing(
    trees: Callable[[str], StepTree], shm: Path
) -> None:
    terminal = Terminal(sys.executable, "-m", "ceremony", *seal_arguments(trees("P-256").path, shm / "out"))
    terminal.expect("Password of the key root: ")
    terminal.wait_for_silence()
    terminal.type("\x03")
    terminal.expect("Interrupted")
    assert terminal.echoes()
    assert terminal.end() == 130
    assert list(shm.iterdir()) == []


def test_ctrl_z_at_the_prompt_does_not_bring_the_echo_back(trees: Callable[[str], StepTree], shm: Path) -> None:
    terminal = Terminal(sys.executable, "-m", "ceremony", *seal_arguments(trees("P-256").path, shm / "out"))
    terminal.expect("Password of the key root: ")
    terminal.wait_for_silence()
    terminal.type("\x1a")
    terminal.type(PASSWORD + "\n")
    terminal.expect("Sealed root, intermediate of Test CA")
    assert terminal.end() == 0
    assert PASSWORD not in terminal.shown


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_could_not_be_shown_at_the_end_does_not_change_the_exit_status(stream: str) -> None:
    code = f"import sys; from ceremony import cli; cli.run = lambda: 130 + 0 * sys.{stream}.write('x'); cli.main()"
    command = ["sh", "-c", 'exec "$@" > /dev/full 2> /dev/full', "sh", sys.executable, "-c", code]
    assert run(*command, env={"PYTHONUNBUFFERED": ""}).status == 130


def test_a_closed_terminal_ends_the_program_and_its_helpers(trees: Callable[[str], StepTree], shm: Path) -> None:
    terminal = Terminal(sys.executable, "-m", "ceremony", *seal_arguments(trees("P-256").path, shm / "out"))
    terminal.expect("Password of the key root: ")
    terminal.wait_for_silence()
    helpers = [int(pid) for pid in _children(terminal.process.pid)]
    assert helpers
    os.close(terminal._slave)
    os.close(terminal._master)
    assert terminal.process.wait(60) == 130
    assert list(shm.iterdir()) == []
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in helpers):
        assert time.monotonic() < deadline, "a helper was left behind"
        time.sleep(0.01)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_shares_are_not_written_into_the_tree_of_the_ca_nor_to_an_empty_path(
    trees: Callable[[str], StepTree],
) -> None:
    tree = trees("P-256").path
    assert "inside the CA's own tree" in escrow(*seal_arguments(tree, tree / "escrow")).expect(2).err
    order = ["--threshold", "2", *CUSTODIANS, "--specimen"]
    assert "path is empty" in escrow("seal", tree, *order, "--out", "").expect(2).err


def test_without_all_keys_that_ca_json_names_nobody_is_told_to_start_it(
    trees: Callable[[str], StepTree], shm: Path
) -> None:
    tree = trees("ssh")
    escrow(*seal_arguments(tree.path, shm / "out"), "--password-file", tree.password_file).expect()
    pages = [shm / "out/shares/share-1.pdf", shm / "out/shares/share-2.pdf"]
    arguments = ["recover", shm / "out/package.escrow", *pages, "--password-file", tree.password_file]
    done = escrow(*arguments, "--to", shm / "some", "--only", "intermediate").expect()
    assert "does not start without ssh-host, ssh-user" in done.err
    assert "Start it with" not in done.err
    settings = json.loads((shm / "some/config/ca.json").read_text())
    assert settings["ssh"]["hostKey"] == str(shm / "some/secrets/ssh_host_ca_key")
    done = escrow(*arguments, "--to", shm / "it's whole").expect()
    assert f"STEPPATH='{shm}/it'\"'\"'s whole' step-ca" in done.err
    done = escrow(*arguments, "--to", shm / "out").expect(2)
    assert "where the package or a page lies" in done.err


def test_real_keys_on_specimen_sheets_are_said_to_be_real(trees: Callable[[str], StepTree], shm: Path) -> None:
    tree = trees("P-256")
    order = ["--threshold", "2", *CUSTODIANS, "--out", shm / "out", "--specimen"]
    done = escrow("seal", tree.path, *order, "--password-file", tree.password_file).expect()
    assert "CAREFUL: the keys are real" in done.err


def test_without_a_terminal_and_a_password_file_the_message_says_what_to_do(
    trees: Callable[[str], StepTree], shm: Path
) -> None:
    command = [sys.executable, "-m", "ceremony", *seal_arguments(trees("P-256").path, shm / "out")]
    process = os.posix_spawn(
        sys.executable,
        [str(part) for part in command],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 2, shm / "said", os.O_WRONLY | os.O_CREAT, 0o600)],
        setsid=True,
    )
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 2
    assert "--password-file" in (shm / "said").read_text()


@pytest.mark.parametrize("source", ["-", "/dev/stdin", "/dev/fd/0", "fd:0"])
def test_a_password_may_come_from_a_descriptor(source: str, trees: Callable[[str], StepTree], shm: Path) -> None:
    arguments = seal_arguments(trees("P-256").path, shm / "out")
    escrow(*arguments, "--password-file", source, stdin=PASSWORD + "\n").expect()


def test_a_password_may_be_given_for_one_key_only(trees: Callable[[str], StepTree], shm: Path) -> None:
    tree = trees("P-256")
    wrong = shm / "wrong"
    wrong.write_text("wrong")
    arguments = [*seal_arguments(tree.path, shm / "out"), "--password-file", f"root={tree.password_file}"]
    done = escrow(*arguments, "--password-file", wrong).expect(1)
    assert "The key intermediate" in done.err
    escrow(*arguments, "--password-file", f"intermediate={tree.password_file}").expect()


def test_an_empty_password_file_is_refused(trees: Callable[[str], StepTree], shm: Path) -> None:
    done = escrow(*seal_arguments(trees("P-256").path, shm / "out"), "--password-file", "-", stdin=" \n").expect(1)
    assert "is empty" in done.err


def test_inspect_shows_the_manifest_without_any_share(trees: Callable[[str], StepTree], shm: Path) -> None:
    tree = trees("ssh")
    escrow(*seal_arguments(tree.path, shm / "out"), "--password-file", tree.password_file).expect()
    package = shm / "out/package.escrow"
    shown = json.loads(escrow("inspect", package, "--json").expect().out)
    assert len(shown["set_id"]) == 32
    assert shown["set_id"] == shown["set_id"].lower()
    assert shown["ca"] == "Test CA"
    assert shown["epoch"] == 1
    assert shown["policy"] == {"groups": [{"shares": 3, "threshold": 2}], "threshold": 1}
    assert [key["name"] for key in shown["keys"]] == ["root", "intermediate", "ssh-host", "ssh-user"]
    text = escrow("inspect", package).expect().out
    assert "Quorum    2 of 3" in text
    for key in shown["keys"]:
        assert key["public_key"] in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--threshold", "1", *CUSTODIANS], "A threshold of 1 protects nothing"),
        (["--threshold", "4", *CUSTODIANS], "cannot be met by 3 shares"),
        (["--threshold", "2", *CUSTODIANS, "--custodian", "Anna"], "Anna would hold more than one share"),
        (["--threshold", "2", "--custodian", "Anna", "--custodian", " anna "], "would hold more than one share"),
        (["--threshold", "2", "--custodian", "Anna", "--custodian", ""], "it is empty"),
        (["--threshold", "2", "--custodian", "Anna", "--custodian", "安娜"], "cannot be printed"),
        (["--threshold", "2", "--custodian", "Anna", "--custodian", "B\x07"], "cannot be printed"),
    ],
)
def test_an_impossible_order_is_refused_before_anything_is_done(arguments: list[str], expected: str, shm: Path) -> None:
    done = escrow("seal", "--generate", "X", *arguments, "--out", shm / "out", *practice())
    assert done.status == 2
    assert expected in done.err
    assert list(shm.iterdir()) == []


def test_a_steppath_and_a_new_name_exclude_each_other(shm: Path) -> None:
    ordered = ["--threshold", "2", *CUSTODIANS, "--out", shm / "out", "--specimen"]
    assert "one of the two" in escrow("seal", *ordered).expect(2).err
    assert "one of the two" in escrow("seal", shm, "--generate", "X", *ordered).expect(2).err
    assert "1 to 48 printable" in escrow("seal", "--generate", "X" * 49, *ordered).expect(2).err
    assert "a new CA needs none" in escrow("seal", "--generate", "X", *ordered, "--password-file", "-").expect(2).err


def test_recover_knows_the_names_of_the_keys(trees: Callable[[str], StepTree], shm: Path) -> None:
    tree = trees("P-256")
    escrow(*seal_arguments(tree.path, shm / "out"), "--password-file", tree.password_file).expect()
    package, page = shm / "out/package.escrow", shm / "out/shares/share-1.pdf"
    done = escrow("recover", package, page, "--to", shm / "r", "--only", "rooot").expect(2)
    assert "has no key rooot; it has intermediate, root" in done.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(number: signal.Signals, shm: Path) -> None:
    many = [part for x in range(60) for part in ("--custodian", f"Custodian {x}")]
    arguments = ["seal", "--generate", "X", "--threshold", "2", *many, "--out", shm / "out", *practice()]
    terminal = Terminal(sys.executable, "-m", "ceremony", *arguments)
    terminal.expect("Making share sheets")
    terminal.process.send_signal(number)
    terminal.expect("Interrupted")
    assert terminal.end() == 130
    assert list(shm.iterdir()) == []


def test_what_an_interrupted_run_left_over_is_named_with_what_to_do(shm: Path) -> None:
    """Only a crash of the whole machine leaves such a file, on a disk; it may hold a share."""
    (shm / "out/shares").mkdir(parents=True)
    left = shm / "out/shares/.share-1.pdf.partial"
    left.write_text("a share, perhaps")
    arguments = ["seal", "--generate", "X", "--threshold", "2", *CUSTODIANS, "--out", shm / "out", *practice()]
    done = escrow(*arguments).expect(3)
    assert f"{left} is left over from an interrupted run" in done.err
    assert left.read_text() == "a share, perhaps"
    left.unlink()
    escrow(*arguments).expect()


@pytest.mark.skipif(not can_lock(), reason="needs an account that may lock memory (root, or a raised RLIMIT_MEMLOCK)")
def test_production_shares_are_not_written_to_a_disk(tmp_path: Path) -> None:
    if not Path("/dev/shm").exists():  # noqa: S108 - only looked at
        pytest.skip("needs /dev/shm")
    arguments = ["seal", "--generate", "X", "--threshold", "2", *CUSTODIANS, "--out"]
    from escrow.files import is_memory_backed

    if is_memory_backed(tmp_path):
        pytest.skip("the temporary directory is in memory itself")
    done = escrow(*arguments, tmp_path / "out").expect(3)
    assert "--allow-disk" in done.err
    assert list(tmp_path.iterdir()) == []
    escrow(*arguments, tmp_path / "out", "--allow-disk").expect()
