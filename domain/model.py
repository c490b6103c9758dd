"""A stored model."""

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
    """A file whose format cannot express this model."""

    name: str
    reason: str


class Signature(Result):
    """The inputs and outputs of a model."""

    inputs: list[Tensor]
    outputs: list[Tensor]


class Model(Result):
    """A model. It stays complete when its graph, dataset or job is deleted."""

    id: ModelId
    name: str | None
    job: JobId
    graph: GraphId | None
    """The stored graph that it was built from; `null` if the job's request held the definition."""
    parameters: Parameters
    signature: Signature
    metrics: dict[str, float]
    """Metrics of the last epoch."""
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
