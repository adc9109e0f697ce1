"""Killed, hung up on, aborted, at any moment: no core, no file, no silent terminal, no secret."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import TIMEOUT, StepTree, Terminal, escrow, practice, run

from escrow.files import NewFiles

MANY = [part for x in range(12) for part in ("--custodian", f"Custodian {x}")]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV]
HANDLED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
SEED = 20260102


def contents(directory: Path) -> list[str]:
    """Every path below a directory that another process may be clearing meanwhile (rglob would fail there)."""
    return [os.path.join(top, name) for top, folders, files in os.walk(directory) for name in folders + files]  # noqa: PTH118


def wait_until_empty(directory: Path) -> None:
    """What a killed process left is removed by another one, which needs a moment."""
    deadline = time.monotonic() + TIMEOUT
    while left := contents(directory):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.01)


@pytest.mark.parametrize("moment", range(3))
@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_a_signal_at_a_random_moment_leaves_nothing(
    number: signal.Signals,
    moment: int,
    trees: Callable[[str], StepTree],
    shm: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the first word on the terminal and the last sheet; where exactly is left to chance."""
    chance = random.Random(f"{SEED} {number} {moment}")  # noqa: S311 - not for keys
    tree = trees("P-256")
    arguments = ["seal", tree.path, "--threshold", "2", *MANY, "--out", shm / "out", *practice()]
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(sys.executable, "-m", "ceremony", *arguments, "--password-file", tree.password_file)
    terminal.expect(chance.choice(["Opening keys", "Splitting", "Making share sheets"]))
    wanted = chance.randrange(len(MANY) // 4)
    while terminal.process.poll() is None and len(contents(shm / "out/shares")) < wanted:
        terminal.read()
    terminal.process.send_signal(number)
    assert terminal.end() == (130 if number in HANDLED else -number), terminal.shown
    wait_until_empty(shm)
    assert list(tmp_path.iterdir()) == [], "a core"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_a_signal_at_the_prompt_gives_the_echo_back(
    number: signal.Signals, trees: Callable[[str], StepTree], shm: Path
) -> None:
    arguments = ["seal", trees("P-256").path, "--threshold", "2", *MANY, "--out", shm / "out", *practice()]
    terminal = Terminal(sys.executable, "-m", "ceremony", *arguments)
    terminal.expect("Password of the key root: ")
    terminal.wait_for_silence()
    terminal.type("half a pass")
    terminal.process.send_signal(number)
    terminal.process.wait(TIMEOUT)
    deadline = time.monotonic() + TIMEOUT
    while not terminal.echoes():
        assert time.monotonic() < deadline, "the terminal stays silent"
        time.sleep(0.01)
    assert terminal.end() == (130 if number in HANDLED else -number)
    assert "half a pass" not in terminal.shown
    wait_until_empty(shm)


def test_an_exception_nobody_foresaw_leaves_nothing_and_quotes_nothing(shm: Path) -> None:
    code = """if True:
        import sys
        from escrow import sealing
        import ceremony.cli
        def broken(*_):
            raise RuntimeError("the secret is hunter2")
        sealing.package.seal = broken
        ceremony.cli.main()
    """
    order = ["--threshold", "2", "--custodian", "Anna", "--custodian", "Bert", "--out", shm / "out", *practice()]
    done = run(sys.executable, "-c", code, "seal", "--generate", "X", *order)
    assert done.status == 1
    assert "RuntimeError" in done.err
    assert "hunter2" not in done.err
    assert list(shm.iterdir()) == []


def test_an_abort_in_the_middle_of_recovery_leaves_no_key(shm: Path) -> None:
    order = ["--threshold", "2", "--custodian", "Anna", "--custodian", "Bert", "--out", shm / "out", *practice()]
    escrow("seal", "--generate", "X", *order).expect()
    code = """if True:
        import os
        from escrow import stepca
        import ceremony.cli
        write = stepca.write_tree
        def then_abort(*arguments):
            write(*arguments)
            os.abort()
        stepca.write_tree = then_abort
        ceremony.cli.main()
    """
    (shm / "target").mkdir()
    pages = [shm / "out/shares/share-1.pdf", shm / "out/shares/share-2.pdf"]
    arguments = ["recover", shm / "out/package.escrow", *pages, "--to", shm / "target/tree", "--password-file", "-"]
    assert run(sys.executable, "-c", code, *arguments, stdin="new").status == -signal.SIGABRT
    wait_until_empty(shm / "target")


def test_a_signal_while_the_program_starts_itself_again_is_not_lost(shm: Path) -> None:
    """Handlers are lost by exec; what comes meanwhile waits until they are there again."""
    code = """if True:
        import os, signal
        from escrow.memory import process
        execve = os.execve
        def then_signal(*arguments):
            signal.raise_signal(signal.SIGTERM)
            execve(*arguments)
        os.execve = then_signal
        import ceremony.cli
        ceremony.cli.main()
    """
    order = ["--threshold", "2", "--custodian", "Anna", "--custodian", "Bert", "--out", shm / "out", *practice()]
    done = run(sys.executable, "-c", code, "seal", "--generate", "X", *order)
    assert done.status == 130, done.err
    assert list(shm.iterdir()) == []


def test_an_interrupt_in_the_middle_of_publishing_takes_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, done = os.link, []

    def interrupted(source: Path, target: Path, **options: bool) -> None:
        link(source, target, **options)
        done.append(target)
        if len(done) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "link", interrupted)
    with pytest.raises(KeyboardInterrupt), NewFiles(tmp_path / "out") as out:
        for name in ("a", "b", "c"):
            out.write(f"shares/{name}", b"a share")
        out.publish()
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_else_put_in_the_place_of_a_file_is_not_removed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), NewFiles(tmp_path / "out") as out:
        out.write("file", b"ours")
        (tmp_path / "out/.file.partial").rename(tmp_path / "moved")
        (tmp_path / "out/.file.partial").write_bytes(b"theirs")
        raise RuntimeError
    assert (tmp_path / "out/.file.partial").read_bytes() == b"theirs"


def test_a_forked_child_that_unwinds_undoes_nothing_of_its_parents(tmp_path: Path) -> None:
    with NewFiles(tmp_path / "out") as out:
        out.write("file", b"ours")
        child = os.fork()
        if child == 0:
            out.__exit__(None, None, None)
            os._exit(0)
        os.waitpid(child, 0)
        out.publish()
    assert (tmp_path / "out/file").read_bytes() == b"ours"
