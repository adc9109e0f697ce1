"""Films of sheets held before a camera by hand: perspective, trembling, shade, blur, noise, and a table behind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from helpers import blot
from numpy.typing import NDArray

from escrow.paper.raster import pictures

cv2.setNumThreads(1)  # as the program does: tests fork

Picture = NDArray[np.uint8]

WIDTH, HEIGHT, RATE = 1920, 1080, 10
_DPI = 150


@dataclass(frozen=True)
class Scene:
    """Some pictures of one sheet, or of the table alone."""

    sheet: Path | None
    pictures: int
    blur: float = 0.6
    """Standard deviation in pixels. 6 leaves no code readable."""

    damaged: bool = False
    """Every code of a share is blotted, so that no ordinary reader finds one."""

    number: int = 1
    """Which page of it."""

    def page(self) -> Picture:
        """The sheet, from above."""
        if self.sheet is None:
            return np.full((1, 1), 255, np.uint8)
        content = self.sheet.read_bytes()
        page = blot(content, _DPI) if self.damaged else next(islice(pictures(content, _DPI), self.number - 1, None))
        return np.asarray(page.convert("L"))


EMPTY_TABLE = Scene(None, 3)


def write_film(path: Path, scenes: Sequence[Scene], *, seed: int = 1) -> Path:
    """Write a film, one scene after the other."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), RATE, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for picture in film(scenes, seed=seed):
        writer.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def film(scenes: Sequence[Scene], *, seed: int = 1) -> Iterator[Picture]:
    """Grey pictures, one scene after the other."""
    chance = np.random.default_rng(seed)
    table = _table(chance)
    for scene in scenes:
        page = scene.page()
        for _ in range(scene.pictures):
            yield _filmed(_held(page, table, chance) if scene.sheet else table, scene.blur, chance)


def _table(chance: np.random.Generator) -> Picture:
    planks = cv2.resize(chance.uniform(90, 140, (9, 1)), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    grain = cv2.resize(chance.normal(0, 12, (HEIGHT, WIDTH // 40)), (WIDTH, HEIGHT))
    return _grey(planks + grain)


def _held(page: Picture, table: Picture, chance: np.random.Generator) -> Picture:
    """The page over the table: upright, filling the height, each corner up to 3 % off, a little turned."""
    height, width = page.shape
    tall = 0.94 * HEIGHT
    wide = tall * width / height
    x, y = (WIDTH - wide) / 2, (HEIGHT - tall) / 2
    corners = np.array([[x, y], [x + wide, y], [x + wide, y + tall], [x, y + tall]])
    corners += chance.uniform(-0.03, 0.03, (4, 2)) * tall
    angle = np.radians(chance.uniform(-4, 4))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = corners.mean(0)
    corners = (corners - middle) @ turn + middle
    start: Any = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(start, corners.astype(np.float32))
    warped = cv2.warpPerspective(page, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    where = cv2.warpPerspective(np.full_like(page, 255), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST)
    return _grey(np.where(where > 0, warped, table))


def _filmed(scene: Picture, blur: float, chance: np.random.Generator) -> Picture:
    """What a small camera makes of it: light from one side, lost sharpness, noise."""
    side = chance.uniform(0.45, 0.6)
    light = np.outer(np.linspace(1.0, 0.8, HEIGHT, dtype=np.float32), np.linspace(side, 1.0, WIDTH, dtype=np.float32))
    soft = cv2.GaussianBlur(scene * light, (0, 0), blur)
    return _grey(soft + 4 * chance.standard_normal(soft.shape, np.float32))


def _grey(light: NDArray[Any]) -> Picture:
    picture: Picture = np.clip(light, 0, 255).astype(np.uint8)
    return picture
