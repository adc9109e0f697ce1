"""Where codes and registration marks stand on a share sheet.

This is part of the format (FORMAT.md, "Codes and marks on a sheet"), not of the template: a reader looks for them at
these places for as long as sheets exist. Lengths are millimetres from the left and the top edge, the same on A4 and
Letter.
"""

from escrow.paper.qr import QUIET_ZONE
from escrow.paper.share_code import SIDE

CODE_WIDTH = 47.0
"""Each copy of the code with its quiet zone."""

MODULE = CODE_WIDTH / (QUIET_ZONE + SIDE + QUIET_ZONE)

CODES = ((8.0, 8.0), (155.0, 8.0), (8.0, 224.0), (155.0, 224.0))
"""The left and top edges of the copies: in all corners, because damage is rarely in all corners."""

RING_OUTSIDE, RING_INSIDE, DOT = 5.0, 4.0, 1.2
"""Diameters of a mark's ring and of the dot in its centre. Across it, dark and light are as 5:14:12:14:5, so that no
reader takes it for the finder pattern of a QR code, which is 1:1:3:1:1 (ISO/IEC 18004, 6.3.3)."""

MARKS = (
    *((x, 9.0) for x in (64.0, 89.0, 118.0, 146.0)),
    *((x, 269.0) for x in (60.0, 82.0, 105.0, 133.0, 150.0)),
    *((10.0, y) for y in (60.0, 75.0, 97.0, 122.0, 140.0, 161.0, 187.0, 202.0, 219.0)),
    *((200.0, y) for y in (62.0, 86.0, 101.0, 117.0, 145.0, 168.0, 181.0, 208.0, 220.0)),
    *((x, 105.0) for x in (96.0, 131.0, 172.0)),
    *((x, 170.0) for x in (136.0, 158.0, 189.0)),
)
"""The centres of the marks. Their distances are irregular, so that a few of them tell which they are."""

MARK_WIDTH = RING_OUTSIDE + 1.0
"""A mark with the paper around it that stays free."""

TAKEN = (
    *((x, y, CODE_WIDTH, CODE_WIDTH) for x, y in CODES),
    *((x - MARK_WIDTH / 2, y - MARK_WIDTH / 2, MARK_WIDTH, MARK_WIDTH) for x, y in MARKS),
)
"""Left, top, width and height of all of them: nothing else may be printed there."""
