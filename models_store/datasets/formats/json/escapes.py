"""Finds half characters in a JSON text: escapes of surrogates without their other half."""

import re

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.?)",
    re.DOTALL,
)
"""One escape: a pair of surrogates, half of a pair, or the first two bytes of any other escape."""
_LONGEST = 12
"""The number of bytes of a pair."""


class EscapeScanner:
    """Scans the blocks of a JSON text in order."""

    def __init__(self) -> None:
        self._rest = b""
        """The end of the text so far, from an escape that may go on in the next block."""

    def find_half_character(self, block: bytes) -> int | None:
        """Returns the offset in the block of the first half of a character; None without one.

        The offset is negative if the escape begins in an earlier block. An escape within the last
        bytes of a block is found with the next block, or by `find_at_end`.
        """
        text = self._rest + block
        offset = -len(self._rest)
        self._rest = b""
        if b"\\" not in text:
            return None
        for escape in _ESCAPE.finditer(text):
            if escape.start() > len(text) - _LONGEST:
                self._rest = text[escape.start() :]
                return None
            if escape["half"]:
                return offset + escape.start()
        return None

    def find_at_end(self) -> int | None:
        """Returns the offset of half of a character within the last bytes of the text so far.

        The offset counts from the end and is negative. Call it if no block follows.
        """
        for escape in _ESCAPE.finditer(self._rest):
            if escape["half"]:
                return escape.start() - len(self._rest)
        return None
