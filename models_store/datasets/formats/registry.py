"""The upload formats of `POST /v1/datasets`.

To add a format, write a module with a reader and its `Format`, and list that here. The ingestion
and the OpenAPI document take the formats from this list.
"""

from pathlib import PurePosixPath

from models_store.datasets.formats.arrays import npy, npz
from models_store.datasets.formats.arrays.formats import SAFETENSORS
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.images.formats import IMAGES
from models_store.datasets.formats.json import columns as json_columns
from models_store.datasets.formats.json import lines as json_lines
from models_store.datasets.formats.tables import formats as tables

FORMATS: dict[str, Format] = {
    entry.media_type: entry
    for entry in (
        json_columns.FORMAT,
        json_lines.FORMAT,
        npz.FORMAT,
        npy.FORMAT,
        SAFETENSORS,
        IMAGES,
        *tables.FORMATS,
    )
}
"""Formats by media type."""

EXTENSIONS = {
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
    ".feather": "application/vnd.apache.arrow.file",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".npz": "application/x-npz",
    ".npy": "application/x-npy",
    ".safetensors": "application/vnd.safetensors",
    ".zip": "application/zip",
}
"""The media types of files by the end of their names."""


def find_by_file_name(name: str) -> str | None:
    """Returns the media type of a file; None if the end of its name is unknown."""
    media_type = EXTENSIONS.get(PurePosixPath(name.lower()).suffix)
    return media_type if media_type in FORMATS else None
