"""A trained model, as it is kept."""

from datetime import datetime

from domain.contract import Contract, Result
from domain.graph.summary import Parameters, Tensor
from domain.ids import GraphId, JobId, ModelId


class ModelFile(Result):
    """One downloadable file of a model."""

    name: str
    bytes: int
    sha256: str
    media_type: str


class FileLeftOut(Result):
    """A file that this model cannot be expressed in."""

    name: str
    reason: str


class Signature(Result):
    """What the model takes and gives."""

    inputs: list[Tensor]
    outputs: list[Tensor]


class Model(Result):
    """A model, standing alone: its source graph, dataset and job may be deleted."""

    id: ModelId
    name: str | None
    job: JobId
    graph: GraphId | None
    """The stored graph it was built from; `null` for a definition in the job's request."""
    parameters: Parameters
    signature: Signature
    metrics: dict[str, float]
    """Of the last epoch."""
    files: list[ModelFile]
    files_left_out: list[FileLeftOut]
    created_at: datetime


class ExportResult(Contract):
    """The ONNX file that was written, or the reason why there is none."""

    bytes: int = 0
    """Size of the file; 0 if none was written."""
    sha256: str | None = None
    """Hash of the file; None if none was written."""
    reason: str | None = None
    """Why the model cannot be converted; None if it was."""
