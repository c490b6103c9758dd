"""Parses a JSON body into events, block by block, and locates syntax errors."""

import re
from collections.abc import Iterator
from decimal import DecimalException
from typing import Any

import ijson

from domain.errors import NotJson
from models_store.datasets.formats.body import Source

Event = tuple[str, Any]
"""An event of ijson: its type (`number`, `string`, `start_map`, `map_key`, ...) and its value.

A number is an int or a Decimal.
"""
BLOCK_BYTES = 1 << 16
MAX_TOKEN_BYTES = 1 << 20
NO_NUMBER = (
    "NaN and Infinity are not JSON, and null is no number; send such values as application/x-npz."
)
TOO_LONG = "This number has too many digits."
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""JSON allows these bytes nowhere; yajl takes a vertical tab and a form feed for white space."""
_NOT_FINITE = re.compile(rb"-?(?:NaN|Infinity)")


class InvalidNumber(Exception):
    """The next number is malformed; the parser cannot continue after it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class _Position:
    """Counts the lines and bytes of the parsed blocks."""

    def __init__(self) -> None:
        self._offset = 0
        self._line = 1
        self._line_start = 0

    def advance(self, block: bytes) -> None:
        self._line += block.count(b"\n")
        if (newline := block.rfind(b"\n")) >= 0:
            self._line_start = self._offset + newline + 1
        self._offset += len(block)

    def locate(self, block: bytes, offset: int) -> str:
        self.advance(block[:offset])
        return f"line {self._line}, column {self._offset - self._line_start + 1}"


def parse_events(source: Source) -> Iterator[Event]:
    """Yields the events of a JSON text.

    Raises:
        NotJson: The body is not JSON, or one of its values is longer than `MAX_TOKEN_BYTES`.
        InvalidNumber: A number is malformed or has too many digits.
    """
    ready: list[Event] = ijson.sendable_list()
    parser = ijson.basic_parse_coro(ready)
    position = _Position()
    without_event = 0
    while block := source.read(BLOCK_BYTES):
        error = _parse(parser, block, ready, position)
        without_event = 0 if ready else without_event + len(block)
        yield from ready
        ready.clear()
        if error is not None:
            raise error
        if without_event > MAX_TOKEN_BYTES:
            raise NotJson(f"A value or a gap in this JSON is longer than {MAX_TOKEN_BYTES} bytes.")
        position.advance(block)
    try:
        parser.close()
    except ijson.JSONError:
        raise NotJson("The JSON ends before it is complete.") from None
    except SystemError:
        raise InvalidNumber(TOO_LONG) from None
    yield from ready  # a number at the top level ends only with the text


def _parse(
    parser: Any, block: bytes, ready: list[Event], position: _Position
) -> NotJson | InvalidNumber | None:
    """Parses a block and appends its events to `ready`. Returns the error, if there is one."""
    control = _CONTROL.search(block)
    try:
        parser.send(block[: control.start()] if control else block)
    except ijson.JSONError as error:
        return _explain(block, str(error), position)
    except DecimalException:
        return InvalidNumber("This number's exponent is too large.")
    except SystemError:  # ijson adds a null pointer for an integer with too many digits
        ready.pop()
        return InvalidNumber(TOO_LONG)
    if control is None:
        return None
    where = position.locate(block, control.start())
    return NotJson(f"The body is not JSON, near {where}: a control character must be escaped.")


def _explain(block: bytes, message: str, position: _Position) -> NotJson | InvalidNumber:
    """Converts an error of ijson, with its line and column.

    The message of ijson has an excerpt and an arrow instead of an offset. The place is the first
    occurrence of the excerpt in the block.
    """
    reason, excerpt, arrow = (*message.split("\n"), "", "")[:3]
    text = excerpt.lstrip(" ").encode()
    start = block.translate(bytes.maketrans(b"\r\n", b"  ")).find(text)
    indent = len(excerpt) - len(excerpt.lstrip(" "))
    offset = max(0, start + arrow.find("^") - indent - 1) if start >= 0 else 0
    if _NOT_FINITE.search(block, max(0, offset - 2), offset + 12):
        return InvalidNumber(NO_NUMBER)
    if "UTF8" in reason:
        return NotJson("The body is not UTF-8.")
    why = reason.partition("error: ")[2].rstrip(".")
    return NotJson(f"The body is not JSON, near {position.locate(block, offset)}: {why}.")


def skip(stream: Iterator[Event], depth: int) -> None:
    """Skips events until `depth` open lists and objects have ended."""
    while depth:
        event, _ = next(stream)
        depth += event.startswith("start_") - event.startswith("end_")
