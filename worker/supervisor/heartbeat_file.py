"""A file that a worker or reaper touches regularly; its age shows whether the process hangs."""

import re
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
        """Returns the file of a part in the folder `GRAPHFIT_HEARTBEATS`.

        Args:
            part: `reaper`, `worker`, or a worker of several: `worker-1`, `worker-2`, ...
            folder: The folder; None disables the file.
        """
        return cls(folder and folder / f"{part}.heartbeat")

    @classmethod
    def list_all(cls, part: str, folder: Path) -> "list[HeartbeatFile]":
        """Returns the file of a part, and those of its numbered processes."""
        name = re.compile(rf"{part}(-\d+)?\.heartbeat")
        return [cls(path) for path in folder.glob(f"{part}*") if name.fullmatch(path.name)]

    def remove(self) -> None:
        """Deletes the file. Errors are ignored."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()

    @property
    def part(self) -> str:
        """The part that touches the file."""
        return self.path.stem if self.path is not None else ""

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
