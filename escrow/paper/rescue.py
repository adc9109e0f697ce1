"""Read a share sheet whatever happened to it: plainly if possible, else by merging what is left of its codes."""

import itertools
from typing import TYPE_CHECKING

from escrow.paper.parts import is_part_text
from escrow.paper.scan import read_codes
from escrow.share import is_share_text

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST = 3300  # pixels: a page at 280 dpi; more only costs time and memory
_LOCATIONS = 3


def read_sheet(image: "Image") -> tuple[str, ...]:
    """The texts of all codes in a grey picture, that of a damaged share among them."""
    texts = read_codes(image)
    if any(is_share_text(text) or is_part_text(text) for text in texts):
        return texts  # one legible copy is enough, and package sheets have nothing to merge
    text = rescue(image)
    return (*texts, text) if text else texts


def rescue(image: "Image") -> str | None:
    """The text of the share on a damaged sheet in a grey picture, if there is one and its checksum holds."""
    # Only here, in the worker that has a damaged sheet: numpy and OpenCV take 0.3 s and 100 MB, locked. Most pages,
    # and the process that forks the workers, do without.
    import cv2
    import numpy as np
    from PIL import Image, ImageOps

    from escrow.paper.locate import locate
    from escrow.paper.merge import read

    cv2.setNumThreads(1)  # its threads would lock more memory than they save time
    if max(image.size) > _LONGEST:
        image = ImageOps.contain(image, (_LONGEST, _LONGEST), Image.Resampling.BOX)
    grey = np.asarray(image)
    try:
        for location in itertools.islice(locate(grey), _LOCATIONS):
            if text := read(grey, location):
                return text
    except cv2.error:  # a picture of an odd shape, such as one row of pixels: no sheet, and other pages still count
        return None
    return None
