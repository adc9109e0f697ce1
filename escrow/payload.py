"""The archive inside a package: `pack` and `unpack` are inverses.

A ZIP whose members are all stored, so that any `unzip` opens it and a member's bytes are the file's bytes.
Holds plain private keys: call in a worker.
"""

import io
import zipfile
from collections.abc import Mapping

from escrow.errors import PackageError

MAX_MEMBERS = 1000

_EPOCH = (1980, 1, 1, 0, 0, 0)  # ZIP's zero: two packages of the same content differ by nothing else
_MODE = 0o100600 << 16
_CHANGED = "The archive in the package is not laid out as this toolkit does it: it was changed."


def pack(members: Mapping[str, bytes | memoryview]) -> bytes:
    """Lay the members out as a ZIP archive, in the order given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _MODE
            entry.create_system = 3  # Unix: whoever builds it, the bytes are the same
            archive.writestr(entry, content)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The members by name, in their order. Raises PackageError for anything `pack` does not make."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_MEMBERS or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                message = (
                    "The archive in the package has too many members or compressed ones: this toolkit did not make it."
                )
                raise PackageError(message)
            if len({entry.filename for entry in entries}) != len(entries):
                raise PackageError(_CHANGED)  # and not what some release of zipfile says of overlapping entries
            members = {entry.filename: archive.read(entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        ValueError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OverflowError,
    ) as error:
        message = f"The archive in the package cannot be read ({type(error).__name__}): it is damaged."
        raise PackageError(message) from None
    if pack(members) != data:
        raise PackageError(_CHANGED)
    return members
