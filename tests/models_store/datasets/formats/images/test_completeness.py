"""Images of which the end is missing are refused, wherever they are cut."""

import io
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models_store.datasets.formats.images.picture import (
    FORMATS,
    MODES,
    NoImage,
    Wanted,
    count_channels,
    decode,
)

AS_IT_IS = Wanted(None, None)
RANDOM = np.random.default_rng(9)
NOISE = RANDOM.integers(0, 256, (33, 21, 3), np.uint8)
SMOOTH = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None, None], (40, 30, 3)).copy()


def encode(array: Any, form: str, mode: str | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(file, form, **options)
    return file.getvalue()


def with_thumbnail() -> bytes:
    """A photo with a small JPEG in its Exif data, which has an end of its own."""
    exif = Image.Exif()
    exif[0x9286] = encode(SMOOTH, "JPEG")
    return encode(NOISE, "JPEG", exif=exif)


CASES = {
    "png": encode(NOISE, "PNG"),
    "png of a palette": encode(SMOOTH, "PNG", "P"),
    "png with a text": encode(NOISE, "PNG", dpi=(72, 72)),
    "jpeg": encode(NOISE, "JPEG"),
    "progressive jpeg": encode(NOISE, "JPEG", progressive=True),
    "jpeg with restarts": encode(NOISE, "JPEG", restart_marker_blocks=1),
    "grey jpeg": encode(SMOOTH, "JPEG", "L"),
    "jpeg with a thumbnail": with_thumbnail(),
    "webp": encode(NOISE, "WEBP"),
    "lossless webp": encode(SMOOTH, "WEBP", lossless=True),
    "gif": encode(NOISE, "GIF"),
    "gif with a comment": encode(SMOOTH, "GIF", comment=b"a; b;" * 100),
    "bmp": encode(NOISE, "BMP"),
    "grey bmp": encode(SMOOTH, "BMP", "L"),
    "bmp of a bit": encode(SMOOTH, "BMP", "1"),
}


def list_cuts(content: bytes) -> list[int]:
    """Some places, among them all of the last bytes."""
    places = {*range(max(1, len(content) - 40), len(content)), *range(1, len(content), 37)}
    return sorted(places)


def test_every_form_has_a_case() -> None:
    assert {Image.open(io.BytesIO(content)).format for content in CASES.values()} == {*FORMATS}


@pytest.mark.parametrize("name", CASES)
def test_whole_images_are_taken(name: str) -> None:
    content = CASES[name]
    image = Image.open(io.BytesIO(content))
    expected = np.asarray(image.convert(MODES[count_channels(image)]))
    found = decode(content, AS_IT_IS)
    assert np.array_equal(found.reshape(expected.shape), expected)
    assert np.array_equal(decode(content + bytes(5), AS_IT_IS), found)


@pytest.mark.parametrize("name", CASES)
def test_cut_images_are_refused(name: str) -> None:
    content = CASES[name]
    taken = []
    for place in list_cuts(content):
        try:
            decode(content[:place], AS_IT_IS)
        except NoImage:
            continue
        taken.append(len(content) - place)
    assert taken == []


def test_a_png_with_a_damaged_pixel_is_refused() -> None:
    content = bytearray(CASES["png"])
    place = content.index(b"IDAT") + 100
    content[place] ^= 1
    with pytest.raises(NoImage, match="complete"):
        decode(bytes(content), AS_IT_IS)


def test_a_run_length_encoded_bmp_is_read_and_refused_if_cut() -> None:
    width, height = 4, 3
    runs = b"".join(bytes([width, value, 0, 0]) for value in (1, 2, 3)) + b"\0\1"
    palette = b"".join(bytes([value] * 3 + [0]) for value in range(256))
    start = 14 + 40 + len(palette)
    numbers = (40, width, height, (8 << 16) | 1, 1, len(runs), 0, 0, 256, 0)
    header = b"BM" + np.array([start + len(runs), 0, start, *numbers], "<u4").tobytes()
    content = header + palette + runs
    pixels = decode(content, Wanted(None, 1))
    assert pixels[..., 0].tolist() == [[3] * width, [2] * width, [1] * width]
    for place in range(start, len(content)):
        with pytest.raises(NoImage):
            decode(content[:place], AS_IT_IS)


def test_a_chunk_that_is_not_needed_may_follow() -> None:
    content = CASES["png"]
    text = b"tEXtComment\0hello"
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    end = content.index(b"IEND") - 4
    assert decode(content[:end] + chunk + content[end:], AS_IT_IS).shape == NOISE.shape
