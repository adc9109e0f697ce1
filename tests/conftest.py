"""Fixtures: the real programs, trees made by the real step, a place in memory for what is secret."""

import fcntl
import functools
import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import old_kernel
import pytest
from helpers import StepTree, make_tree

from escrow.memory import Secret

if TYPE_CHECKING:
    from player import Held

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `protect` does: tests fork, and some import numpy
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the program is started many hundred times: compiled once is enough

Reporting = Generator[None, pytest.TestReport, pytest.TestReport]
FORBID_SKIPS = "ESCROW_TESTS_FORBID_SKIPS"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Reporting:  # noqa: ARG001
    """With ESCROW_TESTS_FORBID_SKIPS set, a skipped test is a failed one: nothing may go untested unseen."""
    report = yield
    if report.skipped and os.environ.get(FORBID_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"skipped where skips are forbidden: {report.longrepr}"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that takes memfd_secret away from the whole run."""
    text = "run with memfd_secret unavailable, as on older kernels: Secrets fall back to locked anonymous memory"
    parser.addoption("--without-memfd-secret", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Take memfd_secret away from this process and all that it starts, if that was asked for."""
    if config.getoption("--without-memfd-secret"):
        old_kernel.take_away_memfd_secret()


@pytest.fixture
def shm() -> Iterator[Path]:
    """A directory of its own on a memory-backed file system, where shares may be written."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], StepTree]:
    """Trees made by the real step, each kind once: P-256, ssh, RSA, Ed25519."""
    base = tmp_path_factory.mktemp("trees")

    @functools.cache
    def tree(kind: str) -> StepTree:
        return make_tree(base / kind, kind)

    return tree


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> "Held":
    """A ceremony that was held: 3 of 5, without a hitch. Made once, also with several processes, and only read."""
    from player import Held, Player, Room, room

    common = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        common = common.parent
    with (common / "held.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = common / "held.json"
        if not told.exists():
            player = Player(room(Path(tempfile.mkdtemp(prefix="held", dir=common))))
            player.play()
            assert player.end() == 0, player.terminal.shown[-2000:]
            told.write_text(json.dumps([str(player.room.base), player.terminal.shown, player.asked]))
        base, shown, asked = json.loads(told.read_text())
    return Held(Room(Path(base)), shown, tuple(asked))


@pytest.fixture(autouse=True)
def _allow_unlocked_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the suite run for accounts that may not lock memory; where they may, it changes nothing."""
    monkeypatch.setattr(Secret, "unlocked_allowed", True)
