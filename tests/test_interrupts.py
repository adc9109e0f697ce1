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

MANY = [part for x in range(40) for part in ("--custodian", f"Custodian {x}")]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV]
HANDLED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
SEED = 20260102


def wait_until_empty(directory: Path) -> None:
    """What a killed process left is removed by another one, which needs a moment."""
    deadline = time.monotonic() + TIMEOUT
    while left := list(directory.rglob("*")):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.01)


@pytest.mark.parametrize("moment", range(3))
@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_a_signal_at_a_random_moment_leaves_nothing(
    number: signal.Signals, moment: int, trees: Callable[[str], StepTree], shm: Path, tmp_path: Path
) -> None:
    """The moments are drawn from the time that a whole run takes, prompts not included."""
    chance = random.Random(f"{SEED} {number} {moment}")  # noqa: S311 - not for keys
    tree = trees("P-256")
    arguments = ["seal", tree.path, "--threshold", "2", *MANY, "--out", shm / "out", *practice()]
    os.chdir(tmp_path)
    terminal = Terminal(sys.executable, "-m", "ceremony", *arguments, "--password-file", tree.password_file)
    time.sleep(0.2 + chance.random() * 2.5)
    ended = terminal.process.poll() is not None
    terminal.process.send_signal(number)
    status = terminal.end()
    if status == 0 or ended:
        pytest.fail("the run was over before the moment came: lengthen it")
    assert status == (130 if number in HANDLED else -number), terminal.shown
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
