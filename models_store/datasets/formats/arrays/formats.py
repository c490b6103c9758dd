"""Formats whose readers are imported at their first use."""

from models_store.datasets.formats.format import Format, LazyReader

SAFETENSORS = Format(
    media_type="application/vnd.safetensors",
    schema={
        "type": "string",
        "format": "binary",
        "description": "What safetensors writes: each tensor is a column.",
    },
    read=LazyReader("models_store.datasets.formats.arrays.safetensors"),
)
