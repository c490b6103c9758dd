"""The folder of one attempt. Every file in it is complete, synced, and written under a lease."""

from collections.abc import Callable
from pathlib import Path

from domain.model import ModelFile
from models_store.files.disk import hash_file, sync
from worker.training.supervisor_link import SupervisorLink


class OutputFolder:
    """Writes files so that each name is absent or names the complete content."""

    def __init__(self, path: Path, link: SupervisorLink) -> None:
        self._path = path
        self._link = link

    def write(self, name: str, media_type: str, fill: Callable[[Path], None]) -> ModelFile:
        """Writes, syncs and renames one file.

        Args:
            name: The name of the complete file.
            media_type: The media type for downloads.
            fill: Writes, and may check, the content at the given path, whose suffixes are `name`'s.

        Raises:
            OSError: E.g. the disk is full. No file is left behind, whatever `fill` raises.
        """
        self._link.check()
        draft = self._path / f"partial-{name}"
        try:
            fill(draft)
            written = _synced(draft, name, media_type)
            self._link.check()
            draft.replace(self._path / name)
        finally:
            draft.unlink(missing_ok=True)
        sync(self._path)
        return written


def _synced(path: Path, name: str, media_type: str) -> ModelFile:
    sync(path)
    size = path.stat().st_size
    return ModelFile(name=name, bytes=size, sha256=hash_file(path), media_type=media_type)
