"""`Secret`: bytes in guarded, locked pages that are wiped when done with."""

import atexit
import hmac
import os
import struct
import sys
import weakref
from types import TracebackType
from typing import ClassVar, NoReturn, Self

from escrow.errors import FileError, LockedMemoryError
from escrow.memory import libc

_HEADER = struct.Struct("=Q")  # the length of the content: it lies in the shared page, so a worker can set it

_OWN_REFERENCES = 2  # the attribute, and the argument of getrefcount itself

_living: "weakref.WeakSet[Secret]" = weakref.WeakSet()


class Secret:
    """A secret of up to `capacity` bytes.

    The content is reached through `view`, a memoryview: slicing it copies nothing. Showing, copying, pickling
    or iterating gives nothing but the length. Closed at the end of a `with` block, when collected, or at
    exit, whichever comes first; closing overwrites the content with zeros. In a forked child the pages do not
    exist, except in a worker that `isolate` handed them to.

    Raises LockedMemoryError where no locked page can be had, unless a rehearsal has allowed unlocked ones.
    """

    __slots__ = ("__weakref__", "_address", "_array", "_owner", "_size")

    unlocked_allowed: ClassVar[bool] = False
    """Set by `protect` for rehearsals only, on machines that cannot lock memory."""

    def __init__(self, capacity: int) -> None:
        self._owner = 0  # so that __del__ of a half-made object touches nothing
        self._size = -(-(capacity + _HEADER.size) // libc.PAGE) * libc.PAGE
        try:
            self._address = libc.map_guarded(self._size, must_lock=not Secret.unlocked_allowed)
        except OSError as error:
            message = f"No locked memory for a secret of {capacity} bytes: {libc.explain(error)}."
            raise LockedMemoryError(message) from None
        self._array = libc.array_at(self._address, self._size)
        self._owner = os.getpid()
        _living.add(self)

    @classmethod
    def of(cls, content: memoryview | bytes) -> Self:
        """Copy `content` into a new Secret. The caller answers for the source."""
        secret = cls(len(content))
        secret.fill(content)
        return secret

    @classmethod
    def random(cls, length: int) -> Self:
        """Draw `length` bytes from getrandom(2), straight into the pages."""
        secret = cls(length)
        secret._set_length(length)
        libc.fill_random(secret._address + _HEADER.size, length)
        return secret

    @classmethod
    def read(cls, descriptor: int, limit: int, name: str) -> Self:
        """Read a descriptor to its end, straight into the pages.

        Raises FileError when there are more than `limit` bytes, or the descriptor cannot be read.
        """
        secret = cls(limit + 1)
        secret._set_length(limit + 1)
        length = 0
        try:
            while got := os.readv(descriptor, [secret.view[length:]]):
                length += got
        except OSError as error:
            secret.close()
            message = f"{name} cannot be read: {error.strerror}."
            raise FileError(message) from None
        if length > limit:
            secret.close()
            message = f"{name} is longer than {limit} bytes: this is not the file that was meant."
            raise FileError(message)
        secret._set_length(length)
        return secret

    @property
    def view(self) -> memoryview:
        """The content. Raises ValueError once closed."""
        if self.closed:
            message = "this Secret is closed"
            raise ValueError(message)
        return memoryview(self._array).cast("B")[_HEADER.size : _HEADER.size + len(self)]

    @property
    def closed(self) -> bool:
        """Whether the content was wiped."""
        return self._owner == 0

    def fill(self, content: memoryview | bytes) -> None:
        """Replace the content, in a worker as in its owner. Raises ValueError when it does not fit."""
        if len(content) > self._size - _HEADER.size:
            message = f"{len(content)} bytes do not fit into a Secret of {self._size - _HEADER.size}"
            raise ValueError(message)
        self._set_length(len(content))
        self.view[:] = content

    def shorten(self, length: int) -> None:
        """Keep the first `length` bytes and wipe the rest."""
        self.view[length:] = bytes(len(self) - length)
        self._set_length(length)

    def matches(self, other: "Secret") -> bool:
        """Whether both hold the same bytes, in time that depends only on the length."""
        return hmac.compare_digest(self.view, other.view)

    def _set_length(self, length: int) -> None:
        _HEADER.pack_into(self._array, 0, length)

    def set_inherited(self, *, inherited: bool) -> None:
        """For `isolate` alone: map the pages in the next forked child, or not."""
        libc.set_inherited(self._address, self._size, inherited=inherited)

    def close(self) -> None:
        """Wipe and unmap. Closing twice is allowed; in a process that is not the owner nothing happens."""
        if self._owner != os.getpid():
            return
        libc.wipe(self._address, self._size)  # first: interrupted before the next line, it is wiped again
        self._owner = 0
        _living.discard(self)
        if sys.getrefcount(self._array) > _OWN_REFERENCES:
            return  # a slice is still alive somewhere: leave it zeros to read, not a segmentation fault
        libc.unmap_guarded(self._address, self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __len__(self) -> int:
        if self.closed:
            return 0
        length: int = _HEADER.unpack_from(self._array)[0]
        return length

    def __repr__(self) -> str:
        return "<Secret, closed>" if self.closed else f"<Secret of {len(self)} bytes>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        message = "a Secret cannot be copied or pickled"
        raise TypeError(message)

    def __bytes__(self) -> NoReturn:
        message = "a Secret does not turn into bytes: use its view, in a worker"
        raise TypeError(message)


@atexit.register
def close_all() -> None:
    """Wipe every Secret that is still open."""
    for secret in tuple(_living):
        secret.close()
