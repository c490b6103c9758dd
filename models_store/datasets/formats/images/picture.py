"""Decodes one image."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from domain.formats.read_options import MOST_PIXELS
from models_store.datasets.columns.npy import Array
from models_store.datasets.formats.images.completeness import is_complete

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's name of the pixels by their channels."""
_CHANNELS = {"1": 1, "L": 1, "RGB": 3, "P": 3, "CMYK": 3, "YCbCr": 3, "RGBA": 4, "LA": 4, "PA": 4}
"""The channels of an image by Pillow's name of its pixels."""

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class Wanted(NamedTuple):
    """The form that images are brought to."""

    size: tuple[int, int] | None
    """Height and width; None keeps those of the image."""
    channels: int | None
    """None keeps those of the image."""


class NoImage(Exception):
    """A file is no image that can be taken; `detail` is a predicate."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def decode(content: bytes, wanted: Wanted) -> Array:
    """Decodes an image to uint8 of shape (height, width, channels).

    The image is turned as its EXIF orientation says, and resized by Pillow's bilinear filter.

    Raises:
        NoImage: The file is no image, is damaged, or is too large.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check(image)
            if not is_complete(content, image.format or ""):
                raise ValueError("the end of the file is missing")
            return _convert(image, wanted)
    except NoImage:
        raise
    except Exception:  # Pillow raises many types of errors at damaged files
        known = ", ".join(FORMATS)
        raise NoImage(f"is no image that can be read: a complete {known}") from None


def _check(image: Image.Image) -> None:
    """Checks an image of which only the header has been read."""
    if image.width * image.height > MOST_PIXELS:
        raise NoImage(f"has {image.width} x {image.height} pixels; at most {MOST_PIXELS} are read")
    if getattr(image, "is_animated", False):
        raise NoImage("has several frames; send each as an image of its own")
    if image.mode not in _CHANNELS:
        raise NoImage(f"has pixels of the kind {image.mode}; 8 bits a channel are read")


def _convert(image: Image.Image, wanted: Wanted) -> Array:
    turned = ImageOps.exif_transpose(image)
    channels = wanted.channels or count_channels(turned)
    pixels = turned.convert(MODES[channels])
    if wanted.size is not None and pixels.size != wanted.size[::-1]:
        pixels = pixels.resize(wanted.size[::-1], Image.Resampling.BILINEAR)
    array = np.asarray(pixels, np.uint8)
    return array.reshape(pixels.height, pixels.width, channels)


def count_channels(image: Image.Image) -> int:
    """Returns the channels of an image; a palette with transparent colours has four."""
    if image.mode == "P" and "transparency" in image.info:
        return 4
    return _CHANNELS[image.mode]
