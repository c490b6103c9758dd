"""Checks the bytes of a CSV while they arrive: its encoding, and cells that need a closer look."""

import codecs

import numpy as np

from domain.json.text import START_BYTES, name_other_encoding
from models_store.datasets.columns.npy import Array
from models_store.datasets.formats.faults import Faults

MOST_DIGITS = 24
"""Digits of a cell that are looked at."""
_SCAN_BYTES = 1 << 16
"""Bytes that are compared at once, which the cache of a processor holds."""


class TextScan:
    """What the bytes of a CSV show."""

    def __init__(self, delimiter: str, faults: Faults) -> None:
        """Starts without bytes.

        Args:
            delimiter: The character between two cells.
            faults: The faults so far.
        """
        self.quotes = 0
        """The number of quotes."""
        self.has_leading_zeros = False
        """Whether a cell may be a whole number that begins with a zero, such as 007 or 0x1F."""
        self._faults = faults
        self._delimiter = ord(delimiter)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lines = 0
        self._line_bytes = 0
        """The bytes of the current line before the current block."""
        self._read = 0
        self._rest = b"\n"
        """The end of the last block, from a cell that may go on in the next block."""

    def add(self, block: bytes) -> None:
        """Checks the next bytes.

        Raises:
            Invalid: The body is not text in UTF-8.
        """
        if not self._read:
            self._check_encoding(block)
        self._check_nulls(block)
        self._check_utf8(block, is_last=False)
        text = np.frombuffer(block, np.uint8)
        self.quotes += int(np.count_nonzero(text == 0x22))
        self._find_leading_zeros(block if self._read else block.removeprefix(codecs.BOM_UTF8))
        self._lines += int(np.count_nonzero(text == 0x0A))
        end = block.rfind(b"\n") + 1
        self._line_bytes = len(block) - end if end else self._line_bytes + len(block)
        self._read += len(block)

    def finish(self) -> None:
        """Checks the end.

        Raises:
            Invalid: The body ends within a character.
        """
        self._check_utf8(b"", is_last=True)
        self._find_leading_zeros(b"\n")

    def _check_encoding(self, block: bytes) -> None:
        encoding = name_other_encoding(block[:START_BYTES])
        if encoding is not None:
            self._faults.stop("", f"The body is {encoding}; a CSV is sent as UTF-8.")

    def _check_nulls(self, block: bytes) -> None:
        if (place := block.find(b"\0")) >= 0:
            line, byte = self._locate(block, place)
            detail = f"Line {line}, byte {byte} of the line, is a null byte (U+0000)."
            self._faults.stop("", f"{detail} A CSV is text in UTF-8.")

    def _check_utf8(self, block: bytes, *, is_last: bool) -> None:
        pending = len(self._decoder.getstate()[0])
        if block.isascii() and not pending:
            return
        try:
            self._decoder.decode(block, is_last)
        except UnicodeDecodeError as error:
            line, byte = self._locate(block, error.start - pending)
            wrong = error.object[error.start]
            detail = f"Line {line}, byte {byte} of the line, is no UTF-8: 0x{wrong:02X}."
            advice = "Save the text as UTF-8, e.g. by `iconv -f windows-1252 -t utf-8`."
            self._faults.stop("", f"{detail} {advice}")

    def _locate(self, block: bytes, place: int) -> tuple[int, int]:
        """Returns the line of a byte, and its place in the line, both counted from 1.

        Args:
            block: The current block.
            place: The place of the byte in the block; negative if it is in the block before.
        """
        before = block[: max(place, 0)]
        start = before.rfind(b"\n") + 1
        byte = place - start if start else self._line_bytes + place
        return self._lines + before.count(b"\n") + 1, byte + 1

    def _find_leading_zeros(self, block: bytes) -> None:
        if self.has_leading_zeros:
            return
        joined = self._rest + block
        text = np.frombuffer(joined, np.uint8)
        for start in range(0, max(len(text) - MOST_DIGITS, 0), _SCAN_BYTES):
            if self._has_leading_zero(text[start : start + _SCAN_BYTES + MOST_DIGITS]):
                self.has_leading_zeros = True
                return
        self._rest = joined[-MOST_DIGITS - 1 :]
        if block == b"\n":  # the end
            padded = np.frombuffer(self._rest + b"\n" * MOST_DIGITS, np.uint8)
            self.has_leading_zeros = self._has_leading_zero(padded)

    def _has_leading_zero(self, text: Array) -> bool:
        """Whether a cell in the text is `0` with digits or an x after it, and nothing else.

        A cell begins after a delimiter, a quote, a line break or white space.

        Args:
            text: The bytes; no cell that begins in the last `MOST_DIGITS` of them is looked at.
        """
        size = len(text) - MOST_DIGITS
        before, zero, second = text[:size], text[1 : size + 1], text[2 : size + 2]
        begins = before <= 0x20
        begins |= before == self._delimiter
        begins |= before == 0x22
        begins &= zero == 0x30
        begins &= second >= 0x30
        places = begins.nonzero()[0] if begins.any() else np.empty(0, np.intp)
        second = text[places + 2]
        places = places[(second - np.uint8(0x30) < 10) | ((second | 0x20) == 0x78)]
        return bool(places.size) and self._has_number(text, places)

    def _has_number(self, text: Array, places: Array) -> bool:
        if ((text[places + 2] | 0x20) == 0x78).any():
            return True
        for offset in range(3, MOST_DIGITS):
            following = text[places + offset]
            ends = (following == self._delimiter) | (following < 0x30)
            ends &= (following != 0x2E) & (following != 0x2D) & (following != 0x2F)
            if ends.any():
                return True
            places = places[following - np.uint8(0x30) < 10]
            if not places.size:
                return False
        return True
