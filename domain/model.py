"""A stored model."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from domain.contract import WHOLE, Contract, Result
from domain.dataset import ClassValue
from domain.graph.summary import Parameters, Tensor
from domain.ids import GraphId, JobId, ModelId
from domain.metric_values import Metrics


class ModelFile(Result):
    """One downloadable file of a model."""

    name: str
    bytes: int
    sha256: str
    media_type: str


class FileLeftOut(Result):
    """A file whose format cannot express this model."""

    name: str
    reason: str


class Signature(Result):
    """The inputs and outputs of a model."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    classes: dict[str, list[ClassValue]] = {}
    """The classes of an output by index, if its target had classes."""
    missing: dict[str, JsonValue] = {}
    """What takes the place of `null` in the rows of an input: a value, or nested lists of them for
    the last axes of a row. A `null` in these lists has no value in its place."""


class Preparation(Contract):
    """How the rows of a model are prepared, and how its outputs are read as classes."""

    classes: dict[str, list[ClassValue]] = {}
    """As `Signature.classes`."""
    thresholds: dict[str, float] = {}
    """The least number of the second class, by output with one unit; 0.5 if left out."""
    missing: dict[str, JsonValue] = {}
    """As `Signature.missing`."""

    def update(self, other: "Preparation", outputs: Collection[str]) -> "Preparation":
        """Return this preparation with the entries of another, of some outputs."""
        return Preparation(
            classes={n: c for n, c in {**self.classes, **other.classes}.items() if n in outputs},
            thresholds={
                n: t for n, t in {**self.thresholds, **other.thresholds}.items() if n in outputs
            },
            missing={**self.missing, **other.missing},
        )


class Model(Result):
    """A model. It stays complete when its graph, dataset or job is deleted."""

    id: ModelId
    name: str | None
    job: JobId
    graph: GraphId | None
    """The stored graph that it was built from; `null` if the job's request held the definition."""
    parameters: Parameters
    signature: Signature
    epoch: int | None
    """Number of the epoch whose weights the model has, from 1; `null` if it was only built, or made
    by an older release."""
    metrics: Metrics
    """Metrics of that epoch."""
    files: list[ModelFile]
    files_left_out: list[FileLeftOut]
    created_at: datetime


class ModelRequest(Contract):
    """The request of a model of a checkpoint."""

    job: JobId
    """The job that keeps the checkpoint."""
    epoch: Annotated[int, Field(strict=True, ge=1, le=1_000_000), WHOLE]
    """The epoch of the checkpoint, from 1."""
    name: Annotated[str, StringConstraints(max_length=512)] | None = None
    """If left out, the name of the job."""


class KerasExport(Contract):
    """Which of Keras's files were written."""

    reasons: dict[str, str]
    """Why the format cannot express the model, by the name of each file that was left out."""


class ExportResult(Contract):
    """The ONNX file that was written, or the reason why there is none."""

    bytes: int = 0
    """Size of the file; 0 if none was written."""
    sha256: str | None = None
    """Hash of the file; None if none was written."""
    reason: str | None = None
    """Why the model cannot be converted; None if it was."""
