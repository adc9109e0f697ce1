"""Find the spots in a picture that may be finder patterns or registration marks.

Both are a dark spot in a light hole in something dark, which is easily found and rarely found by mistake. What part of
the hole the spot fills tells one from the other, and the size of both tells the scale.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from escrow.paper.layout import DOT, MODULE, RING_INSIDE

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

FINDER, MARK = 0, 1
"""The kinds of spots."""
FEWEST = 4
"""Spots that make a sheet."""

_ACROSS = (8 * MODULE, RING_INSIDE + DOT)
"""Millimetres across hole and spot together, which no threshold changes: what one gains, the other loses."""
_SPOT_IN_HOLE = (0.52, 0.85), (0.18, 0.52)  # 0.6 and 0.3 as printed; more as far as paper is lighter than the mean
_MIN_HOLE = 8  # pixels: below, at some 60 dpi, modules are lost too
_CONTRASTS = (6, 20)  # grey levels; the low one finds what has faded, the high one is not misled by dirt
_WINDOW = 25  # the neighbourhood for the threshold is the long side divided by this: 12 mm of a full page
_SCALE_TOLERANCE = 0.3  # perspective makes near things larger
_SCALES = 3
_MOST = 1000  # a sheet has 45; all pairs of a strange picture's would not fit into memory


@dataclass(frozen=True)
class Spots:
    """Centres in pixels (n x 2), kinds (n), and the scale in pixels a millimetre that each suggests (n)."""

    at: Floats
    kind: NDArray[np.int64]
    scale: Floats


def find_spots(grey: Grey) -> Spots:
    """All spots in a grey picture."""
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    window = max(max(grey.shape) // _WINDOW | 1, 3)
    rows = []
    for contrast in _CONTRASTS:
        ink = cv2.adaptiveThreshold(
            smooth, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, float(contrast)
        )
        contours, hierarchy = cv2.findContours(ink, cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
        if hierarchy is None:
            continue
        for contour, (_, _, child, parent) in zip(contours, hierarchy[0], strict=True):
            if parent >= 0 and child < 0 and hierarchy[0][parent][3] >= 0:
                rows += _spot(contour, contours[parent])
    spots = np.array(rows, np.float64).reshape(-1, 4)
    # What was found at both contrasts counts once.
    _, first = np.unique((spots[:, :2] / 4).round(), axis=0, return_index=True)
    largest = first[np.argsort(-spots[first, 3], kind="stable")][:_MOST]
    return Spots(spots[largest, :2], spots[largest, 2].astype(np.int64), spots[largest, 3])


def of_one_scale(spots: Spots) -> Iterator[Spots]:
    """The spots of about one size: the most numerous, then the rest. Letters and data make small ones."""
    for _ in range(_SCALES):
        size = np.log(spots.scale)
        near = np.abs(size[:, None] - size) < _SCALE_TOLERANCE / 2
        if len(size) < FEWEST or near.sum(1).max() < FEWEST:
            return
        chosen = np.abs(size - np.median(size[near[near.sum(1).argmax()]])) < _SCALE_TOLERANCE
        yield Spots(spots.at[chosen], spots.kind[chosen], spots.scale[chosen])
        spots = Spots(spots.at[~chosen], spots.kind[~chosen], spots.scale[~chosen])


def _spot(inner: MatLike, hole: MatLike) -> list[tuple[float, float, float, float]]:
    """Centre, kind and scale, if a dark contour sits in the middle of a light hole and fills the right part of it."""
    _, _, width, height = cv2.boundingRect(hole)
    if min(width, height) < _MIN_HOLE or max(width, height) > 1.8 * min(width, height):
        return []
    spot, around = cv2.moments(inner), cv2.moments(hole)
    if not spot["m00"] or not around["m00"]:
        return []
    # Contours run along pixel centres: what is dark gains half a pixel on each side, what is light loses it.
    size, small = around["m00"] ** 0.5 - 1, spot["m00"] ** 0.5 + 1
    centre = [(m["m10"] / m["m00"], m["m01"] / m["m00"]) for m in (spot, around)]
    if max(abs(a - b) for a, b in zip(*centre, strict=True)) > 0.12 * size:
        return []
    for kind, (low, high) in enumerate(_SPOT_IN_HOLE):
        if low <= small / size < high:
            across = (size + small) * (1 if kind == FINDER else 2 / math.pi**0.5)
            x, y = ((a + b) / 2 for a, b in zip(*centre, strict=True))
            return [(x, y, kind, across / _ACROSS[kind])]
    return []
