"""Files: reading with limits, and writing so that a set of files appears together or not at all."""

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from escrow import mounts
from escrow.errors import FileError, RefusedError, UsageError
from escrow.memory import LastWill, Secret

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700

_PARTIAL = ".partial"


def read_secret(path: Path, limit: int) -> Secret:
    """Read a regular file straight into locked memory. Raises FileError, also for more than `limit` bytes."""
    descriptor = _open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise _too_long(path, limit)
        return Secret.read(descriptor, size, str(path))  # no more pages than the file needs
    finally:
        os.close(descriptor)


def read_public(path: Path, limit: int) -> bytes:
    """Read a regular file that holds no secret. Raises FileError, also for more than `limit` bytes."""
    descriptor = _open_regular(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        # Asked for `limit` bytes, Python would make room for so many, and each of them is locked and overwritten.
        content = file.read() if os.fstat(descriptor).st_size <= limit else None
    if content is None or len(content) > limit:
        raise _too_long(path, limit)
    return content


def begins_with(path: Path, beginning: bytes) -> bool:
    """Whether a regular file, which may hold a secret, begins so. Raises FileError."""
    descriptor = _open_regular(path)
    try:
        with Secret.of(bytes(len(beginning))) as read:
            return os.readv(descriptor, [read.view]) == len(beginning) and read.view == beginning
    finally:
        os.close(descriptor)


def is_memory_backed(path: Path) -> bool:
    """Whether what is written at or below `path` stays in memory: tmpfs, ramfs, or an overlay that writes to one."""
    existing = _straight(path)
    while not existing.exists():
        existing = existing.parent
    try:
        return mounts.holder(mounts.current(), str(existing.resolve())).in_memory
    except FileError:
        return False


class NewFiles:
    """Files that are all written first and then appear together; if anything fails, none of them stays.

    Never over an existing file, never through a symbolic link, each fsynced, modes exact whatever the umask.
    If this process is killed, what is unfinished is removed by another. Use as a context manager and call
    `publish` at the end of the block. Raises FileError.
    """

    def __init__(self, root: Path, what: str = "directory", *, public: bool = False) -> None:
        """`what` was named by the person: a directory for several files, or one file.

        What is made is for its owner alone, unless it is `public`: then everybody may read it.
        """
        self.root, self._what = _straight(root), what
        self._owner = os.getpid()
        self._waiting: dict[Path, Path] = {}
        self._made: list[str] = []
        self._done = False
        self._modes = (0o755, 0o644) if public else (DIRECTORY_MODE, FILE_MODE)
        self._will: LastWill | None = None

    def __enter__(self) -> Self:
        if self.root.is_symlink():
            message = f"{self.root} is a symbolic link: name the directory itself."
            raise RefusedError(message)
        self._will = LastWill(_remove)
        try:
            for ancestor in reversed([self.root, *self.root.parents]):
                self._make_directory(ancestor)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owner != os.getpid():
            return
        if not self._done:
            _remove(self._made)
        if self._will:
            self._will.revoke()

    def check_absent(self, names: Iterable[str]) -> None:
        """Raise RefusedError if one of these files is there already, before any work is done."""
        for name in names:
            path = self.root / name
            if self._what == "file" and path.is_dir():
                message = f"{path} is a directory: name a file, such as {path / 'NAME'}."
                raise UsageError(message)
            if os.path.lexists(path):
                message = f"{path} exists and is never overwritten: name another {self._what}, or move it away."
                raise RefusedError(message)

    def discard_partial(self, names: Iterable[str]) -> None:
        """Remove what an interrupted run left unfinished of files that hold no secret."""
        for path in (self.root / name for name in names):
            try:
                path.with_name(f".{path.name}{_PARTIAL}").unlink(missing_ok=True)
            except OSError as error:
                raise _cannot(path, "write", error) from None

    def write(self, name: str, content: bytes | memoryview, mode: int | None = None) -> None:
        """Write one file, to appear when `publish` is called."""
        descriptor = self.open(name, mode)
        try:
            write_all(descriptor, content, self.root / name)
        finally:
            os.close(descriptor)

    def open(self, name: str, mode: int | None = None) -> int:
        """Open one file for writing, to appear when `publish` is called; the caller closes the descriptor."""
        self.check_absent([name])
        path = self.root / name
        for ancestor in reversed(path.relative_to(self.root).parents):
            self._make_directory(self.root / ancestor)
        partial = path.with_name(f".{path.name}{_PARTIAL}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._will_remove(partial)
        try:
            descriptor = os.open(partial, flags, FILE_MODE)
        except FileExistsError:
            message = (
                f"{partial} is left over from an interrupted run and may hold a secret: destroy it "
                "(on a memory-backed file system, remove it), then run the command again."
            )
            raise RefusedError(message) from None
        except OSError as error:
            raise _cannot(path, "write", error) from None
        self._will_remove(partial, os.fstat(descriptor))
        self._will_remove(path, os.fstat(descriptor))  # the same file, once it is published
        self._waiting[path] = partial
        try:
            os.fchmod(descriptor, mode or self._modes[1])
        except OSError as error:
            os.close(descriptor)
            raise _cannot(path, "set the mode of", error) from None
        return descriptor

    def publish(self) -> None:
        """Let all files appear, in the order in which they were opened."""
        for path, partial in self._waiting.items():
            try:
                sync(partial)
                _rename_new(partial, path)
            except OSError as error:
                raise _cannot(path, "write", error) from None
        for directory in {path.parent for path in self._waiting} | {self.root}:
            sync(directory)
        self._done = True

    def _will_remove(self, path: Path, made: os.stat_result | None = None) -> None:
        """Before it is made, by its name and only as long as it is empty; then by what it is."""
        entry = f"{made.st_dev}:{made.st_ino}:{path}" if made else f"::{path}"
        self._made.append(entry)
        if self._will:
            self._will.add(entry)

    def _make_directory(self, path: Path) -> None:
        if not os.path.lexists(path):
            self._will_remove(path)
        try:
            path.mkdir(self._modes[0])
        except FileExistsError:
            if (path.is_symlink() and path.is_relative_to(self.root)) or not path.is_dir():
                message = f"{path} is no directory, and one is needed there: name another."
                raise FileError(message) from None
            return
        except OSError as error:
            raise _cannot(path, "create", error) from None
        self._will_remove(path, path.lstat())
        try:
            path.chmod(self._modes[0])  # whatever the umask took away
        except OSError as error:
            raise _cannot(path, "set the mode of", error) from None


def write_all(descriptor: int, content: bytes | memoryview, path: Path) -> None:
    """Write everything to a descriptor of the file at `path`, without copying it. Raises FileError."""
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        raise _cannot(path, "write", error) from None


def _remove(entries: Sequence[str]) -> None:
    """Remove what this process made, the latest first: each "device:inode:path", if it is still that, or "::path".

    The second is what was about to be made, and is removed if it is empty. What was replaced by somebody else
    stays as it is, and so does a directory that is not empty.
    """
    for entry in reversed(entries):
        device, inode, name = entry.split(":", 2)
        path = Path(name)
        try:
            found = path.lstat()
            is_ours = f"{found.st_dev}:{found.st_ino}" == f"{device}:{inode}"
            if stat.S_ISDIR(found.st_mode):
                path.rmdir()
            elif is_ours or (not device and found.st_size == 0 and stat.S_ISREG(found.st_mode)):
                path.unlink()
        except OSError as problem:
            if problem.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR}:
                raise


def _straight(path: Path) -> Path:
    """The absolute path without `..`, with links followed in all but the last part, which may be refused later."""
    if path.name in {"", ".", ".."}:
        return path.resolve()
    return path.parent.resolve() / path.name


def _rename_new(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)  # fails if the target exists, which rename does not
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS} or os.path.lexists(target):
            raise
        source.rename(target)  # a file system without links, such as a USB stick's
    else:
        source.unlink()


def sync(path: Path) -> None:
    """Have a file, or the names in a directory, written to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_regular(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _cannot(path, "read", error) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a directory, and a file is needed." if stat.S_ISDIR(mode) else "not a regular file."
        message = f"{path} is {what}"
        raise FileError(message)
    return descriptor


def _too_long(path: Path, limit: int) -> FileError:
    return FileError(f"{path} is longer than {limit} bytes: this is not the file that was meant.")


def _cannot(path: Path, what: str, error: OSError) -> FileError:
    return FileError(f"Cannot {what} {path}: {error.strerror}.")
