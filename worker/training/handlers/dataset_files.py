"""The files of a dataset that a job makes."""

from pathlib import Path

from domain.model import ModelFile
from models_store.datasets.staging import StagedDataset

MEDIA_TYPE = "application/x-npy"


def move_files(staged: StagedDataset, folder: Path) -> tuple[ModelFile, ...]:
    """Moves the files of the arrays, which then have their names in the store."""
    for file in staged.files:
        file.path.replace(folder / file.name)
    return tuple(
        ModelFile(name=file.name, bytes=file.bytes, sha256=file.sha256, media_type=MEDIA_TYPE)
        for file in staged.files
    )
