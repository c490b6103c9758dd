"""The upload formats of `POST /v1/datasets`.

To add a format, write a module with a reader and its `Format`, and list that here. The ingestion
and the OpenAPI document take the formats from this list.
"""

from models_store.datasets.formats import json_columns, npz
from models_store.datasets.formats.format import Format

FORMATS: dict[str, Format] = {
    entry.media_type: entry
    for entry in (
        json_columns.FORMAT,
        npz.FORMAT,
    )
}
"""Formats by media type."""
