"""QR codes as modules (ISO/IEC 18004)."""

import re
from typing import Literal

Level = Literal["L", "M", "Q", "H"]

QUIET_ZONE = 4
"""Light modules around every code (6.3.8)."""

_BYTES: Literal[4] = 4  # qrcode's MODE_8BIT_BYTE
_ALPHANUMERIC: Literal[2] = 2  # qrcode's MODE_ALPHA_NUM


def modules(text: str, level: Level, *, version: int | None = None, mask: int | None = None) -> list[list[bool]]:
    """Rows of modules, true for dark, quiet zone included, of a text in ASCII.

    Without version and mask, the smallest and the best are chosen. Small letters take more room (7.4.5).
    """
    import qrcode
    from qrcode.util import QRData

    correction = getattr(qrcode.constants, f"ERROR_CORRECT_{level}")
    code = qrcode.QRCode(version, error_correction=correction, border=QUIET_ZONE, mask_pattern=mask)
    code.add_data(QRData(text, mode=_BYTES if re.search("[a-z]", text) else _ALPHANUMERIC))
    code.make(fit=version is None)
    matrix: list[list[bool]] = code.get_matrix()
    return matrix
