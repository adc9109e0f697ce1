"""What a Secret is: locked, guarded, absent from children and dumps, wiped, and silent."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import run
from memory_scan import Region, regions

from escrow.errors import EscrowError, LockedMemoryError, PackageError, WorkerError
from escrow.memory import Secret, close_all, isolate, libc

CONTENT = bytes(range(100, 132))


def region_of(secret: Secret, pid: int | None = None) -> Region:
    return next(r for r in regions(pid or os.getpid()) if r.start <= secret._address < r.end)


def has_memfd_secret() -> bool:
    """Whether this kernel gives memfd_secret, asked without the code under test."""
    code = "import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(447, 0) < 0)"
    return run(sys.executable, "-c", code).status == 0


def test_it_is_locked_and_kept_out_of_dumps() -> None:
    with Secret.of(CONTENT) as secret:
        flags = region_of(secret).flags
        assert {"lo", "dd"} <= flags
        assert "dc" in flags, "not inherited by children"


def test_memfd_secret_is_used_where_the_kernel_has_it() -> None:
    with Secret.of(CONTENT) as secret:
        assert region_of(secret).name.startswith("/secretmem") == has_memfd_secret()


def test_pages_on_both_sides_are_inaccessible() -> None:
    with Secret.of(CONTENT) as secret:
        own = region_of(secret)
        before = next(r for r in regions(os.getpid()) if r.end == own.start)
        after = next(r for r in regions(os.getpid()) if r.start == own.end)
        assert before.permissions.startswith("---")
        assert after.permissions.startswith("---")


@pytest.mark.parametrize("offset", [-1, 1])
def test_running_over_either_end_is_a_segmentation_fault(offset: int) -> None:
    code = f"""if True:
        import ctypes
        from escrow.memory import Secret
        secret = Secret.of(bytes(32))
        ctypes.string_at(secret._address + ({offset} if {offset} < 0 else secret._size), 1)
    """
    assert run(sys.executable, "-c", code).status == -signal.SIGSEGV


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to show that even root cannot")
@pytest.mark.skipif(not has_memfd_secret(), reason="needs memfd_secret, which this kernel does not give")
def test_even_root_cannot_read_it_through_proc() -> None:
    with Secret.of(CONTENT) as secret, Path("/proc/self/mem").open("rb", buffering=0) as memory:
        memory.seek(secret._address)
        with pytest.raises(OSError, match="Input/output error"):
            memory.read(32)


def test_a_forked_child_that_touches_it_dies() -> None:
    with Secret.of(CONTENT) as secret:
        view = secret.view
        child = os.fork()
        if child == 0:
            try:
                os._exit(view[0] & 0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGSEGV


def test_a_worker_reaches_only_what_it_was_handed() -> None:
    with Secret.of(CONTENT) as shared, Secret.of(CONTENT) as private:
        assert isolate(lambda: str(shared.view[0]).encode(), shared) == b"100"
        with pytest.raises(WorkerError, match=r"status -11"):
            isolate(lambda: str(private.view[0]).encode(), shared)
        with pytest.raises(WorkerError, match=r"status -11"):  # and no longer after the worker
            isolate(lambda: str(shared.view[0]).encode())


def test_a_worker_answers_in_a_secret() -> None:
    with Secret(32) as answer:

        def in_worker() -> bytes:
            answer.fill(CONTENT)
            return b"done"

        assert isolate(in_worker, answer) == b"done"
        assert answer.view == CONTENT


def test_what_fails_in_a_worker_is_told_without_what_it_failed_on() -> None:
    def unforeseen() -> bytes:
        message = "the secret is hunter2"
        raise ValueError(message)

    with pytest.raises(WorkerError) as error:
        isolate(unforeseen)
    assert "ValueError in unforeseen" in str(error.value)
    assert "hunter2" not in str(error.value)

    def foreseen() -> bytes:
        message = "which part is damaged"
        raise PackageError(message)

    with pytest.raises(PackageError, match=r"^which part is damaged$"):
        isolate(foreseen)


def test_a_view_that_outlives_it_reads_zeros() -> None:
    secret = Secret.of(CONTENT)
    view = secret.view
    secret.close()
    assert view == bytes(len(CONTENT))
    assert secret.closed
    with pytest.raises(ValueError, match="closed"):
        _ = secret.view
    secret.close()  # twice is allowed


@pytest.mark.parametrize("error", [PackageError, KeyboardInterrupt, MemoryError])
def test_it_is_wiped_when_an_exception_leaves_its_block(error: type[BaseException]) -> None:
    with pytest.raises(error), Secret.of(CONTENT) as secret:
        view = secret.view
        raise error
    assert view == bytes(len(CONTENT))


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Secret of another test in this process is there to be wiped: keys that are made once for many live on."""
    monkeypatch.setattr("escrow.memory.secret._living", weakref.WeakSet())


