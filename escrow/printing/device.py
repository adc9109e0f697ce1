"""A printer by its device file, such as /dev/usb/lp0: no print system between. It must understand PDF itself."""

import os
import stat
from pathlib import Path

from escrow.errors import FileError, PrintError, RefusedError
from escrow.printing.destination import SHEET, Write


class Device:
    """A character device that sheets are written to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Raise RefusedError unless this is a character device that can be opened, and not the terminal."""
        os.close(self._open())

    def print(self, write: Write, title: str = SHEET, media: str | None = None) -> None:  # noqa: ARG002 - the interface
        """Write to the device; its driver waits until the printer has taken everything. Raises PrintError."""
        descriptor = self._open()
        try:
            write(descriptor, self._path)
        except FileError as error:
            raise PrintError(str(error)) from None
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        # Not blocking, because opening a serial line would wait for its other end.
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            is_device = stat.S_ISCHR(self._path.stat().st_mode)
            descriptor = os.open(self._path, flags) if is_device else -1
        except OSError as error:
            message = (
                f"Cannot open the device {self._path}: {error.strerror}. Is the printer on, and may you write there?"
            )
            raise RefusedError(message) from None
        if not is_device:
            message = f"{self._path} is not a character device: a printer's is one, such as /dev/usb/lp0."
            raise RefusedError(message)
        if _is_our_terminal(descriptor):
            os.close(descriptor)
            message = f"{self._path} is the terminal: a sheet would be shown on it. Name the device of a printer."
            raise RefusedError(message)
        os.set_blocking(descriptor, True)
        return descriptor


def _is_our_terminal(descriptor: int) -> bool:
    try:
        os.tcgetpgrp(descriptor)  # answers for the controlling terminal alone, by whatever name
    except OSError:
        return False
    return True
