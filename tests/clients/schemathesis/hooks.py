"""Serializers of Schemathesis for the media types whose bodies are bytes."""

from typing import Any

import schemathesis

MEDIA_TYPES = (
    "application/offset+octet-stream",
    "application/x-ndjson",
    "text/csv",
    "text/tab-separated-values",
)


def send_bytes(_context: Any, value: Any) -> bytes:
    """Returns a body that has no structure of its own."""
    return value if isinstance(value, bytes) else str(value).encode()


for media_type in MEDIA_TYPES:
    schemathesis.serializer(media_type)(send_bytes)