@pytest.mark.usefixtures("_alone")
def test_it_is_wiped_when_collected_and_at_exit() -> None:
    secret = Secret.of(CONTENT)
    view = secret.view
    del secret
    assert view == bytes(len(CONTENT))
    kept = Secret.of(CONTENT)
    view = kept.view
    close_all()
    assert view == bytes(len(CONTENT))


@pytest.mark.usefixtures("_alone")
def test_an_interrupted_close_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret.of(CONTENT)
    view = secret.view

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(libc, "wipe", interrupt)
        with pytest.raises(KeyboardInterrupt):
            secret.close()
    close_all()
    assert view == bytes(len(CONTENT))


def test_shortening_wipes_the_rest() -> None:
    with Secret.of(CONTENT) as secret:
        whole = secret.view
        secret.shorten(5)
        assert secret.view == CONTENT[:5]
        assert whole[5:] == bytes(len(CONTENT) - 5)


def test_a_content_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    with Secret.of(CONTENT) as secret:
        with pytest.raises(ValueError, match="do not fit"):
            secret.fill(bytes(5000))
        assert secret.view == CONTENT


def test_a_wrong_tag_leaves_nothing() -> None:
    """A package whose content was damaged: what was decrypted before the tag was checked never gets out."""
    from escrow import cms

    der = bytearray(cms.encrypt(bytes(32), b"x" * 16, b"plaintext" * 100))
    der[-20] ^= 1
    with Secret(4000) as plaintext:

        def in_worker() -> bytes:
            plaintext.fill(cms.decrypt(bytes(32), b"x" * 16, bytes(der)))
            return b""

        with pytest.raises(PackageError):
            isolate(in_worker, plaintext)
        assert len(plaintext) == 0
        assert memoryview(plaintext._array).cast("B") == bytes(plaintext._size)


SHOWING: dict[str, Callable[[Secret], object]] = {
    "repr": repr,
    "str": str,
    "format": lambda s: f"{s}",
    "percent": lambda s: "%s %r" % (s, s),  # noqa: UP031 - the old way is one of the ways
    "list": lambda s: [s],
    "slots": lambda s: {name: getattr(s, name, None) for name in s.__slots__ if name != "_array"},
}
TAKING: dict[str, Callable[[Secret], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "bytes": bytes,
    "iteration": iter,  # type: ignore[dict-item]
    "index": lambda s: s[0],  # type: ignore[index]
}


@pytest.mark.parametrize("way", SHOWING)
def test_showing_it_shows_nothing_but_its_length(way: str) -> None:
    with Secret.of(b"hunter2 hunter2") as secret:
        shown = str(SHOWING[way](secret))
        assert "hunter2" not in shown
        assert b"hunter2".hex() not in shown


@pytest.mark.parametrize("way", TAKING)
def test_taking_its_content_by_accident_fails(way: str) -> None:
    with Secret.of(b"hunter2 hunter2") as secret, pytest.raises(TypeError):
        TAKING[way](secret)


def test_a_traceback_with_captured_locals_does_not_have_it() -> None:
    def fail(secret: Secret) -> None:
        local = secret
        message = f"something about {local}"
        raise EscrowError(message)

    with Secret.of(b"hunter2 hunter2") as secret:
        try:
            fail(secret)
        except EscrowError as error:
            captured = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown = "".join(captured.format())
    assert "<Secret of 15 bytes>" in shown
    assert "hunter2" not in shown


def test_comparison_is_by_content_only_where_it_is_asked_for() -> None:
    with Secret.of(CONTENT) as one, Secret.of(CONTENT) as same, Secret.of(CONTENT[::-1]) as other:
        assert one.matches(same)
        assert not one.matches(other)
        assert one != same


def test_random_secrets_differ() -> None:
    with Secret.random(32) as one, Secret.random(32) as other:
        assert not one.matches(other)
        assert len(set(one.view)) > 8


def test_without_lockable_memory_there_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Secret, "unlocked_allowed", False)

    def refuse(*_: object, **__: object) -> int:
        raise OSError(12, "mlock: Cannot allocate memory")

    monkeypatch.setattr(libc, "map_guarded", refuse)
    with pytest.raises(LockedMemoryError, match="RLIMIT_MEMLOCK"):
        Secret(1)


def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    code = f"""if True:
        import os, time
        from pathlib import Path
        from escrow.memory import isolate
        def task():
            Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
            time.sleep(60)
            return b""
        isolate(task)
    """
    parent = subprocess.Popen([sys.executable, "-c", code])
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        pass
    worker = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.wait()
    for _ in range(1000):
        state = Path(f"/proc/{worker}/stat")
        if not state.exists() or state.read_text().split()[2] in "ZX":
            return
        os.sched_yield()
        import time

        time.sleep(0.01)
    pytest.fail("the worker outlived its parent")
