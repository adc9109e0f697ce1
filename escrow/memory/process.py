"""The process that holds secrets: locked, undumpable, and with an allocator that overwrites what it frees."""

import os
import pwd
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from escrow.errors import LockedMemoryError, RefusedError
from escrow.memory import libc
from escrow.memory.secret import Secret
from escrow.memory.signals import HELD

LOCKED_BYTES_NEEDED = 768 * 2**20
"""How much memory must be lockable: Python with its libraries, and one page's pixels while it is read, at 600 dpi."""

_NO_CORE = 1
# Bytes: too few for any file, and the one limit with which the kernel does not give a dump to a program either, where
# core_pattern is a pipe. With 0 it does (fs/coredump.c; core(5) tells of 0 alone).

HARDENED_ENVIRONMENT = {
    "PYTHONMALLOC": "malloc",  # Python's own pools would keep freed objects readable
    "GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0",  # the tcache skips overwriting
    "OPENBLAS_NUM_THREADS": "1",  # numpy's threads would be memory to lock, and stand in the way of forks
}

_is_locked = False


@dataclass(frozen=True)
class Shortcoming:
    """Something this machine lacks for a production ceremony, and what to do about it."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


def protect(*, required: bool) -> tuple[Shortcoming, ...]:
    """Make this process fit to hold secrets; call it before the first one.

    The process may be replaced by itself (same arguments, same standard input) to get an allocator that
    overwrites freed memory. Returns what could not be had; with `required`, raises RefusedError instead.
    """
    if not allocator_overwrites():
        _execute_again()  # returns only if that was already tried
    shortcomings = (*_check_swap(), *_forbid_dumps(), *_check_allocator(), *_lock())
    if shortcomings and required:
        raise RefusedError("\n".join(map(str, shortcomings)))
    if not _is_locked:
        Secret.unlocked_allowed = True
    return shortcomings


def lock_again() -> None:
    """Lock a forked child as its parent is locked: locks are not inherited.

    Its pages are its parent's until it writes to them, and so in memory already. Making each of them present would
    copy the parent's whole heap into a child that is gone in a moment.
    """
    if _is_locked:
        libc.lock_all_when_present()


def allocator_overwrites() -> bool:
    """Whether a freed object's memory is overwritten: tried, not looked up."""
    size = 200  # small enough for Python's own pools, were they in use
    seen = bytearray(size)
    victim = b"K" * size  # not 0x5A, which the C library writes into new memory
    address = id(victim) + bytes.__basicsize__ - 1  # the characters follow the object's header
    libc.copy_from(address, seen)
    if seen != victim:
        return False  # not the layout that we know, so nothing would be proved
    del victim
    libc.copy_from(address, seen)
    return b"KKKK" not in seen


def environment_for_others() -> dict[str, str]:
    """The environment without what this program added to it for itself."""
    return {name: value for name, value in os.environ.items() if HARDENED_ENVIRONMENT.get(name) != value}


def _execute_again() -> None:
    if all(os.environ.get(name) == value for name, value in HARDENED_ENVIRONMENT.items()):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    # exec forgets handlers, but not what is held back: the program lets signals come when it has handlers again.
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    # The environment of a C library is read at exec only; the arguments hold no secret, by design.
    os.execve(  # noqa: S606 - this program, with the arguments that it was given
        sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **HARDENED_ENVIRONMENT}
    )


def _check_allocator() -> tuple[Shortcoming, ...]:
    if allocator_overwrites():
        return ()
    return (
        Shortcoming(
            "Freed memory is not overwritten on this machine.",
            "Use a Python linked to the GNU C library, and start it without -I and -E.",
        ),
    )


def _check_swap() -> tuple[Shortcoming, ...]:
    areas = [line.split()[0] for line in Path("/proc/swaps").read_text("ascii").splitlines()[1:]]
    if not areas:
        return ()
    return (Shortcoming(f"Swap is on ({', '.join(areas)}).", "As root: swapoff --all"),)


def _forbid_dumps() -> tuple[Shortcoming, ...]:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (_NO_CORE, _NO_CORE))
    except ValueError:  # whoever started this has set the hard limit to 0
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.forbid_dumps()  # which does not outlast execve; the limit does
    found = []
    if libc.dumpable() or max(resource.getrlimit(resource.RLIMIT_CORE)) > _NO_CORE:
        found.append(Shortcoming("Core dumps cannot be switched off.", "Use another kernel configuration."))
    status = Path("/proc/self/status").read_text("ascii")
    tracer = next(line.split()[1] for line in status.splitlines() if line.startswith("TracerPid:"))
    if tracer != "0":
        found.append(Shortcoming(f"Process {tracer} is tracing this one.", "End the debugger, then start again."))
    return tuple(found)


def raise_limit() -> int:
    """Raise the soft limit on locked memory to the hard one; return it, in bytes (RLIM_INFINITY: none)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
    return hard


def _lock() -> tuple[Shortcoming, ...]:
    global _is_locked  # noqa: PLW0603 - a fact about the whole process, which has one set of pages
    hard = raise_limit()
    try:
        with Secret(libc.PAGE):
            libc.lock_all()
    except (OSError, LockedMemoryError):
        return (_memlock_shortcoming(hard),)
    if not _may_lock_more(hard):
        libc.unlock_all()  # a later allocation would fail half-way
        return (_memlock_shortcoming(hard),)
    _is_locked = True
    return ()


def _may_lock_more(limit: int) -> bool:
    """Whether the limit leaves room, or does not bind (it never binds with CAP_IPC_LOCK)."""
    if limit == resource.RLIM_INFINITY or limit >= LOCKED_BYTES_NEEDED:
        return True
    try:
        Secret(limit).close()
    except LockedMemoryError:
        return False
    return True


def _memlock_shortcoming(limit: int) -> Shortcoming:
    try:
        account = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        account = str(os.getuid())
    return Shortcoming(
        f"Memory cannot be locked: RLIMIT_MEMLOCK is {limit // 1024} KiB and {LOCKED_BYTES_NEEDED // 1024} KiB "
        "are needed.",
        "As root, raise the limit of the shell you are in:\n"
        f"  prlimit --memlock=unlimited --pid {os.getppid()}\n"
        "or start a shell that may lock memory:\n"
        f"  setpriv --reuid={account} --regid={account} --init-groups "
        "--inh-caps=+ipc_lock --ambient-caps=+ipc_lock bash\n"
        f"For good: write '{account} - memlock unlimited' into /etc/security/limits.d/escrow.conf, and log in again.",
    )
