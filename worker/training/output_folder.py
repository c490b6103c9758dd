"""The folder of one attempt: every file in it is whole, on the disk, and written under a lease."""

from collections.abc import Callable
from pathlib import Path

from domain.model import ModelFile
from models_store.files.disk import sha256_of, sync
from worker.training.supervisor_link import Lifeline


class Folder:
    """Writes files so that a name either does not exist or names the whole content."""

    def __init__(self, path: Path, lifeline: Lifeline) -> None:
        self._path = path
        self._lifeline = lifeline

    def write(self, name: str, media_type: str, fill: Callable[[Path], None]) -> ModelFile:
        """Fill, sync and publish one file.

        Args:
            name: Under which the file appears once it is whole.
            media_type: For the one who downloads it.
            fill: Writes, and may check, the content at the given path, whose suffixes are `name`'s.

        Raises:
            OSError: E.g. the disk is full. Nothing is left behind, whatever `fill` raises.
        """
        self._lifeline.check()
        draft = self._path / f"partial-{name}"
        try:
            fill(draft)
            written = _sealed(draft, name, media_type)
            self._lifeline.check()
            draft.replace(self._path / name)
        finally:
            draft.unlink(missing_ok=True)
        sync(self._path)
        return written


def _sealed(path: Path, name: str, media_type: str) -> ModelFile:
    sync(path)
    size = path.stat().st_size
    return ModelFile(name=name, bytes=size, sha256=sha256_of(path), media_type=media_type)
