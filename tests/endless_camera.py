"""Run the program with /dev/null as a camera that shows a film once and its last picture for ever, as a device would.

The film's path is the first argument. Real capture devices need hardware, or a kernel module.
"""

import mmap
import struct
import sys
from pathlib import Path
from typing import Any

import cv2

import ceremony.cli

DEVICE = "/dev/null"
open_capture = cv2.VideoCapture
position = mmap.mmap(-1, mmap.PAGESIZE)  # shared with workers: time goes on while the camera is closed
film = Path(sys.argv.pop(1))


class Camera:
    """What cv2.VideoCapture is for a device."""

    def __init__(self, name: str, interface: int) -> None:
        assert (name, interface) == (DEVICE, cv2.CAP_V4L2)
        changed = film.stat().st_mtime_ns
        if struct.unpack_from("=Q", position, 8) != (changed,):  # another film: time begins anew
            struct.pack_into("=QQ", position, 0, 0, changed)
        capture = open_capture(str(film), cv2.CAP_FFMPEG)
        self._pictures = []
        while (read := capture.read())[0]:
            self._pictures.append(read[1])

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def set(self, setting: int, value: float) -> bool:
        return bool(setting and value)

    def read(self) -> tuple[bool, Any]:
        (number,) = struct.unpack_from("=Q", position)
        struct.pack_into("=Q", position, 0, number + 1)
        return True, self._pictures[min(number, len(self._pictures) - 1)]


cv2.VideoCapture = Camera  # type: ignore[assignment, misc]
ceremony.cli.main()
