"""The C library calls behind locked memory. The only module of the project that uses ctypes.

Addresses and lengths are integers in bytes; every function raises OSError with the kernel's errno.
"""

import ctypes
import errno
import mmap
import os

PAGE = mmap.PAGESIZE

_SYS_MEMFD_SECRET = 447  # the same number on every architecture (Linux 5.14, kernel/sys_ni.c)
_PROT_NONE, _PROT_READ_WRITE = 0, 3
_MAP_SHARED, _MAP_PRIVATE, _MAP_FIXED, _MAP_ANONYMOUS, _MAP_NORESERVE = 0x01, 0x02, 0x10, 0x20, 0x4000
_MAP_FAILED = ctypes.c_void_p(-1).value
_MADV_DONTFORK, _MADV_DOFORK, _MADV_DONTDUMP = 10, 11, 16
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_PR_SET_PDEATHSIG, _PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 1, 3, 4

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.syscall.restype = ctypes.c_long
_libc.getrandom.restype = ctypes.c_ssize_t
_libc.getrandom.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]


def _check(result: int, call: str) -> int:
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
    return result


def _mmap(address: int | None, length: int, protection: int, flags: int, descriptor: int = -1) -> int:
    result: int | None = _libc.mmap(address, length, protection, flags, descriptor, 0)
    if result is None or result == _MAP_FAILED:
        code = ctypes.get_errno()
        raise OSError(code, f"mmap: {os.strerror(code)}")
    return result


def map_guarded(length: int, *, must_lock: bool) -> int:
    """Map `length` bytes (whole pages) between two inaccessible pages; return the address of the first byte.

    The pages come from memfd_secret(2): locked, absent from dumps and from the kernel's direct map. Where the
    kernel has none, from anonymous memory that is locked and kept out of dumps; only without `must_lock`, for
    rehearsals, may locking fail. Both are shared mappings, so a worker that is handed one can answer in
    it, and are not inherited by any other child.
    """
    reserved = _mmap(None, length + 2 * PAGE, _PROT_NONE, _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_NORESERVE)
    address = reserved + PAGE
    try:
        try:
            _map_memfd_secret(address, length)
        except OSError:
            _map_locked_anonymous(address, length, must_lock=must_lock)
        _check(_libc.madvise(address, length, _MADV_DONTFORK), "madvise(MADV_DONTFORK)")
    except OSError:
        _libc.munmap(reserved, length + 2 * PAGE)
        raise
    return address


def _map_memfd_secret(address: int, length: int) -> None:
    # The manual page says FD_CLOEXEC; the kernel (mm/secretmem.c) takes O_CLOEXEC and refuses the other.
    descriptor = _check(_libc.syscall(_SYS_MEMFD_SECRET, os.O_CLOEXEC), "memfd_secret")
    try:
        os.ftruncate(descriptor, length)
        _mmap(address, length, _PROT_READ_WRITE, _MAP_SHARED | _MAP_FIXED, descriptor)
    finally:
        os.close(descriptor)  # the mapping alone keeps the pages; nobody else can map them


def _map_locked_anonymous(address: int, length: int, *, must_lock: bool) -> None:
    _mmap(address, length, _PROT_READ_WRITE, _MAP_SHARED | _MAP_FIXED | _MAP_ANONYMOUS)
    if _libc.mlock(address, length) != 0 and must_lock:
        _check(-1, "mlock")
    _check(_libc.madvise(address, length, _MADV_DONTDUMP), "madvise(MADV_DONTDUMP)")


def unmap_guarded(address: int, length: int) -> None:
    """Give back what `map_guarded` mapped, guard pages included."""
    _check(_libc.munmap(address - PAGE, length + 2 * PAGE), "munmap")


def set_inherited(address: int, length: int, *, inherited: bool) -> None:
    """Let the next fork map these pages in the child, or not."""
    _check(_libc.madvise(address, length, _MADV_DOFORK if inherited else _MADV_DONTFORK), "madvise")


def array_at(address: int, length: int) -> "ctypes.Array[ctypes.c_ubyte]":
    """The bytes at an address as an object with the buffer protocol. Its life does not keep the mapping."""
    return (ctypes.c_ubyte * length).from_address(address)


def copy_from(address: int, target: bytearray) -> None:
    """Copy memory of this process into `target`, allocating nothing on the way."""
    ctypes.memmove((ctypes.c_ubyte * len(target)).from_buffer(target), address, len(target))


def wipe(address: int, length: int) -> None:
    """Overwrite memory with zeros. A call through ctypes is never optimised away."""
    ctypes.memset(address, 0, length)


def fill_random(address: int, length: int) -> None:
    """Fill memory from getrandom(2), which waits until the kernel's generator is ready."""
    done = 0
    while done < length:
        done += _check(_libc.getrandom(address + done, length - done, 0), "getrandom")


def lock_all() -> None:
    """Lock every page this process has and will have (mlockall(2)). Not inherited by fork or exec."""
    _check(_libc.mlockall(_MCL_CURRENT | _MCL_FUTURE), "mlockall")


def lock_all_when_present() -> None:
    """The same (MCL_ONFAULT, Linux 4.4), but pages that are not there are locked at the moment when they come."""
    _check(_libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT), "mlockall")


def unlock_all() -> None:
    """Undo `lock_all`."""
    _check(_libc.munlockall(), "munlockall")


def lock_and_release(length: int) -> None:
    """Map `length` bytes, lock every page of them (mlock(2), which makes each present), and give them back."""
    address = _mmap(None, length, _PROT_READ_WRITE, _MAP_PRIVATE | _MAP_ANONYMOUS)
    try:
        _check(_libc.mlock(address, length), "mlock")
    finally:
        _libc.munmap(address, length)


def forbid_dumps() -> None:
    """PR_SET_DUMPABLE 0: no core dump, and no tracing by processes without CAP_SYS_PTRACE."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def dumpable() -> bool:
    """Whether this process could still be dumped or traced by its own user."""
    return _check(_libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0), "prctl(PR_GET_DUMPABLE)") != 0


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel to send this process a signal when its parent ends (PR_SET_PDEATHSIG)."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def explain(error: OSError) -> str:
    """Say in words why memory could not be had."""
    if error.errno in {errno.ENOMEM, errno.EAGAIN, errno.EPERM}:
        return "the limit on locked memory (RLIMIT_MEMLOCK) is reached"
    return str(error)
