"""QR codes as modules (ISO/IEC 18004)."""

from typing import Literal

Level = Literal["L", "M", "Q", "H"]

QUIET_ZONE = 4
"""Light modules around every code (6.3.8)."""

_ALPHANUMERIC: Literal[2] = 2  # qrcode's MODE_ALPHA_NUM


def modules(text: str, level: Level, *, version: int | None = None, mask: int | None = None) -> list[list[bool]]:
    """Rows of modules, true for dark, quiet zone included, of a text in the alphanumeric set.

    Without version and mask, the smallest and the best are chosen.
    """
    import qrcode
    from qrcode.util import QRData

    correction = getattr(qrcode.constants, f"ERROR_CORRECT_{level}")
    code = qrcode.QRCode(version, error_correction=correction, border=QUIET_ZONE, mask_pattern=mask)
    code.add_data(QRData(text, mode=_ALPHANUMERIC))
    code.make(fit=version is None)
    matrix: list[list[bool]] = code.get_matrix()
    return matrix
