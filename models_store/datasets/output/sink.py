"""A file in memory from which the bytes are taken while a library writes it."""


class Sink:
    """Collects bytes that are written in order."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def write(self, data: bytes) -> int:
        """Adds bytes."""
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        """Returns the number of bytes so far."""
        return self._position

    def flush(self) -> None:
        """Does nothing."""

    def seekable(self) -> bool:
        """Returns that no byte can be changed."""
        return False

    def readable(self) -> bool:
        """Returns that nothing can be read."""
        return False

    def writable(self) -> bool:
        """Returns that bytes can be added."""
        return True

    def close(self) -> None:
        """Does nothing, since the bytes are taken afterwards."""

    def take(self) -> bytes:
        """Removes and returns the bytes that have been written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
