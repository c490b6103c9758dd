"""Finds a data folder that cannot be used, and the data of an earlier version."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models_store.settings import Settings

OLD = Path("models_store/var")
"""The default of earlier versions, relative to the working directory."""
OF_PACKAGE = Path(__file__).resolve().parents[1] / OLD
"""The folder that `make run` of an earlier version used in the clone."""


def find_faults(settings: "Settings") -> list[str]:
    """Creates the folder of the embedded database. Returns one line if this is impossible."""
    if settings.database_url:
        return []
    folder = settings.data_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
    else:
        if os.access(folder, os.W_OK | os.X_OK):
            return []
        reason = "it is not writable"
    return [
        f"the data folder '{folder}' cannot be used: {reason}; "
        "--data or GRAPHFIT_DATA names another folder"
    ]


def find_old_data(settings: "Settings") -> list[str]:
    """Returns a warning for each folder with data that only an earlier version reads by default."""
    if not settings.uses_default_folder:
        return []
    return [
        f"warning: '{folder}' has data of an earlier version, which is not used: the default data "
        f"folder is now '{settings.data_folder}'. GRAPHFIT_DATA='{folder}' uses it where it is; "
        "docs/how-to/upgrade.md tells how to move it."
        for folder in _list_old_folders()
        if folder != settings.data_folder and _has_data(folder, settings)
    ]


def _list_old_folders() -> Iterator[Path]:
    yield from dict.fromkeys([OLD.resolve(), OF_PACKAGE])


def _has_data(folder: Path, settings: "Settings") -> bool:
    """Returns whether a folder has rows or files of the kinds that these settings keep there."""
    has_rows = not settings.database_url and (folder / "graphfit.sqlite").exists()
    has_files = not settings.artifacts_url and (folder / "artifacts").exists()
    return has_rows or has_files
