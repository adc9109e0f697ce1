"""Watch a camera until it has something to say about shares: call `watch` in a worker. Or about package sheets."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.judge import Verdict, judge
from escrow.manifest import Manifest
from escrow.memory import isolate
from escrow.paper.camera import frames, is_live
from escrow.paper.parts import is_part_text
from escrow.paper.rescue import rescue
from escrow.paper.scan import read_codes
from escrow.share import Record, is_share_text

if TYPE_CHECKING:
    from PIL.Image import Image

PATIENCE = 200
"""After so many pictures of a camera without anything new, some ten seconds, the person may need advice."""

RESCUE = 5
"""One in so many pictures without a code is searched for a damaged sheet, which takes up to a third of a second."""


class Ending(Enum):
    """Why watching a camera paused, or ended."""

    NEWS = "a share that was not seen before, or a new problem"
    NOTHING = "for a while nothing was seen"
    KNOWN = "for a while nothing new was seen"
    STOPPED = "the person said so"
    OVER = "the video is over"


@dataclass(frozen=True)
class Glance:
    """What was seen since watching a camera began or went on, and the number of the picture to go on at."""

    ending: Ending
    frame: int
    verdicts: tuple[Verdict, ...] = ()


def watch(
    manifest: Manifest, camera: Path, start: int, known: Iterable[Verdict], stop: Callable[[], bool]
) -> tuple[list[Record], Glance]:
    """Look at a camera's pictures until one has news, or `stop` says so; the records are those of the valid shares.

    A sheet stays before the camera for many pictures: what is `known` is no news, wherever it was seen. Only a
    code that was read is judged: a picture without one says nothing about any share. Raises PageError.
    """
    old, live, number, seen = {replace(verdict, page="") for verdict in known}, is_live(camera), start, False
    for looks, (number, texts) in enumerate(_read(frames(camera, start)), 1):
        if stop():
            return [], Glance(Ending.STOPPED, number)
        found = {verdict: record for record, verdict in (judge(manifest, "", text) for text in texts)}
        seen = seen or bool(found)
        if news := found.keys() - old:
            where = str(camera) if live else f"{camera}, picture {number}"
            records = [record for verdict, record in found.items() if verdict in news and record]
            verdicts = tuple(replace(verdict, page=where) for verdict in found if verdict in news)
            return records, Glance(Ending.NEWS, number + 1, verdicts)
        if live and looks == PATIENCE:
            return [], Glance(Ending.KNOWN if seen else Ending.NOTHING, number + 1)
    return [], Glance(Ending.OVER, number + 1)


def _read(pictures: "Iterable[tuple[int, Image]]") -> Iterator[tuple[int, list[str]]]:
    """The texts of the shares in each picture, with its number."""
    unread = 0
    for number, picture in pictures:
        texts = [text for text in read_codes(picture) if is_share_text(text)]
        unread = 0 if texts else unread + 1
        if unread and unread % RESCUE == 0 and (text := rescue(picture)):
            texts.append(text)
        yield number, texts


def watch_codes(camera: Path, stop: Callable[[], bool]) -> list[str]:
    """The codes of a package's sheets that a camera or a video shows, in a worker of its own, each once.

    Until `stop` says so, a camera has shown nothing new for a while, or the video is over. What is seen is public.
    Raises PageError, and WorkerError where a decoder breaks.
    """

    def in_worker() -> bytes:
        found: dict[str, None] = {}
        idle = 0
        for _, picture in frames(camera):
            before = len(found)
            found |= dict.fromkeys(text for text in read_codes(picture) if is_part_text(text))
            idle = 0 if len(found) > before else idle + 1
            if stop() or (is_live(camera) and idle == PATIENCE):
                break
        return json.dumps(list(found)).encode()

    texts: list[str] = json.loads(isolate(in_worker))
    return texts
