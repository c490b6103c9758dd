"""Parses a JSON body into events or arrays, piece by piece, and locates syntax errors."""

import re
from decimal import DecimalException
from typing import Any, NamedTuple

import ijson

from domain.errors import NotJson
from domain.json.text import START_BYTES, explain_other_encoding, skip_byte_order_mark
from models_store.datasets.columns.npy import Array
from models_store.datasets.formats.body import Source
from models_store.datasets.formats.json.escapes import EscapeScanner
from models_store.datasets.formats.json.items import (
    count_openings,
    find_items,
    find_limit,
    parse_items,
    parse_rows,
)
from models_store.datasets.formats.json.position import Position

Event = tuple[str, Any]
"""An event of ijson: its type (`number`, `string`, `start_map`, `map_key`, ...) and its value.

A number is an int or a Decimal.
"""
BLOCK_BYTES = 1 << 18
"""Bytes that are read at once, and about the most that are parsed into one array."""
PIECE_BYTES = 1 << 16
"""The most bytes that are parsed into events at once."""
MAX_TOKEN_BYTES = 1 << 20
SHORT_PIECES = 64
"""Pieces that end at their first bracket; more of them in a row grow, as each costs a call."""
NO_NUMBER = (
    "NaN and Infinity are not JSON. A missing value is null; send other values that are not finite "
    "as application/x-npz."
)
TOO_LONG = "This number has too many digits."
HALF_CHARACTER = "half a character is escaped (a lone surrogate)."
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""JSON allows these bytes nowhere; yajl takes a vertical tab and a form feed for white space."""
LONGEST_WORD = 12
"""The most bytes of a word that is no JSON, such as `-Infinity`."""
_NOT_FINITE = re.compile(rb"-?(?:NaN|Infinity)")


class InvalidNumber(Exception):
    """The next number is malformed; the parser cannot continue after it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Items(NamedTuple):
    """Complete items of the open list, which can be taken at once."""

    values: Array
    end: int
    """The end of their text."""
    missing: Array | None = None
    """A mask of the missing values."""
    lengths: Array | None = None
    """The length of each row, if `values` has the items of rows that differ in length."""


