"""A file that a worker or reaper touches regularly; its age shows whether the process hangs."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HeartbeatFile:
    """The heartbeat file of one worker or reaper; disabled if no path is set."""

    path: Path | None = None

    @classmethod
    def of(cls, part: str, folder: Path | None) -> "HeartbeatFile":
        """Returns the file of a part (`worker`, `reaper`) in the folder `GRAPHFIT_HEARTBEATS`."""
        return cls(folder and folder / f"{part}.heartbeat")

    def touch(self) -> None:
        """Sets the file's time to now. Errors (e.g. a full disk) are ignored."""
        if self.path is not None:
            with suppress(OSError):
                self.path.touch()

    def age(self) -> float | None:
        """Returns the seconds since the last touch, by this machine's clock; None without one."""
        if self.path is None:
            return None
        try:
            return max(0.0, time.time() - self.path.stat().st_mtime)
        except FileNotFoundError:
            return None
