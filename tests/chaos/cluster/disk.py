"""The small disk that datasets, artefacts and predictions' cache lie on, and that fills up."""

import errno
import os
import resource
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from tests.chaos.cluster import processes

MIB = 2**20
SIZE = 256 * MIB
PAGE = 4096


class Disk(Protocol):
    """Room that can run out."""

    folder: Path

    def fill(self) -> None:
        """Takes what room is left, or nearly."""
        ...

    def free(self) -> None:
        """Gives it back."""
        ...

    def close(self) -> None:
        """For good; what was kept is gone."""
        ...


class SmallDisk:
    """A file system in memory of its own, filled with ballast."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._ballast = folder / "ballast"
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "graphfit-storm", str(folder)]
        subprocess.run(command, check=True, capture_output=True)

    def fill(self) -> None:
        """To the last byte that a file can have."""
        ballast = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while True:  # others may give something back meanwhile
                size = max(PAGE, shutil.disk_usage(self.folder).free)
                os.posix_fallocate(ballast, os.fstat(ballast).st_size, size)
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise
        finally:
            os.close(ballast)

    def free(self) -> None:
        """Removes the ballast."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmounts it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


class FileQuota:
    """Where nothing may be mounted: the service's processes may not write any file far."""

    def __init__(self, folder: Path, mark: str) -> None:
        folder.mkdir()
        self.folder = folder
        self._mark = mark

    def fill(self) -> None:
        """Every process that lives now; those that it forks inherit it."""
        self._limit(PAGE)

    def free(self) -> None:
        """No bound."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for process in processes.marked(self._mark):
            with suppress(psutil.Error, OSError):
                process.rlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self) -> None:
        """Nothing is mounted."""


def small_disk(folder: Path, mark: str) -> Disk:
    """A disk of its own where mounting is permitted, else a quota."""
    try:
        return SmallDisk(folder)
    except (OSError, subprocess.CalledProcessError):
        folder.rmdir()
        return FileQuota(folder, mark)