class EventStream:
    """The events of a JSON text.

    Where an item of an open list begins, a caller may instead take a run of items as an array.
    The event parser never sees the text of those items. What remains of the list is valid exactly
    if the list is, since the items and their trailing commas are valid.

    Iteration raises:
        NotJson: The body is not JSON, or one of its values is longer than `MAX_TOKEN_BYTES`.
        InvalidNumber: A number is malformed or has too many digits.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = b""
        self._start = 0
        """The offset in `_text` of the first byte that has not been parsed."""
        self._position = Position()
        self._escapes = EscapeScanner()
        self._ready: list[Event] = ijson.sendable_list()
        self._next = 0
        self._parser = ijson.basic_parse_coro(self._ready)
        self._error: NotJson | InvalidNumber | None = None
        self._is_finished = False
        self._before_item = ""
        """The last byte, `[` or `,`, if an item begins after it; else empty."""
        self._unsuitable = 0
        """Bytes from `_start` on that hold items which cannot be taken as an array."""
        self._pieces = 0
        """Pieces since items were last taken as an array."""
        self._without_event = 0
        self._skip_byte_order_mark()

    def __iter__(self) -> "EventStream":
        return self

    def __next__(self) -> Event:
        while self._next == len(self._ready):
            if self._is_finished:
                raise StopIteration
            self._parse_piece()
        event = self._ready[self._next]
        self._next += 1
        return event

    def skip(self, depth: int) -> None:
        """Skips events until `depth` open lists and objects have ended."""
        while depth:
            event, _ = next(self)
            depth += event.startswith("start_") - event.startswith("end_")

    @property
    def begins_item(self) -> bool:
        """Whether all events have been read, and an item of the open list begins after them."""
        return bool(self._before_item) and self._next == len(self._ready)

    def find_items(self, is_column: bool, is_ragged: bool = False) -> Items | None:
        """Returns the next items of the open list; None if the next one must be read by events.

        Args:
            is_column: Whether the open list is a column, and not a row or a part of one.
            is_ragged: Whether the items are rows that may differ in length.
        """
        end = self._find_end(is_column)
        if end == self._start:
            return None
        closes = self._text[end : end + 1] == b"]"
        text = self._text[self._start : end if closes else end - 1]
        if (values := parse_items(text)) is not None:
            return Items(values, end)
        if (rows := parse_rows(text, is_ragged)) is not None:
            return Items(rows.values, end, rows.missing, rows.lengths)
        self.leave_items(end)
        return None

    def take_items(self, items: Items) -> None:
        """Removes items from the text; their list goes on after them.

        Raises:
            NotJson: Half a character is escaped in the text before the items.
        """
        self._check_last_escape()
        self._position.advance(self._text[self._start : items.end])
        is_closed = self._text[items.end : items.end + 1] == b"]"
        self._start = items.end
        self._pieces = self._without_event = 0
        if is_closed:
            self._before_item = ""

    def leave_items(self, end: int) -> None:
        """Has the items up to `end` read by events, without another search for arrays."""
        self._unsuitable = end - self._start

    def begins_long_item(self) -> bool:
        """Whether the next item is a list that is longer than a block."""
        return (
            len(self._text) - self._start >= BLOCK_BYTES
            and not self._unsuitable
            and count_openings(self._text, self._start) > 0
            and find_limit(self._text, self._start) == len(self._text)
        )

    def _find_end(self, is_column: bool) -> int:
        while True:
            limit = find_limit(self._text, self._start)
            may_close = self._before_item == "["
            end = find_items(self._text, self._start, limit, is_column, may_close)
            is_enough = len(self._text) - self._start >= BLOCK_BYTES or limit < len(self._text)
            if end > self._start or is_enough or not self._fill():
                return end

    def _fill(self) -> bool:
        """Receives the next block; returns False at the end of the body."""
        block = self._source.read(BLOCK_BYTES)
        self._text = self._text[self._start :] + block
        self._start = 0
        return bool(block)

    def _skip_byte_order_mark(self) -> None:
        while len(self._text) < START_BYTES and self._fill():
            pass
        if (encoding := explain_other_encoding(self._text)) is not None:
            raise NotJson(encoding)
        self._start = len(self._text) - len(skip_byte_order_mark(self._text))

    def _parse_piece(self) -> None:
        self._ready.clear()
        self._next = 0
        if self._error is not None:
            raise self._error
        if self._start == len(self._text) and not self._fill():
            self._finish()
            return
        end = self._find_piece_end()
        piece = self._text[self._start : end]
        self._start = end
        self._error = self._parse(piece)
        self._note_item(piece)
        self._check_gap(len(piece))
        self._position.advance(piece)

    def _find_piece_end(self) -> int:
        """Returns the end of the next piece, which is the next bracket if items may follow it."""
        most = min(self._start + PIECE_BYTES, len(self._text))
        if self._unsuitable:
            return min(most, self._start + self._unsuitable)
        least = 1 << min(max(self._pieces - SHORT_PIECES, 0), 16)
        bracket = self._text.find(b"[", self._start + least - 1, most)
        return most if bracket < 0 else bracket + 1

    def _note_item(self, piece: bytes) -> None:
        """Notes whether an item of an open list begins after a piece.

        The bracket at the end of a piece may stand within a string. It opens a list if it is the
        only one of the piece and its event came. Unsuitable items hold no string.
        """
        self._pieces += 1
        if self._unsuitable:
            self._unsuitable -= len(piece)
            ends_items = not self._unsuitable and piece.endswith(b",")
            self._before_item = "," if ends_items else ""
        else:
            opens = piece.find(b"[") == len(piece) - 1 and piece.endswith(b"[")
            is_list = opens and bool(self._ready) and self._ready[-1][0] == "start_array"
            self._before_item = "[" if is_list else ""
        if self._error is not None:
            self._before_item = ""

    def _check_gap(self, size: int) -> None:
        self._without_event = 0 if self._ready else self._without_event + size
        if self._error is None and self._without_event > MAX_TOKEN_BYTES:
            detail = f"A value or a gap in this JSON is longer than {MAX_TOKEN_BYTES} bytes."
            self._error = NotJson(detail)

    def _finish(self) -> None:
        self._is_finished = True
        self._check_last_escape()
        try:
            self._parser.close()  # a number at the top level ends only with the text
        except ijson.JSONError:
            raise NotJson("The JSON ends before it is complete.") from None
        except SystemError:
            raise InvalidNumber(TOO_LONG) from None

    def _parse(self, piece: bytes) -> NotJson | InvalidNumber | None:
        """Parses a piece into `_ready`. Returns the error, if there is one."""
        forbidden = self._find_forbidden(piece)
        valid = piece[: max(forbidden[0], 0)] if forbidden else piece
        try:
            if valid:  # an empty text would end the parser
                self._parser.send(valid)
        except ijson.JSONError as error:
            return _explain(piece, self._read_ahead(), error, self._position)
        except DecimalException:
            return InvalidNumber("This number's exponent is too large.")
        except SystemError:  # ijson adds a null pointer for an integer with too many digits
            self._ready.pop()
            return InvalidNumber(TOO_LONG)
        except UnicodeDecodeError:  # half a character within the last bytes of the piece
            return self._refuse_half_character(
                piece, len(piece) + (self._escapes.find_at_end() or 0)
            )
        if forbidden is None:
            return None
        offset, reason = forbidden
        where = self._position.locate(piece, offset)
        return NotJson(f"The body is not JSON, near {where}: {reason}")

    def _read_ahead(self) -> bytes:
        """Returns the bytes after the piece, which may hold the rest of a word."""
        while len(self._text) - self._start < LONGEST_WORD and self._fill():
            pass
        return self._text[self._start : self._start + LONGEST_WORD]

    def _find_forbidden(self, piece: bytes) -> tuple[int, str] | None:
        """Returns the offset of the first bytes that the parser would accept, and their fault.

        The parser takes some control characters for white space, and replaces half characters.
        """
        control = _CONTROL.search(piece)
        half = self._escapes.find_half_character(piece)
        if half is not None and (control is None or half < control.start()):
            return half, HALF_CHARACTER
        return (control.start(), "a control character must be escaped.") if control else None

    def _check_last_escape(self) -> None:
        if (half := self._escapes.find_at_end()) is not None:
            raise self._refuse_half_character(b"", half)

    def _refuse_half_character(self, piece: bytes, offset: int) -> NotJson:
        where = self._position.locate(piece, offset)
        return NotJson(f"The body is not JSON, near {where}: {HALF_CHARACTER}")


def _explain(
    piece: bytes, following: bytes, error: Exception, position: Position
) -> NotJson | InvalidNumber:
    """Converts an error of ijson, with its line and column.

    The message of ijson has an excerpt and an arrow instead of an offset. The place is the first
    occurrence of the excerpt in the piece.
    """
    reason, excerpt, arrow = (*_read_message(error).split(b"\n"), b"", b"")[:3]
    text = excerpt.lstrip(b" ")
    start = piece.translate(bytes.maketrans(b"\r\n", b"  ")).find(text)
    indent = len(excerpt) - len(text)
    offset = max(0, start + arrow.find(b"^") - indent - 1) if start >= 0 else 0
    if _NOT_FINITE.search(piece + following, max(0, offset - 2), offset + LONGEST_WORD):
        return InvalidNumber(NO_NUMBER)
    if b"UTF8" in reason:
        return NotJson("The body is not UTF-8.")
    why = reason.decode().partition("error: ")[2].rstrip(".")
    return NotJson(f"The body is not JSON, near {position.locate(piece, offset)}: {why}.")


def _read_message(error: Exception) -> bytes:
    """Returns the message of an error of ijson: bytes if its excerpt ends within a character."""
    message: Any = error.args[0]
    return message if isinstance(message, bytes) else str(message).encode()
