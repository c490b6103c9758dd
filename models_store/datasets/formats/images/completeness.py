"""Checks that the file of an image reaches to its end.

Pillow stops at the last pixel. It therefore takes files whose last bytes are missing, and PNG files
whose pixels are damaged.
"""

import re
import struct
import zlib
from collections.abc import Callable

PNG_START = 8
"""Bytes of a PNG before its first chunk."""
_MARKER = re.compile(rb"\xff([^\x00\xff])")
"""A marker of JPEG: in the data of a scan, each byte 0xFF is followed by a null byte."""
_SCAN_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
"""A marker after the data of a scan, which has the restart markers D0 to D7 in it."""
_ALONE = frozenset([0x01, *range(0xD0, 0xD9)])
"""Markers without a segment after them."""
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = 0x21, 0x2C, 0x3B
_UNCOMPRESSED = (0, 3, 6)
"""Compressions of BMP that store each pixel: none, and with masks of the channels."""


def is_complete(content: bytes, form: str) -> bool:
    """Returns whether a file reaches to the end of its image; bytes after it do not matter.

    Args:
        content: The file, of which Pillow has read the header.
        form: Pillow's name of the format.
    """
    try:
        return _CHECKS[form](content)
    except (IndexError, struct.error):  # the file ends within a header
        return False


def _is_complete_png(content: bytes) -> bool:
    """Returns whether each chunk up to `IEND` is whole, and those of the pixels are undamaged."""
    at, kind = PNG_START, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        (stated,) = struct.unpack_from(">I", content, end)
        is_needed = kind[:1].isupper()
        if is_needed and zlib.crc32(memoryview(content)[at + 4 : end]) != stated:
            return False
        at = end + 4
    return True


def _is_complete_jpeg(content: bytes) -> bool:
    """Returns whether the marker of the end follows the segments and scans."""
    at, pattern = 0, _MARKER
    while match := pattern.search(content, at):
        marker, at, pattern = match[1][0], match.end(), _MARKER
        if marker == _END_OF_IMAGE:
            return True
        if marker not in _ALONE:
            at += int(struct.unpack_from(">H", content, at)[0])
        if marker == _START_OF_SCAN:
            pattern = _SCAN_MARKER
    return False


def _is_complete_webp(content: bytes) -> bool:
    (size,) = struct.unpack_from("<I", content, 4)
    return len(content) >= 8 + int(size)


def _is_complete_gif(content: bytes) -> bool:
    """Returns whether the last block follows the extensions and images."""
    at = 13 + _measure_palette(content[10])
    while content[at] != _GIF_END:
        if content[at] == _GIF_EXTENSION:
            at += 2
        elif content[at] == _GIF_IMAGE:
            at += 11 + _measure_palette(content[at + 9])
        else:
            return False
        while content[at]:  # blocks, each after its length
            at += 1 + content[at]
        at += 1
    return True


def _measure_palette(flags: int) -> int:
    """Returns the bytes of the palette of a GIF or of an image in it."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _is_complete_bmp(content: bytes) -> bool:
    start, header = struct.unpack_from("<II", content, 10)
    form, place = ("<HHHH", 18) if header == 12 else ("<iiHHII", 18)  # 12: that of OS/2
    width, height, _, bits, *others = struct.unpack_from(form, content, place)
    compression, size = others or (0, 0)
    if compression in _UNCOMPRESSED:
        size = (width * bits + 31) // 32 * 4 * abs(height)
    return len(content) >= int(start) + int(size)


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "PNG": _is_complete_png,
    "JPEG": _is_complete_jpeg,
    "MPO": _is_complete_jpeg,
    "WEBP": _is_complete_webp,
    "GIF": _is_complete_gif,
    "BMP": _is_complete_bmp,
}
