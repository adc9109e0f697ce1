"""Pictures beside a template, such as a logo."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.errors import TemplateError

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG")
_MAX_PIXELS = 4_000_000


def load(path: Path, where: str) -> "Image":
    """A PNG or JPEG file as a picture on white, without whatever else is in the file.

    Raises TemplateError, which names the picture and the place in the template.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings(), Image.open(path, formats=_FORMATS) as file:
            warnings.simplefilter("ignore")  # the size is checked here
            if file.width * file.height > _MAX_PIXELS:
                message = f"{where}: {path} has more than {_MAX_PIXELS // 10**6} million pixels: make it smaller."
                raise TemplateError(message)
            shape = file.convert("RGBA")
    except OSError as error:
        reason = error.strerror or "is neither PNG nor JPEG, or it is damaged"
        message = f"{where}: the picture {path} cannot be read: {reason}."
        raise TemplateError(message) from None
    except (ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError):
        # Whatever Pillow's decoders meet in a damaged file.
        message = f"{where}: the picture {path} is damaged."
        raise TemplateError(message) from None
    except Image.DecompressionBombError:
        message = f"{where}: the picture {path} is much too large."
        raise TemplateError(message) from None
    picture = Image.new("RGB", shape.size, "white")
    picture.paste(shape, mask=shape.getchannel("A"))
    return picture
