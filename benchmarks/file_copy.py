"""The yardstick of uploads: a copy of a file that is synced to the disk."""

import os
import shutil
from pathlib import Path


def copy_and_sync(file: Path, folder: Path) -> None:
    """Copy a file into a folder, sync the copy, and delete it."""
    target = folder / "copy"
    shutil.copyfile(file, target)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    target.unlink()
