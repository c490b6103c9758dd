"""A file that a part touches at every round of its work: its age tells that the part hangs."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pulse:
    """Of one worker or reaper; without a file nobody feels it."""

    file: Path | None = None

    @classmethod
    def of(cls, part: str, folder: Path | None) -> "Pulse":
        """The pulse of a part (`worker`, `reaper`), in the folder of `GRAPHFIT_PULSES`."""
        return cls(folder and folder / f"{part}.pulse")

    def beat(self) -> None:
        """Tells that the part is at work."""
        if self.file is not None:
            with suppress(OSError):  # a full disk is no reason to stop: it shows as no pulse
                self.file.touch()

    def age(self) -> float | None:
        """Seconds since the last beat, by this machine's clock; None where there was none."""
        if self.file is None:
            return None
        try:
            return max(0.0, time.time() - self.file.stat().st_mtime)
        except FileNotFoundError:
            return None


UNFELT = Pulse()
