"""The description of an upload format."""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from domain.errors import Fault, Invalid
from domain.formats.read_options import ReadOptions
from domain.json.pointer import pointer
from models_store.datasets.formats.body import Body, Source


class Reader(Protocol):
    """A function that reads a request body into `.npy` files."""

    def __call__(self, source: Source, folder: Path, limit: int, options: ReadOptions) -> Body:
        """Reads a body to its end, one block at a time.

        Args:
            source: The body.
            folder: An empty folder for the files.
            limit: Upper bound on the bytes of all arrays together.
            options: The options that the client gave; the format takes each of them.

        Raises:
            NotJson: The format is JSON and the body is not.
            Invalid: The body breaks a rule of its format; lists every fault found.
            TooLarge: The arrays exceed `limit`.
        """
        ...


class LazyReader:
    """A reader whose module is imported at its first use, since its libraries are large."""

    def __init__(self, module: str, function: str = "read") -> None:
        """Imports nothing yet.

        Args:
            module: The full name of the module.
            function: The name of the reader in it.
        """
        self._module = module
        self._function = function

    def __call__(self, source: Source, folder: Path, limit: int, options: ReadOptions) -> Body:
        """Imports the reader and calls it; see `Reader`."""
        read: Reader = getattr(import_module(self._module), self._function)
        return read(source, folder, limit, options)


class Format(NamedTuple):
    """An upload format."""

    media_type: str
    schema: dict[str, Any]
    """JSON Schema of a body, shown in `openapi/openapi.json`."""
    read: Reader
    example: Any = None
    """An example body, shown in `openapi/openapi.json`; None shows no example."""
    options: tuple[str, ...] = ()
    """The fields of `ReadOptions` that the format takes."""
    takes_ragged: bool = False
    """Whether `shape` may begin with null, for rows that differ in length."""

    def check_options(self, options: ReadOptions) -> None:
        """Checks that the format takes every option that was given.

        Raises:
            Invalid: One fault for each option that does not apply.
        """
        faults = [
            Fault(pointer=pointer("options", name), detail=self._describe_option(name))
            for name in options.given
            if name not in self.options
        ]
        faults += [
            Fault(pointer=pointer("options", "shape", name), detail=self._describe_ragged())
            for name, shape in options.shape.items()
            if None in shape and not self.takes_ragged
        ]
        if faults:
            raise Invalid(faults)

    def _describe_ragged(self) -> str:
        return f"A shape has null for rows that differ in length, which {self.media_type} has not."

    def _describe_option(self, name: str) -> str:
        taken = ", ".join(f"`{name}`" for name in self.options) or "no options"
        return f"`{name}` does not apply to {self.media_type}, which takes {taken}."
