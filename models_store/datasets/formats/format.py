"""The description of an upload format."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

from models_store.datasets.formats.body import Body, Source


class Reader(Protocol):
    """A function that reads a request body into `.npy` files."""

    def __call__(self, source: Source, folder: Path, limit: int) -> Body:
        """Reads a body to its end, one block at a time.

        Args:
            source: The body.
            folder: An empty folder for the files.
            limit: Upper bound on the bytes of all arrays together.

        Raises:
            NotJson: The format is JSON and the body is not.
            Invalid: The body breaks a rule of its format; lists every fault found.
            TooLarge: The arrays exceed `limit`.
        """
        ...


class Format(NamedTuple):
    """An upload format."""

    media_type: str
    schema: dict[str, Any]
    """JSON Schema of a body, shown in `openapi/openapi.json`."""
    read: Reader
    example: Any = None
    """An example body, shown in `openapi/openapi.json`; None shows no example."""
