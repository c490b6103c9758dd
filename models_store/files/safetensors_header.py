"""The header of a safetensors file, read without its arrays."""

import json
from pathlib import Path
from typing import Any

MOST_BYTES = 100_000_000
"""The largest header that the format allows, in bytes."""
METADATA_KEY = "__metadata__"
_LENGTH_BYTES = 8


def read_header(path: Path) -> dict[str, Any]:
    """Returns the dtype and the shape of each array by name, and `__metadata__`.

    Raises:
        ValueError: The file has no header.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > MOST_BYTES:
            raise ValueError(f"{path.name} has no header of safetensors.")
        header: dict[str, Any] = json.loads(file.read(length))
    return header


def read_metadata(path: Path) -> dict[str, str]:
    """Returns the texts that were written into the file beside its arrays."""
    metadata: dict[str, str] = read_header(path).get(METADATA_KEY, {})
    return metadata
