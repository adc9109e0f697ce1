"""Production refuses a machine that cannot keep a secret, says what to do, and what it says works."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from film import Scene, write_film
from helpers import UNPRIVILEGED, as_ordinary_user, blot, can_lock, escrow, need, practice, run

from escrow.memory import process
from escrow.memory.process import HARDENED_ENVIRONMENT
from escrow.watch import RESCUE

ORDER: list[str | Path] = ["--threshold", "2", "--custodian", "Anna", "--custodian", "Bert"]
COMMAND: list[str | Path] = [sys.executable, "-m", "ceremony", "seal", "--generate", "X", *ORDER, "--out"]


@pytest.mark.parametrize("limit", [0, 8 * 2**20])
def test_too_low_a_limit_on_locked_memory_is_refused_and_nothing_is_written(limit: int, shm: Path) -> None:
    done = as_ordinary_user(limit, *COMMAND, shm / "out").expect(3)
    assert f"RLIMIT_MEMLOCK is {limit // 1024} KiB" in done.err
    assert "prlimit --memlock=unlimited --pid" in done.err
    assert list(shm.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who does what the message says")
def test_the_remedies_in_the_message_work(shm: Path) -> None:
    """An account with 8 MiB is refused; what the message tells root to do makes the same command succeed."""
    limit = 8 * 2**20
    message = as_ordinary_user(limit, *COMMAND, shm / "out").expect(3).err
    remedy = re.search(r"setpriv .*--init-groups (.*) bash", message)
    assert remedy
    granted = ["--securebits=+noroot", *remedy[1].split()]
    run("prlimit", f"--memlock={limit}:{limit}", "setpriv", *granted, *COMMAND, shm / "out").expect(0)

    raised = re.search(r"prlimit (--memlock=unlimited) --pid \d+", message)
    assert raised
    if run("prlimit", raised[1], "true").status == 0:  # not where root itself lacks CAP_SYS_RESOURCE
        run("prlimit", raised[1], "setpriv", *UNPRIVILEGED, *COMMAND, shm / "other").expect(0)


def test_a_specimen_is_made_all_the_same_and_the_shortcoming_is_said(shm: Path) -> None:
    done = as_ordinary_user(0, *COMMAND, shm / "out", "--specimen").expect(0)
    assert "where production would refuse" in done.err
    assert "RLIMIT_MEMLOCK is 0 KiB" in done.err


@pytest.mark.long
def test_the_rehearsal_runs_where_memory_cannot_be_locked_and_says_so() -> None:
    done = as_ordinary_user(0, sys.executable, "-m", "ceremony", "rehearse").expect(0)
    assert "where production would refuse" in done.err
    assert "bit for bit" in done.err


def test_the_allocator_is_found_out_by_trying_it() -> None:
    code = "from escrow.memory.process import allocator_overwrites as a; import sys; sys.exit(0 if a() else 9)"
    run(sys.executable, "-c", code, env=HARDENED_ENVIRONMENT).expect(0)
    for missing in ("PYTHONMALLOC", "GLIBC_TUNABLES"):
        run(sys.executable, "-c", code, env={**HARDENED_ENVIRONMENT, missing: ""}).expect(9)
    without_tcache = {**HARDENED_ENVIRONMENT, "GLIBC_TUNABLES": "glibc.malloc.perturb=165"}
    run(sys.executable, "-c", code, env=without_tcache).expect(9)


def test_production_refuses_an_allocator_that_keeps_what_is_freed(shm: Path) -> None:
    """-E makes Python ignore PYTHONMALLOC, also after the program has started itself again."""
    command: list[str | Path] = [sys.executable, "-E", *COMMAND[1:], shm / "out"]
    done = run(*command).expect(3)
    assert "Freed memory is not overwritten" in done.err
    assert list(shm.iterdir()) == []


def test_swap_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    swaps = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2\n/swapfile file 1 0 -3\n"
    monkeypatch.setattr(Path, "read_text", lambda *_: swaps)
    (shortcoming,) = process._check_swap()
    assert str(shortcoming) == "Swap is on (/dev/sda2, /swapfile). As root: swapoff --all"
    monkeypatch.setattr(Path, "read_text", lambda *_: swaps.splitlines()[0] + "\n")
    assert process._check_swap() == ()


@pytest.mark.skipif(os.geteuid() != 0 or not can_lock(), reason="needs root, whom the kernel tells about its pages")
def test_every_page_that_a_worker_has_inherits_or_writes_to_is_locked() -> None:
    """Asked of the kernel page by page, because a worker does not touch its pages to lock them."""
    pages = Path(__file__).with_name("locked_pages.py")
    said = Counter(run(sys.executable, pages).expect().out.splitlines())
    assert said.keys() == {"inherited locked", "written locked", "new locked"}
    assert min(said.values()) > 500
    control = Counter(run(sys.executable, pages, "forget").expect().out.splitlines())
    assert control["written not locked"] > 500


@pytest.mark.skipif(not can_lock(), reason="needs an account that may lock memory")
def test_a_process_that_is_being_traced_refuses(shm: Path) -> None:
    need("strace")
    done = run("strace", "-f", "-o", "/dev/null", *COMMAND, shm / "out").expect(3)
    assert "is tracing this one" in done.err
    assert list(shm.iterdir()) == []


def test_nobody_of_the_same_account_may_read_or_trace_the_process_and_it_leaves_no_core(shm: Path) -> None:
    code = f"""if True:
        import os, resource, sys
        from escrow.memory import protect
        protect(required=False)
        assert resource.getrlimit(resource.RLIMIT_CORE) == (1, 1)
        os.chdir({str(shm)!r})
        import escrow.memory.libc as libc
        assert not libc.dumpable()
        os.abort()
    """
    (shm / "abort.py").write_text(code)
    done = run(sys.executable, shm / "abort.py")
    assert done.status == -6, done.err
    assert [path.name for path in shm.iterdir()] == ["abort.py"]


def test_what_it_becomes_leaves_no_core_either_be_it_to_a_file_or_to_a_pipe(shm: Path) -> None:
    """With the limit 0 a pipe would get it: with what is in core_pattern here this shows one of the two."""
    code = f"""if True:
        import os
        from escrow.memory import become, protect
        protect(required=False)
        os.chdir({str(shm)!r})
        become(["sh", "-c", "ulimit -c; ulimit -H -c; grep core /proc/$$/limits; kill -SEGV $$"], {{}})
    """
    (shm / "become.py").write_text(code)
    with subprocess.Popen([sys.executable, shm / "become.py"], stdout=subprocess.PIPE) as child:
        shown = child.communicate()[0].decode()
    assert shown.splitlines()[2].split()[4:6] == ["1", "1"]
    assert child.returncode == -signal.SIGSEGV
    assert [path.name for path in shm.iterdir()] == ["become.py"]


def test_the_limit_that_is_asked_for_leaves_room_for_what_the_program_locks(shm: Path) -> None:
    """All memory is locked, so a bound on the address space is a bound on what is locked: try the largest things."""
    bound = ["prlimit", f"--as={process.LOCKED_BYTES_NEEDED}"]
    run(*bound, *COMMAND, shm / "out", *practice()).expect(0)
    sheets = sorted((shm / "out/shares").iterdir())
    scanned = shm / "scan.png"
    blot(sheets[0].read_bytes(), 600).save(scanned)  # in colour, and so damaged that the copies must be merged
    package = shm / "out/package.escrow"
    run(*bound, sys.executable, "-m", "ceremony", "check", package, scanned, *sheets[1:]).expect(0)
    film = write_film(shm / "film.avi", [Scene(sheets[0], RESCUE, damaged=True)])
    done = run(*bound, sys.executable, "-m", "ceremony", "check", package, "--camera", film).expect(0)
    assert "Share 1" in done.out


def test_the_environment_takes_no_switch_that_weakens_the_program() -> None:
    """Nothing in the sources reads an environment variable, but to start again with a hardened allocator.

    And what makes a bundle, where there is no secret, and its installer, whose launcher refuses two of them.
    """
    top = Path(__file__).parent.parent
    users = [
        f"{path.name}:{number}"
        for folder in ("escrow", "ceremony")
        for path in sorted((top / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"os\.environ|getenv", line)
    ]
    assert {user.partition(":")[0] for user in users} == {"process.py", "own.py", "install.py"}


def test_escrow_is_what_was_asked_for() -> None:
    assert "escrow" in escrow("--version").expect(0).out
