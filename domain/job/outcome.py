"""The outcome of a job that succeeded: one class for each thing that a job can make."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.model import FileLeftOut, ModelFile


@dataclass(frozen=True)
class ModelMade:
    """A model; the outcome of `train` and `build` jobs."""

    files: tuple[ModelFile, ...]
    """The model's files, all of them in the attempt's folder."""
    files_left_out: tuple[FileLeftOut, ...]
    metrics: Mapping[str, float]
    """Metrics of the last epoch by Keras's name; empty for a `build` job."""


Outcome = ModelMade
"""The union of all outcomes. Each has `files`, which are published before it is recorded."""
