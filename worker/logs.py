"""Logging of the worker and the reaper."""

import logging
import time

REPEAT_SECONDS = 30.0
"""Time for which an equal warning is suppressed."""
FORMAT = "%(asctime)s {part} %(levelname)s %(message)s"


class RepeatFilter(logging.Filter):
    """Passes an equal warning only once in `REPEAT_SECONDS`.

    While a store does not answer, three threads log the same warning several times a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._logged_at: dict[tuple[str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether to log the record: False for a recently logged warning."""
        if record.levelno != logging.WARNING:
            return True
        now = time.monotonic()
        recent = self._logged_at.items()
        self._logged_at = {key: at for key, at in recent if now - at < REPEAT_SECONDS}
        key = (record.name, record.lineno, record.getMessage())
        is_new = key not in self._logged_at
        self._logged_at.setdefault(key, now)
        return is_new


def configure(part: str) -> None:
    """Logs to standard error, with the name of `part` (`worker`, `reaper`) in each line."""
    logging.basicConfig(level=logging.INFO, format=FORMAT.format(part=part))
    for handler in logging.getLogger().handlers:
        handler.addFilter(RepeatFilter())
