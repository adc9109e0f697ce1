"""Pictures from a camera, or from a video that one made.

Pictures hold shares: call in a worker. The camera is released, and its light goes off, when the worker ends.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.errors import PageError

if TYPE_CHECKING:
    from cv2 import VideoCapture
    from PIL.Image import Image

_WIDTH, _HEIGHT = 1920, 1080
"""What a camera is asked for; it gives what comes nearest. A whole page then has some 90 dpi."""

_MAX_PIXELS = 4096 * 2304


def find(given: str) -> Path:
    """The device or file that a person means by a number, /dev/videoN or a path."""
    return Path(f"/dev/video{int(given)}" if given.isdecimal() else given)


def is_live(camera: Path) -> bool:
    """Whether this is a device, which shows what is before it now; a video file is read from its start to its end."""
    try:
        return stat.S_ISCHR(camera.stat().st_mode)
    except OSError:
        return False


def frames(camera: Path, start: int = 0) -> "Iterator[tuple[int, Image]]":
    """Grey pictures of a camera or a video file, with their numbers, from the one numbered `start` on.

    A camera's next picture is always the one numbered `start`. Raises PageError, which says what to do.
    """
    import cv2
    from PIL import Image

    _check(camera)
    cv2.setNumThreads(1)  # a pool's stacks would be locked for nothing
    with _standard_error_silenced():  # decoders tell it what is said better here
        capture = _open_device(camera) if is_live(camera) else _open_video(camera)
        for _ in range(0 if is_live(camera) else start):  # seeking would be quicker, and is not exact in every format
            capture.grab()
        try:
            for number in count(start):
                found, picture = capture.read()
                if not found:
                    break
                yield number, Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        except cv2.error:
            message = "a picture of it cannot be decoded. Film again, with 1920 x 1080."
            raise PageError(message) from None
    if is_live(camera):
        message = "no picture comes from the camera. Close other programs that use it, or plug it in again."
        raise PageError(message)
    if number == 0:
        message = "no picture of it can be decoded. Film again, with 1920 x 1080."
        raise PageError(message)


def _check(camera: Path) -> None:
    try:
        mode = camera.stat().st_mode
        os.close(os.open(camera, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        there = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "none"
        message = f"there is no such camera or video. Cameras here: {there}."
        raise PageError(message) from None
    except PermissionError:
        remedy = "add this account to the group video, and log in again" if is_live(camera) else "change its mode"
        message = f"this account may not read it: {remedy}."
        raise PageError(message) from None
    except OSError as error:
        message = f"it cannot be opened: {error.strerror}."
        raise PageError(message) from None
    if not (stat.S_ISCHR(mode) or stat.S_ISREG(mode)):
        message = "it is neither a camera nor a video file. Give a number, /dev/videoN, or a video's path."
        raise PageError(message)


def _open_device(camera: Path) -> "VideoCapture":
    import cv2

    # MJPG first: over USB 2 few cameras manage full pictures otherwise.
    wanted = {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: _WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT: _HEIGHT,
    }
    capture = cv2.VideoCapture(str(camera), cv2.CAP_V4L2)
    for setting, value in wanted.items():
        capture.set(setting, value)
    if not capture.isOpened():
        message = "it is no camera, or another program uses it. Cameras are /dev/video0, /dev/video1 and so on."
        raise PageError(message)
    return capture


def _open_video(camera: Path) -> "VideoCapture":
    import cv2

    # One thread, and no graphics card: its memory is not ours to lock. The path is absolute, so it is no URL.
    options = (cv2.CAP_PROP_N_THREADS, 1, cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_NONE)
    capture = cv2.VideoCapture(str(camera.absolute()), cv2.CAP_FFMPEG, options)
    if not capture.isOpened():
        message = "it is not a video, or it is damaged. Pages are named before --camera, and videos after it."
        raise PageError(message)
    if capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > _MAX_PIXELS:
        message = f"its pictures have more than {_MAX_PIXELS // 10**6} million pixels. Film with 1920 x 1080."
        raise PageError(message)
    return capture


@contextmanager
def _standard_error_silenced() -> Iterator[None]:
    before, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nothing)
