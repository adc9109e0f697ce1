"""Merge the copies of a code on a located sheet, module by module, and decode what they say together.

Every copy is sampled where the sheet's location says that it is, then pulled into place piece by piece: paper bends.
A copy's word counts where it has contrast, where it is not all of one colour, and where it agrees with what is known
and with the other copies: so a blot is outvoted also when it looks like data.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from escrow.paper.layout import CODES, MODULE
from escrow.paper.locate import Location
from escrow.paper.qr import QUIET_ZONE
from escrow.paper.share_code import SIDE, decode, function_patterns
from escrow.paper.spots import Grey

Map = NDArray[np.float32]

_FINE = 4  # samples a module, across and down
_SLACK = 5  # samples by which a piece of a copy may lie off: 1.2 mm
_MARGIN = 2  # modules around a code that are sampled too
_PIECE = 11  # modules across: what is pulled into place together
_LOCAL = 9  # modules across: where light and dark are compared
_NOISE = 7.0  # grey levels of a scan as JPEG
_SOLID = 5  # modules across: random data has no such spot of one colour
_AGREE = 7  # modules across
_PASSES = 2  # copies are pulled by the function patterns alone, then by what all of them said together
_ROUNDS = 4
_REACH = 5.0  # millimetres from a spot at which its offset counts half


def read(grey: Grey, location: Location) -> str | None:
    """The text of the share on a sheet that lies here, if what is left of its copies gives a correct checksum."""
    copies = [_sample(grey, location, corner) for corner in CODES]
    known = function_patterns()
    for _ in range(_PASSES):
        known = _merge([_pull(copy, known) for copy in copies])
        if text := decode(known):
            return text
    return None


def _sample(grey: Grey, location: Location, corner: tuple[float, float]) -> Map:
    """The picture of one copy with its margin, _FINE samples a module; white where the picture ends."""
    count = (SIDE + 2 * _MARGIN) * _FINE
    steps = (QUIET_ZONE - _MARGIN + (np.arange(count) + 0.5) / _FINE) * MODULE
    x, y = np.meshgrid(corner[0] + steps, corner[1] + steps)
    points = np.column_stack([x.ravel(), y.ravel()])
    at = location.to_pixels(points)
    # Spots near by tell how the paper lies here, other than the location of the whole page says.
    away = np.hypot(points[:, :1] - location.sheet[:, 0], points[:, 1:] - location.sheet[:, 1])
    near = 1 / (1 + (away / _REACH) ** 4)
    off = location.picture - location.to_pixels(location.sheet)
    at = (at + near @ off / (near.sum(1, keepdims=True) + 0.01)).astype(np.float32)
    scale = abs(float(at[1, 0] - at[0, 0])) + abs(float(at[1, 1] - at[0, 1]))
    smooth = cv2.blur(grey, (3, 3)) if scale > 1 else grey
    fine = cv2.remap(
        smooth,
        at.reshape(count, count, 2),
        None,  # type: ignore[call-overload]
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=255,
    )
    return np.asarray(fine, np.float32)


def _pull(fine: Map, known: Map) -> tuple[Map, Map]:
    """Values from -1, light, to 1, dark, and weights from 0 to 1 of SIDE x SIDE modules.

    Each module is taken from that offset at which its neighbourhood fits best to what is known.
    """
    local = (_LOCAL * _FINE, _LOCAL * _FINE)
    mean = cv2.blur(fine, local)
    deviation = np.sqrt(np.maximum(cv2.blur(fine * fine, local) - mean * mean, 0))
    value = np.clip((mean - cv2.blur(fine, (3, 3))) / (deviation + 1), -1, 1)
    contrast = deviation**2 / (deviation**2 + _NOISE**2)
    first = _MARGIN * _FINE + _FINE // 2
    places = [slice(first + off, first + off + SIDE * _FINE, _FINE) for off in range(-_SLACK, _SLACK + 1)]
    shifted = np.stack([value[rows, columns] for rows in places for columns in places])
    offs = np.array([(y, x) for y in range(-_SLACK, _SLACK + 1) for x in range(-_SLACK, _SLACK + 1)])
    fit = np.stack([cv2.blur(one * known, (_PIECE, _PIECE)) for one in shifted])
    fit += 0.3 * (shifted * known).mean((1, 2))[:, None, None]  # where a piece knows nothing, the whole decides
    fit -= 0.0002 * (offs**2).sum(1)[:, None, None]  # and if nothing does, what the location says
    best = fit.argmax(0)[None]
    taken = np.take_along_axis(shifted, best, 0)[0].astype(np.float32)
    firm = np.take_along_axis(np.stack([contrast[r, c] for r in places for c in places]), best, 0)[0]
    solid = cv2.dilate(np.abs(cv2.blur(np.sign(taken), (_SOLID, _SOLID))), np.ones((_SOLID, _SOLID), np.uint8))
    return taken, (firm * np.clip(2.2 - 2.2 * solid, 0.05, 1)).astype(np.float32)


def _merge(copies: list[tuple[Map, Map]]) -> Map:
    """SIDE x SIDE soft bits from values (positive is dark) and weights of every copy."""
    truth = function_patterns()
    values = np.stack([value for value, _ in copies])
    trust = np.stack([weight for _, weight in copies])
    weight = trust
    for _ in range(_ROUNDS):
        votes = values * weight
        others = np.where(truth, truth, np.tanh(2 * (votes.sum(0) - votes)))  # what is known without this copy
        agreement = [
            (cv2.blur(value * other, (_AGREE, _AGREE)) + 0.02) / (cv2.blur(np.abs(other), (_AGREE, _AGREE)) + 0.04)
            for value, other in zip(values, others, strict=True)
        ]
        weight = trust * np.clip(np.stack(agreement), 0.03, 1) ** 2
    said = (values * weight).sum(0)
    return np.where(truth, truth, said).astype(np.float32)
