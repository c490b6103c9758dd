"""A small disk for the data folder of a run, which can be filled."""

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
    """A folder whose disk can be filled."""

    folder: Path

    def fill(self) -> None:
        """Leaves no room for further files."""
        ...

    def free(self) -> None:
        """Makes room again."""
        ...

    def close(self) -> None:
        """Removes the disk and its content."""
        ...


class SmallDisk:
    """A tmpfs of its own, which is filled by a large file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._ballast = folder / "ballast"
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "graphfit-chaos", str(folder)]
        subprocess.run(command, check=True, capture_output=True)

    def fill(self) -> None:
        """Extends the large file until the file system is full."""
        ballast = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while True:  # other processes may delete files meanwhile
                size = max(PAGE, shutil.disk_usage(self.folder).free)
                os.posix_fallocate(ballast, os.fstat(ballast).st_size, size)
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise
        finally:
            os.close(ballast)

    def free(self) -> None:
        """Removes the large file."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmounts the file system."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


class FileQuota:
    """A limit on the size of each file, for machines where mounting is not permitted."""

    def __init__(self, folder: Path, mark: str) -> None:
        folder.mkdir()
        self.folder = folder
        self._mark = mark

    def fill(self) -> None:
        """Limits every running process of the service; its forks inherit the limit."""
        self._limit(PAGE)

    def free(self) -> None:
        """Removes the limit."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for process in processes.find_marked(self._mark):
            with suppress(psutil.Error, OSError):
                process.rlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self) -> None:
        """Does nothing, since nothing is mounted."""


def small_disk(folder: Path, mark: str) -> Disk:
    """A `SmallDisk` if mounting is permitted, else a `FileQuota`."""
    try:
        return SmallDisk(folder)
    except (OSError, subprocess.CalledProcessError):
        folder.rmdir()
        return FileQuota(folder, mark)
