"""A JSON body as events, read in small blocks; what is no JSON says where."""

import re
from collections.abc import Iterator
from decimal import DecimalException
from typing import Any

import ijson

from domain.errors import NotJson
from models_store.datasets.formats.body import Source

Event = tuple[str, Any]
"""ijson's: `number` with an int or Decimal, `string`, `start_map`, `map_key`, ..."""
BLOCK_BYTES = 1 << 16
MOST_TOKEN_BYTES = 1 << 20
NO_NUMBER = (
    "NaN and Infinity are not JSON, and null is no number either; "
    "send such values as application/x-npz."
)
TOO_LONG = "This number has too many digits."
_NO_NUMBER = re.compile(rb"-?(?:NaN|Infinity)")


class BrokenValue(Exception):
    """The next value is none, and nothing after it can be read."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class _Position:
    """Counts lines and bytes of the blocks that are done with."""

    def __init__(self) -> None:
        self._offset = 0
        self._line = 1
        self._line_start = 0

    def pass_over(self, block: bytes) -> None:
        self._line += block.count(b"\n")
        if (newline := block.rfind(b"\n")) >= 0:
            self._line_start = self._offset + newline + 1
        self._offset += len(block)

    def within(self, block: bytes, offset: int) -> str:
        self.pass_over(block[:offset])
        return f"line {self._line}, column {self._offset - self._line_start + 1}"


def events(source: Source) -> Iterator[Event]:
    """Each event of a JSON text once.

    Raises:
        NotJson: the body is none, or a value of it is too long to hold.
        BrokenValue: a number is none.
    """
    ready: list[Event] = ijson.sendable_list()
    parser = ijson.basic_parse_coro(ready)
    position = _Position()
    silent = 0
    while block := source.read(BLOCK_BYTES):
        broken = _parse(parser, block, ready, position)
        silent = 0 if ready else silent + len(block)
        yield from ready
        ready.clear()
        if broken is not None:
            raise broken
        if silent > MOST_TOKEN_BYTES:
            raise NotJson(f"Nothing of this JSON comes to an end within {MOST_TOKEN_BYTES} bytes.")
        position.pass_over(block)
    try:
        parser.close()
    except ijson.JSONError:
        raise NotJson("The JSON ends before it is complete.") from None
    except SystemError:
        raise BrokenValue(TOO_LONG) from None
    yield from ready  # a bare number is complete only now


def _parse(
    parser: Any, block: bytes, ready: list[Event], position: _Position
) -> NotJson | BrokenValue | None:
    """Why the block cannot be read, once the events before that place are ready."""
    try:
        parser.send(block)
    except ijson.JSONError as error:
        return _explained(block, str(error), position)
    except DecimalException:
        return BrokenValue("This number's exponent is too large.")
    except SystemError:  # ijson lets a whole number past Python's limit through as a null pointer
        ready.pop()
        return BrokenValue(TOO_LONG)
    return None


def _explained(block: bytes, message: str, position: _Position) -> NotJson | BrokenValue:
    """In the parser's words, and where: it shows an excerpt, whose first likeness is the place."""
    reason, excerpt, arrow = (*message.split("\n"), "", "")[:3]
    shown = excerpt.lstrip(" ").encode()
    start = block.translate(bytes.maketrans(b"\r\n", b"  ")).find(shown)
    indent = len(excerpt) - len(excerpt.lstrip(" "))
    offset = max(0, start + arrow.find("^") - indent - 1) if start >= 0 else 0
    if _NO_NUMBER.search(block, max(0, offset - 2), offset + 12):
        return BrokenValue(NO_NUMBER)
    if "UTF8" in reason:
        return NotJson("The body is not UTF-8.")
    why = reason.partition("error: ")[2].rstrip(".")
    return NotJson(f"The body is not JSON, near {position.within(block, offset)}: {why}.")


def skip(stream: Iterator[Event], depth: int) -> None:
    """Passes over the rest of so many open lists and objects."""
    while depth:
        event, _ = next(stream)
        depth += event.startswith("start_") - event.startswith("end_")
