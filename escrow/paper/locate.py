"""Find a share sheet in a picture: the map from millimetres on the sheet to pixels, whatever the rotation.

A sheet has 12 finder patterns (three a code) and many registration marks. Both are a dark spot in a light hole, which
is easily found and rarely found by mistake. Any pair of them, taken for any pair of the sheet's, is a guess at where
the sheet lies; the guess that explains the most spots is refined from a similarity to a projection. Damage, text and
dirt only add spots that no guess explains.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from escrow.paper.layout import CODE_WIDTH, CODES, MARKS, MODULE
from escrow.paper.qr import QUIET_ZONE
from escrow.paper.spots import FEWEST, FINDER, MARK, Floats, Grey, Spots, find_spots, of_one_scale

_LENGTH_TOLERANCE = 0.07
_SHORTEST = 60.0  # millimetres; a shorter base turns too freely
_PAIRS, _GUESSES = 300, 6
_REACH = 7.0  # millimetres by which a guess may be off
_ROOM, _WIDTH, _HEIGHT = 10, 240, 320  # millimetres: the grid of cells of 1 mm in which guesses are judged
_STEPS = (7.0, 5.0, 3.5, 2.5, 2.0)  # millimetres, from the guess to the projection
_AFFINE, _PROJECTION = 3, 6  # spots needed; with fewer, the simpler map is the better one
_EDGES = ((0.0, 0.0), (210.0, 0.0), (0.0, 280.0), (210.0, 280.0))  # millimetres
_NEAREST, _LEAST_AREA = 0.5, 0.4  # how much perspective and how much stretching is believed

_NEAR, _FAR = (QUIET_ZONE + 3.5) * MODULE, CODE_WIDTH - (QUIET_ZONE + 3.5) * MODULE
_FINDERS = [(x + dx, y + dy) for x, y in CODES for dx, dy in ((_NEAR, _NEAR), (_FAR, _NEAR), (_NEAR, _FAR))]
_SHEET = np.array([*_FINDERS, *MARKS])
_KINDS = np.array([FINDER] * len(_FINDERS) + [MARK] * len(MARKS))


@dataclass(frozen=True)
class Location:
    """A guess at where the sheet lies: 3 x 3 from millimetres to pixels, and the pairs that it explains."""

    matrix: Floats
    sheet: Floats
    picture: Floats

    def to_pixels(self, points: Floats) -> Floats:
        """Map n x 2 millimetres to pixels."""
        return _project(self.matrix, points)


def locate(grey: Grey) -> Iterator[Location]:
    """Where a share sheet may lie in a grey picture, likeliest first; nothing if there is none."""
    found: list[Location] = []
    for spots in of_one_scale(find_spots(grey)):
        found += [_refine(guess, spots) for guess in _guesses(spots)]
    found = [location for location in found if len(location.sheet) >= FEWEST]
    seen: list[Floats] = []
    for location in sorted(found, key=lambda location: -len(location.sheet)):
        place = location.to_pixels(np.array(_EDGES))
        if all(np.abs(place - other).max() > _sameness(grey) for other in seen):
            seen.append(place)
            yield location


def _sameness(grey: Grey) -> float:
    """Pixels by which two locations may differ and still be the same: 3 mm of a full page."""
    return float(max(grey.shape)) / 100


def _guesses(spots: Spots) -> Iterator[Floats]:
    """Similarities, as 3 x 3, that explain the most spots: each from a pair of spots and a pair of the sheet's."""
    points, model = _as_complex(spots.at), _as_complex(_SHEET)
    a, b = np.nonzero(np.abs(model[:, None] - model) > _SHORTEST)
    lengths = np.abs(model[a] - model[b])
    i, j = np.triu_indices(len(points), 1)
    apart = np.abs(points[i] - points[j]) / np.sqrt(spots.scale[i] * spots.scale[j])
    long = np.nonzero(apart > _SHORTEST)[0]
    chosen = np.random.default_rng(0).permutation(long)[:_PAIRS]  # any will do, but the same ones every time
    turns, shifts = [], []
    for first, second in zip(i[chosen], j[chosen], strict=True):
        length = abs(points[first] - points[second]) / np.median(spots.scale)
        fits = (
            (_KINDS[a] == spots.kind[first])
            & (_KINDS[b] == spots.kind[second])
            & (np.abs(lengths / length - 1) < _LENGTH_TOLERANCE)
        )
        turn = (points[second] - points[first]) / (model[b[fits]] - model[a[fits]])
        turns.append(turn)
        shifts.append(points[first] - turn * model[a[fits]])
    if not turns or not sum(map(len, turns)):
        return
    turn, shift = np.concatenate(turns), np.concatenate(shifts)
    score = _explained(turn, shift, points, spots.kind)
    for best in np.argsort(-score, kind="stable")[: 4 * _GUESSES : 4]:
        t, s = turn[best], shift[best]
        yield np.array([[t.real, -t.imag, s.real], [t.imag, t.real, s.imag], [0, 0, 1]])


