"""Reads `multipart/form-data` with one file, as browsers send it, while it arrives."""

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from domain.errors import Fault, Invalid
from domain.json.pointer import pointer
from models_store.datasets.formats.body import Source

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MEDIA_TYPE = "multipart/form-data"
FILE = "file"
BLOCK_BYTES = 1 << 18
MOST_FIELD_BYTES = 1 << 16
"""The most bytes of the names and the values of all fields beside the file."""
MOST_FIELDS = 1_000


class _Part(NamedTuple):
    name: str
    file_name: str | None
    media_type: str


class FormFile:
    """The file of a form, which is read as a body; the fields before it are kept."""

    def __init__(self, source: Source, boundary: bytes) -> None:
        """Reads up to the content of the file.

        Args:
            source: The body of the request.
            boundary: The boundary of its parts.

        Raises:
            Invalid: The body is no form with a file.
        """
        self.fields: list[tuple[str, str]] = []
        """The names and values of the other fields, in order."""
        self._source = source
        self._file: _Part | None = None
        self._part: _Part | None = None
        self._headers: dict[str, bytes] = {}
        self._header_name = b""
        self._header_value = b""
        self._field = b""
        self._field_bytes = 0
        self._blocks: deque[bytes] = deque()
        self._is_complete = False
        try:
            self._parser = MultipartParser(boundary, self._list_callbacks())
        except FormParserError:
            raise _refuse("", "The boundary of the form is too long.") from None
        while self._file is None and self._feed():
            pass
        if self._file is None:
            raise _refuse(f"/{FILE}", f"The form has no part `{FILE}`.")

    @property
    def name(self) -> str:
        """The name of the file on the client's machine; empty if it was not sent."""
        assert self._file is not None, "the constructor found the file"
        return self._file.file_name or ""

    @property
    def media_type(self) -> str:
        """The Content-Type of the file; empty if it was not sent."""
        assert self._file is not None, "the constructor found the file"
        return self._file.media_type

    def read(self, size: int, /) -> bytes:
        """Reads bytes of the file; none at its end, after which the form is complete.

        Raises:
            Invalid: The form is malformed, or ends too early.
        """
        while not self._blocks and self._feed():
            pass
        if not self._blocks:
            return b""
        block = self._blocks.popleft()
        if len(block) > size:
            self._blocks.appendleft(block[size:])
        return block[:size]

    def _feed(self) -> bool:
        """Parses the next block of the body; returns False at its end."""
        block = self._source.read(BLOCK_BYTES)
        if not block:
            if not self._is_complete:
                raise _refuse("", "The form ends before its last boundary.")
            return False
        try:
            self._parser.write(block)
        except FormParserError:
            raise _refuse("", "The body is malformed as multipart/form-data.") from None
        return True

    def _list_callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_part,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.decode("latin-1").lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _begin_part(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        name = options.get(b"name", b"").decode(errors="replace")
        file_name = options.get(b"filename")
        media_type, _ = parse_options_header(self._headers.get("content-type", b""))
        self._part = _Part(
            name,
            None if file_name is None else file_name.decode(errors="replace"),
            media_type.decode("latin-1").lower(),
        )
        if name == FILE and self._file is not None:
            raise _refuse(f"/{FILE}", f"The form has more than one part `{FILE}`.")
        if name == FILE:
            self._file = self._part
        elif self._file is not None:
            detail = f"The field comes after `{FILE}`; send it before."
            raise _refuse(pointer(name), detail)
        elif file_name is not None:
            raise _refuse(pointer(name), f"The form has one file, as its part `{FILE}`.")
        else:
            self._count_field(len(name))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._part is not None and self._part.name == FILE:
            self._blocks.append(data[start:end])
            return
        self._field += data[start:end]
        self._count_field(end - start)

    def _count_field(self, size: int) -> None:
        """Counts bytes of a field, which may have no value.

        Raises:
            Invalid: The fields have too many bytes, or there are too many of them.
        """
        self._field_bytes += size
        if self._field_bytes > MOST_FIELD_BYTES or len(self.fields) >= MOST_FIELDS:
            detail = f"A form has at most {MOST_FIELDS} fields of {MOST_FIELD_BYTES} bytes in all."
            raise _refuse("", detail)

    def _end_part(self) -> None:
        if self._part is not None and self._part.name != FILE:
            try:
                self.fields.append((self._part.name, self._field.decode()))
            except UnicodeDecodeError:
                raise _refuse(pointer(self._part.name), "The field is not UTF-8.") from None
        self._field, self._part = b"", None

    def _end(self) -> None:
        self._is_complete = True


def _refuse(place: str, detail: str) -> Invalid:
    return Invalid([Fault(pointer=place, detail=detail)])


def get_boundary(request: Request) -> bytes:
    """Returns the boundary that the Content-Type names.

    Raises:
        Invalid: There is none.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    if not (boundary := options.get(b"boundary")):
        raise _refuse("", "The Content-Type multipart/form-data needs a `boundary`.")
    return boundary
