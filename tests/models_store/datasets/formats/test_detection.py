"""The format of a file is found by its type, its name, or the bytes that its library writes."""

import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from safetensors.numpy import save

from models_store.datasets.formats.detection import FIRST_BYTES, detect
from models_store.datasets.formats.registry import EXTENSIONS, FORMATS

COLUMNS = {"x": np.arange(3), "y": np.ones((3, 2))}
TABLE = pa.table({"x": [1, 2, 3]})


def write_npz(file: io.BytesIO) -> None:
    np.savez(file, x=COLUMNS["x"])


def write_npy(file: io.BytesIO) -> None:
    np.save(file, COLUMNS["x"])


def write_images(file: io.BytesIO) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cats/1.png", b"")


def write_parquet(file: io.BytesIO) -> None:
    pyarrow.parquet.write_table(TABLE, file)


def write_arrow_file(file: io.BytesIO) -> None:
    with pa.ipc.new_file(file, TABLE.schema) as writer:
        writer.write_table(TABLE)


def write_arrow_stream(file: io.BytesIO) -> None:
    with pa.ipc.new_stream(file, TABLE.schema) as writer:
        writer.write_table(TABLE)


def write_safetensors(file: io.BytesIO) -> None:
    file.write(save(COLUMNS))


def write_json(file: io.BytesIO) -> None:
    file.write(b"\n" + json.dumps({"columns": {"x": [1]}}).encode())


WRITERS = {
    "application/x-npz": write_npz,
    "application/x-npy": write_npy,
    "application/zip": write_images,
    "application/vnd.apache.parquet": write_parquet,
    "application/vnd.apache.arrow.file": write_arrow_file,
    "application/vnd.apache.arrow.stream": write_arrow_stream,
    "application/vnd.safetensors": write_safetensors,
    "application/json": write_json,
}


@pytest.mark.parametrize(("media_type", "write"), WRITERS.items())
def test_the_first_bytes_tell_the_format(
    media_type: str, write: Callable[[io.BytesIO], None]
) -> None:
    file = io.BytesIO()
    write(file)
    expected = media_type if media_type in FORMATS else None
    assert detect("", "", file.getvalue()[:FIRST_BYTES]) == expected
    assert detect("application/octet-stream", "data.bin", file.getvalue()) == expected


def test_the_type_comes_before_the_name_and_the_name_before_the_bytes() -> None:
    assert detect("application/x-npy; a=b", "x.npz", b"PAR1") == "application/x-npy"
    assert detect("text/plain", "folder/X.NPZ", b"\x93NUMPY") == "application/x-npz"
    assert detect("", "x.txt", b"hello") is None


def test_every_extension_is_that_of_a_format() -> None:
    for suffix, media_type in EXTENSIONS.items():
        assert detect("", f"x{suffix}", b"") == (media_type if media_type in FORMATS else None)
