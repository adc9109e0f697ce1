"""The QR code of a share: text to modules, and modules of which much is unknown back to text.

All codes of the format are alike: version 6, level H, mask 3, one alphanumeric segment. So copies can be laid over
each other module by module, and a reader knows beforehand what is not data. Numbers in comments are those of
ISO/IEC 18004:2015.
"""

import itertools
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from escrow.errors import ShareError
from escrow.paper.qr import QUIET_ZONE, modules
from escrow.share import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 41
"""Modules on each side of version 6."""

_VERSION, _MASK = 6, 3
_BLOCKS, _DATA, _PARITY = 4, 15, 28  # table 9, 6-H
_TIMING = 6  # the row and the column of the timing patterns
_MODE = 0b0010  # alphanumeric, table 2
_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"  # table 5
_PAIR, _PAIR_BITS, _SINGLE_BITS, _COUNT_BITS, _MODE_BITS = 45, 11, 6, 9, 4
_MAX_COMBINATIONS = 256


def encode(text: str) -> list[list[bool]]:
    """Rows of modules, true for dark, quiet zone included. The text has at most 84 characters of table 5."""
    return modules(text, "H", version=_VERSION, mask=_MASK)


@cache
def function_patterns() -> "NDArray[np.float32]":
    """SIDE x SIDE: 1 where every code is dark, -1 where every code is light, 0 where data stands."""
    import numpy as np

    inside = np.array(encode("0"))[QUIET_ZONE:-QUIET_ZONE, QUIET_ZONE:-QUIET_ZONE]
    known = np.where(inside, 1, -1).astype(np.float32)
    known[tuple(np.array(_data_modules()).T)] = 0
    return known


def decode(soft: "NDArray[np.float32]") -> str | None:
    """The text of a share in SIDE x SIDE modules: positive is dark, negative light, and near 0 is not known.

    What is least certain is given up first, more and more of it: 28 of a block's 43 codewords may be lost where
    a reader that does not know what it does not know can mend 14. Only a text whose checksum holds is returned.
    """
    blocks = _deinterleave(soft)
    ranked = [list(_candidates(block)) for block in blocks]
    for choice in itertools.islice(itertools.product(*ranked), _MAX_COMBINATIONS):
        text = _text(b"".join(choice))
        if text and _is_record(text):
            return text
    return None


def _data_modules() -> list[tuple[int, int]]:
    """Row and column of every data module, in the order of placement (7.7.3)."""
    order = []
    right, upward = SIDE - 1, True
    while right > 0:
        if right == _TIMING:
            right -= 1
        rows = range(SIDE - 1, -1, -1) if upward else range(SIDE)
        order += [(row, column) for row in rows for column in (right, right - 1) if not _is_function(row, column)]
        right, upward = right - 2, not upward
    return order


def _is_function(row: int, column: int) -> bool:
    """Whether a module belongs to a finder (with separator and format), a timing or the alignment pattern."""
    near, far = 9, SIDE - 8
    finder = (row < near and (column < near or column >= far)) or (row >= far and column < near)
    alignment = abs(row - 34) <= 2 and abs(column - 34) <= 2  # noqa: PLR2004 - its centre in version 6, annex E
    return finder or alignment or _TIMING in {row, column}


def _deinterleave(soft: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Blocks x codewords x 8 soft bits, without the mask (table 10) and without the remainder bits."""
    import numpy as np

    rows, columns = np.array(_data_modules()).T
    bits = soft[rows, columns] * np.where((rows + columns) % 3 == 0, -1, 1)
    total = _BLOCKS * (_DATA + _PARITY)
    blocks = bits[: total * 8].reshape(total // _BLOCKS, _BLOCKS, 8).swapaxes(0, 1)
    return np.asarray(blocks, np.float32)


def _candidates(bits: "NDArray[np.float32]") -> Iterator[bytes]:
    """Data codewords that a block may mean, most likely first (generalised minimum distance decoding)."""
    import numpy as np
    from reedsolo import ReedSolomonError, RSCodec

    codec = RSCodec(_PARITY)  # fcr 0, generator 2, prim 0x11d: the field and the generator of 7.5.2
    received = np.packbits(bits > 0, axis=1)[:, 0].tobytes()
    doubtful = np.argsort(np.abs(bits).min(axis=1), kind="stable").tolist()
    found: dict[bytes, float] = {}
    for erased in range(0, _PARITY + 1, 2):
        try:
            data, whole, _ = codec.decode(received, erase_pos=doubtful[:erased])
        except ReedSolomonError:
            continue
        signs = np.unpackbits(np.frombuffer(bytes(whole), np.uint8)).reshape(bits.shape) * 2.0 - 1
        found[bytes(data)] = float((signs * bits).sum())
    yield from sorted(found, key=lambda data: -found[data])[:_BLOCKS]


def _text(data: bytes) -> str | None:
    """The text of one alphanumeric segment (7.4.4); None if that is not what stands there."""
    bits = "".join(f"{byte:08b}" for byte in data)
    if int(bits[:_MODE_BITS], 2) != _MODE:
        return None
    count = int(bits[_MODE_BITS : _MODE_BITS + _COUNT_BITS], 2)
    place = _MODE_BITS + _COUNT_BITS
    if place + count // 2 * _PAIR_BITS + count % 2 * _SINGLE_BITS > len(bits):
        return None
    text = ""
    while len(text) < count:
        width = _PAIR_BITS if count - len(text) > 1 else _SINGLE_BITS
        first, second = divmod(int(bits[place : place + width], 2), _PAIR)
        if first >= _PAIR:
            return None
        text += (_CHARACTERS[first] if width == _PAIR_BITS else "") + _CHARACTERS[second]
        place += width
    return text


def _is_record(text: str) -> bool:
    try:
        Record.from_text(text)
    except ShareError:
        return False
    return True
