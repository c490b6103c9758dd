"""What a worker's processes say in their log, and how often."""

import logging
import time

QUIET_SECONDS = 30.0
FORMAT = "%(asctime)s {part} %(levelname)s %(message)s"


class Once(logging.Filter):
    """Lets a warning through once in `QUIET_SECONDS`.

    While a store is away a busy worker meets it several times a second, in three threads.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether nobody has just read the same."""
        if record.levelno != logging.WARNING:
            return True
        now = time.monotonic()
        self._said = {key: at for key, at in self._said.items() if now - at < QUIET_SECONDS}
        key = (record.name, record.lineno, record.getMessage())
        is_new = key not in self._said
        self._said.setdefault(key, now)
        return is_new


def begin(part: str) -> None:
    """Logs to standard error under the name of `part`."""
    logging.basicConfig(level=logging.INFO, format=FORMAT.format(part=part))
    for handler in logging.getLogger().handlers:
        handler.addFilter(Once())
