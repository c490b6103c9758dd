"""A dataset as `.npz`: a zip of `.npy` arrays, none of them pickled."""

import io
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, NoReturn

from domain.errors import TooLarge
from domain.pointer import pointer
from models_store.formats.body import Body, Source, check_rows, is_column_name
from models_store.formats.faults import Faults
from models_store.formats.npy import BLOCK_BYTES, Written
from models_store.formats.npy_import import Unreadable, import_npy

SUFFIX = ".npy"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
CORRUPT = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError,
    NotImplementedError, ValueError, OverflowError,
)  # fmt: skip
"""What zipfile raises at a file that is none, or is damaged."""


def read(source: Source, folder: Path, limit: int) -> Body:
    """Reads an archive into `.npy` files, a block at a time.

    Args:
        limit: Bytes that its arrays may have together.

    Raises:
        Invalid: everything that is wrong with it.
        TooLarge: the arrays are larger than the limit.
    """
    faults = Faults()
    archive_path = folder / "body.npz"
    with archive_path.open("w+b") as spool:
        shutil.copyfileobj(source, spool, BLOCK_BYTES)
    try:
        with _BoundedFile(archive_path) as file, zipfile.ZipFile(file) as archive:
            columns = _columns(archive, folder, limit, faults)
    except CORRUPT:
        faults.stop("", "The body is not a complete .npz archive.")
    ...
