"""The place of a syntax error in a JSON text."""


class Position:
    """Counts the lines and bytes of the parsed part of a text."""

    def __init__(self) -> None:
        self._offset = 0
        self._line = 1
        self._line_start = 0

    def advance(self, block: bytes) -> None:
        """Counts a block that has been parsed."""
        self._line += block.count(b"\n")
        if (newline := block.rfind(b"\n")) >= 0:
            self._line_start = self._offset + newline + 1
        self._offset += len(block)

    def locate(self, block: bytes, offset: int) -> str:
        """Returns the place of an offset in the next block, or shortly before it if negative."""
        self.advance(block[: max(offset, 0)])
        column = self._offset + min(offset, 0) - self._line_start + 1
        return f"line {self._line}, column {max(column, 1)}"
