"""Finds the format of a file by its media type, its name or its first bytes."""

from models_store.datasets.formats.registry import FORMATS, find_by_file_name

FIRST_BYTES = 64
MAGIC = (
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"ARROW1", "application/vnd.apache.arrow.file"),
    (b"\xff\xff\xff\xff", "application/vnd.apache.arrow.stream"),
    (b"\x93NUMPY", "application/x-npy"),
)
"""Media types by the first bytes of a file."""
ZIP = b"PK\x03\x04"
ZIP_NAME = 30
"""Place of the name of the first file in a zip archive."""


def detect(media_type: str, name: str, start: bytes) -> str | None:
    """Returns a key of `FORMATS`; None if none of the three tells the format.

    Args:
        media_type: The Content-Type that the client or the server of the file states.
        name: The name of the file.
        start: Its first bytes, at least `FIRST_BYTES` of them if it has as many.
    """
    stated = media_type.partition(";")[0].strip().lower()
    guesses = (stated, find_by_file_name(name), _look_at(start))
    return next((guess for guess in guesses if guess in FORMATS), None)


def _look_at(start: bytes) -> str | None:
    if start.startswith(ZIP):
        size = int.from_bytes(start[26:28], "little")
        is_array = start[ZIP_NAME : ZIP_NAME + size].endswith(b".npy")
        return "application/x-npz" if is_array else "application/zip"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32:
        return "application/vnd.safetensors"
    if start.lstrip().startswith(b"{"):
        return "application/json"
    return next((kind for magic, kind in MAGIC if start.startswith(magic)), None)
