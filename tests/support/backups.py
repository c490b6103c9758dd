"""Takes and restores backups as docs/how-to/back-up.md says: rows first, then files."""

import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

from domain.errors import NotFound
from models_store.files.key import LEVELS
from models_store.files.store import ArtifactStore
from models_store.settings import Settings
from tests.support.stores import content, publish


class Backup:
    """The backup of one service on either engine, kept in a folder."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._rows, self._files = folder / "rows", folder / "files"
        self._programs = programs
        folder.mkdir()

    def take_rows(self, settings: Settings) -> None:
        """Copies all rows while the service runs."""
        if settings.database_url:
            self._run("pg_dump", "--format=custom", f"--file={self._rows}", settings.database_url)
        else:
            _copy(settings.data_folder / "graphfit.sqlite", self._rows)

    def take_files(self, store: ArtifactStore) -> None:
        """Copies the files of datasets, models and checkpoints."""
        for file in (file for kind in LEVELS for file in store.files(kind)):
            target = self._files / file.key
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(NotFound):  # a later checkpoint has replaced it meanwhile
                target.write_bytes(content(store, file.key))

    def restore_rows(self, settings: Settings) -> None:
        """Restores the rows into an empty or a missing database."""
        if settings.database_url:
            self._run(
                "pg_restore", "--exit-on-error", f"--dbname={settings.database_url}", self._rows
            )
        else:
            _copy(self._rows, settings.data_folder / "graphfit.sqlite")

    def restore_files(self, store: ArtifactStore) -> None:
        """Copies the files back to the store."""
        for path in (path for path in self._files.rglob("*") if path.is_file()):
            publish(store, str(path.relative_to(self._files)), path.read_bytes())

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run([self._programs / program, *arguments], check=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)
