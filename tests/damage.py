"""Damage to sheets of paper, seeded: what happens to a page in ten years, and how it is scanned or photographed then.

`Damage.make` spoils a given part of a page and knows how much it really spoiled; `onto` does the same to any page, so
that sheets of different tools suffer alike. What counts as destroyed, in parts of the page's area:

- blots, stripes, torn: there is nothing left of what was printed. Blots and stripes are ink, correction fluid, grey
  dirt, and scribbles as coarse as a code's modules; a torn corner shows the scanner's lid or its dark.
- fold: several creases, along which toner flaked off in a band; the band counts. The paper beyond each crease is
  shifted by up to 0.6 mm against this side, and lit otherwise: that does not count, and it makes reading harder.
- stain: liquid with a dark rim, and rings as cups leave them, so dark that paper in it is darker than the usual
  threshold of half the range.
- fade: ink so pale (3 to 12 % of its contrast; the noise is 1 %) that it is lighter than the usual threshold.
- mixed: a sixth each of fold, fade, stain, blots, stripes and torn.

So a reader with one threshold for the whole page loses all that counts; one that looks locally may still read what
is stained or has faded. Noise is added everywhere. Fields are kept at 100 dpi, pages are 200 dpi.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

cv2.setNumThreads(1)  # as the program does: tests fork

DPI = 200
QUALITY = 40
SKEW = 3.0
_COARSE = 2  # pixels of a page for one of a field
_MM = DPI / _COARSE / 25.4
_NOISE = 3.0

Page = NDArray[np.uint8]
Field = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass
class Damage:
    """What became of each place of a page: its grey is gain * (what was printed at x, y) + offset.

    Pages have `size`, width and height in pixels.
    """

    gain: Field
    offset: Field
    x: Field
    y: Field
    gone: Mask
    size: tuple[int, int]
    random: np.random.Generator

    @classmethod
    def make(cls, page: Page, kind: str, part: float, seed: int) -> "Damage":
        """Destroy about this part of a page, in this way; the page only gives the size."""
        height, width = (side // _COARSE for side in page.shape)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        random = np.random.default_rng([seed, list(KINDS).index(kind)])
        damage = cls(np.ones_like(x), np.zeros_like(x), x, y, np.zeros(x.shape, bool), page.shape[::-1], random)
        KINDS[kind](damage, part)
        return damage

    @property
    def share(self) -> float:
        """The destroyed part of the page."""
        return float(self.gone.mean())

    def onto(self, page: Page) -> Page:
        """The page after this happened to it."""
        gain, offset, x, y = self._fields
        printed = cv2.remap(page, x, y, cv2.INTER_LINEAR, borderValue=255).astype(np.float32)
        return np.asarray(np.clip(printed * gain + offset, 0, 255), np.uint8)

    @cached_property
    def _fields(self) -> tuple[Field, Field, Field, Field]:
        """Gain, offset with noise, x and y for each pixel of a page."""
        gain, offset, x, y = (
            np.asarray(cv2.resize(field, self.size), np.float32)
            for field in (self.gain, self.offset, self.x * _COARSE + 0.5, self.y * _COARSE + 0.5)
        )
        width, height = self.size
        noise = np.random.default_rng(0).normal(0, _NOISE, (height // 4 + 1, width)).astype(np.float32)
        return gain, offset + np.tile(noise, (4, 1))[:height], x, y

    def change(self, where: Mask, gain: Field | float, offset: Field | float) -> None:
        """Make what is there lighter, darker or paler."""
        self.gain = np.where(where, self.gain * gain, self.gain).astype(np.float32)
        self.offset = np.where(where, self.offset * gain + offset, self.offset).astype(np.float32)

    def cover(self, where: Mask, what: Field | float) -> None:
        """Put something else in a place, of which nothing can be read then."""
        self.gain[where] = 0
        self.offset[where] = np.broadcast_to(what, where.shape)[where]
        self.gone |= where

    def place(self) -> tuple[int, int]:
        """Any place on the page."""
        height, width = self.gone.shape
        return int(self.random.integers(width)), int(self.random.integers(height))

    def texture(self) -> Field | float:
        """What is there instead."""
        kind = self.random.integers(4)
        if kind < 3:
            return float((20, 250, 120)[kind])
        height, width = self.gone.shape
        size = int(self.random.integers(2, 7))
        noise = self.random.integers(0, 2, (height // size + 1, width // size + 1)).astype(np.float32)
        return np.asarray(np.repeat(np.repeat(noise, size, 0), size, 1)[:height, :width] * 220 + 20, np.float32)

    def ellipse(self, least: float, most: float) -> Mask:
        """Any ellipse with half axes of so many millimetres."""
        mask = np.zeros(self.gone.shape, np.uint8)
        axes = (self.random.uniform(least, most, 2) * _MM).astype(int).tolist()
        cv2.ellipse(mask, self.place(), axes, float(self.random.uniform(0, 180)), 0, 360, 1, -1)
        return mask > 0

    def line(self) -> Field:
        """How far every place is from any line, positive on one side."""
        height, width = self.gone.shape
        angle, (x, y) = self.random.uniform(0, np.pi), self.place()
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        return np.asarray((columns - x) * np.cos(angle) + (rows - y) * np.sin(angle), np.float32)


def scanned(page: Page, seed: int, *, skew: float = SKEW) -> bytes:
    """A JPEG as from a flat scanner: askew to one side or the other, what stands out of the glass is cut off."""
    random = np.random.default_rng([seed, 1000])
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(random.choice([-skew, skew])), 1)
    askew = cv2.warpAffine(page, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=245)
    return _jpeg(cv2.GaussianBlur(askew, (3, 3), 0).astype(np.uint8))


def photographed(page: Page, seed: int) -> bytes:
    """A JPEG as from a phone held by hand: on a dark table, turned, in perspective, unevenly lit, a little blurred."""
    random = np.random.default_rng([seed, 2000])
    height, width = page.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    margin = 0.06 * width
    target = corners * 0.97 + margin + random.uniform(-0.06, 0.06, (4, 2)) * width
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-8, 8), 1)
    target = target @ turn[:, :2].T + turn[:, 2]
    target = (target - target.min(0) + 20).astype(np.float32)
    size = (target.max(0) + 20).astype(int)
    view = cv2.warpPerspective(
        page, cv2.getPerspectiveTransform(corners, target), size.tolist(), flags=cv2.INTER_LINEAR, borderValue=60
    )
    angle, depth = random.uniform(0, 2 * np.pi), random.uniform(0.35, 0.6)
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    light = 1 - depth * (0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle)))
    shaded = np.clip(view * light, 0, 255).astype(np.uint8)
    return _jpeg(cv2.GaussianBlur(shaded, (0, 0), 1.0).astype(np.uint8))


def _jpeg(page: Page) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(page).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _blots(damage: Damage, part: float) -> None:
    """Ellipses of 2 to 20 mm."""
    while damage.share < part:
        damage.cover(damage.ellipse(1, 10), damage.texture())


def _stripes(damage: Damage, part: float) -> None:
    """Bands of 1 to 8 mm across the page, in any direction."""
    while damage.share < part:
        damage.cover(np.abs(damage.line()) < damage.random.uniform(0.5, 4) * _MM, damage.texture())


def _torn(damage: Damage, part: float) -> None:
    """One corner, with a ragged edge."""
    height, width = damage.gone.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = width - x if damage.random.integers(2) else x
    y = height - y if damage.random.integers(2) else y
    ragged = cv2.resize(damage.random.normal(0, 3 * _MM, (60, 40)).astype(np.float32), (width, height))
    distance = x * damage.random.uniform(0.5, 2) + y + ragged
    edge = np.quantile(distance[~damage.gone], max(0, part - damage.share) / (1 - damage.share))
    damage.cover(distance < edge, float(damage.random.choice([10, 250])))
    damage.change((distance >= edge) & (distance < edge + 2 * _MM), 0.3, 160)  # the torn fibres


def _fold(damage: Damage, part: float) -> None:
    """Creases with bands of 4 to 10 mm in which toner flaked off."""
    while damage.share < part:
        side = damage.line()
        rows, columns = np.indices(side.shape, np.float32)
        dx, dy = damage.random.uniform(-0.6, 0.6, 2) * _MM
        beyond = (1 / (1 + np.exp(-np.clip(side, -30, 30)))).astype(np.float32)
        move = (columns + dx * beyond).astype(np.float32), (rows + dy * beyond).astype(np.float32)
        for name in ("gain", "offset", "x", "y"):  # a crease moves what was there, earlier creases too
            moved = cv2.remap(getattr(damage, name), *move, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            setattr(damage, name, moved)
        gone = cv2.remap(damage.gone.astype(np.uint8), *move, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        damage.gone = gone > 0
        damage.change(side > 0, damage.random.uniform(0.8, 1), 0)
        damage.cover(np.abs(side) < damage.random.uniform(2, 5) * _MM, 235 - 90 * np.exp(-((side / 2) ** 2)))


def _stain(damage: Damage, part: float) -> None:
    """Blots of liquid of up to 70 mm with dark rims, and rings of cups."""
    while damage.share < part:
        inside = damage.ellipse(8, 15 + 80 * part) & ~damage.gone
        distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
        rim = 1 - 0.4 * np.exp(-((distance / (1.5 * _MM)) ** 2))
        if damage.random.random() < 0.25:
            inside &= distance < 6 * _MM
        damage.change(inside, damage.random.uniform(0.3, 0.45) * rim, 12)  # paper becomes 60 to 127
        damage.gone |= inside


def _fade(damage: Damage, part: float) -> None:
    """Areas of up to 80 mm with a soft edge, where ink keeps 3 to 12 % of its contrast."""
    while damage.share < part:
        inside = damage.ellipse(8, 15 + 100 * part) & ~damage.gone
        soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 2 * _MM) * ~damage.gone
        gain = 1 - soft * (1 - damage.random.uniform(0.03, 0.12))
        damage.change(soft > 0, gain, 245 * (1 - gain))
        damage.gone |= soft > 0.9


def _mixed(damage: Damage, part: float) -> None:
    for number, next_kind in enumerate((_fold, _fade, _stain, _blots, _stripes, _torn), 1):
        next_kind(damage, part * number / 6)


KINDS: dict[str, Callable[[Damage, float], None]] = {
    "blots": _blots,
    "stripes": _stripes,
    "torn": _torn,
    "fold": _fold,
    "stain": _stain,
    "fade": _fade,
    "mixed": _mixed,
}
LEVELS = (0.05, 0.10, 0.15, 0.20, 0.25)