def _explained(
    turn: NDArray[np.complex128],
    shift: NDArray[np.complex128],
    points: NDArray[np.complex128],
    kinds: NDArray[np.int64],
) -> NDArray[np.int64]:
    """How many spots each guess brings near to one of the sheet's of their kind, looked up in a grid of cells."""
    near = _cells()
    score = np.zeros(len(turn), np.int64)
    for point, kind in zip(points, kinds, strict=True):
        on_sheet = (point - shift) / turn
        column = np.clip(on_sheet.real + _ROOM, 0, _WIDTH - 1).astype(np.int64)
        row = np.clip(on_sheet.imag + _ROOM, 0, _HEIGHT - 1).astype(np.int64)
        score += near[kind, row, column]
    return score


@cache
def _cells() -> NDArray[np.bool_]:
    """For each kind and each cell of the grid, whether one of the sheet's spots is near; on the rim none is."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH] - _ROOM
    near = np.zeros((2, _HEIGHT, _WIDTH), np.bool_)
    for kind, (at_x, at_y) in zip(_KINDS, _SHEET, strict=True):
        near[kind] |= np.hypot(x - at_x, y - at_y) < _REACH
    return near


def _refine(matrix: Floats, spots: Spots) -> Location:
    """Pair spots with the sheet's, closer and closer, and fit a map to the pairs after each step."""
    scale = float(np.median(spots.scale))
    chosen, near = np.empty(0, np.int64), np.empty(0, np.int64)
    for reach in _STEPS:
        away = np.hypot(*(spots.at[:, None] - _project(matrix, _SHEET)).transpose(2, 0, 1)) / scale
        away[spots.kind[:, None] != _KINDS] = np.inf
        nearest = away.argmin(1)
        mutual = away.argmin(0)[nearest] == np.arange(len(away))  # one spot cannot stand for two
        chosen = np.nonzero(mutual & (away.min(1) < reach))[0]
        near = nearest[chosen]
        source, target = _SHEET[near], spots.at[chosen]
        fitted: Any = None  # OpenCV's types leave out that there may be no solution
        if len(chosen) >= _PROJECTION:
            fitted, _ = cv2.findHomography(source, target, cv2.RANSAC, reach / 2 * scale)
        elif len(chosen) >= _AFFINE:
            fitted, _ = cv2.estimateAffine2D(source, target, method=cv2.LMEDS)
            fitted = fitted if fitted is None else np.vstack([fitted, [0, 0, 1]])
        if fitted is None or not _is_plausible(fitted, scale):
            break
        matrix = fitted
    return Location(matrix, _SHEET[near], spots.at[chosen])


def _is_plausible(matrix: Floats, scale: float) -> bool:
    """Whether a sheet can look so: all of it in front of the camera, not mirrored, about as large as its spots say."""
    depth = np.array(_EDGES) @ matrix[2, :2] + matrix[2, 2]
    if not np.isfinite(matrix).all() or depth.min() < _NEAREST * depth.max():
        return False
    top_left, top_right, bottom_left = _project(matrix, np.array(_EDGES))[:3]
    across, down = top_right - top_left, bottom_left - top_left
    area = (across[0] * down[1] - across[1] * down[0]) / (_EDGES[1][0] * _EDGES[2][1])
    return bool(_LEAST_AREA < area / scale**2 < 1 / _LEAST_AREA)


def _project(matrix: Floats, points: Floats) -> Floats:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def _as_complex(points: Floats) -> NDArray[np.complex128]:
    return np.asarray(points[:, 0] + 1j * points[:, 1], np.complex128)
