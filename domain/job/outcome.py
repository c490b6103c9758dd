"""The outcome of a job that succeeded: one class for each thing that a job can make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from domain.dataset import Dataset
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.job import Best, Stop
from domain.metric_values import MetricValue
from domain.model import FileLeftOut, ModelFile
from domain.report.report import Report


@dataclass(frozen=True)
class Learned:
    """The definition of a model with the states that its layers learned from the training data."""

    blueprint: Blueprint
    summary: Summary


METADATA = "graphfit"
"""The key of `NotInPlan` in the metadata of a checkpoint's safetensors file."""


@dataclass(frozen=True)
class NotInPlan:
    """What a model has that the plan of its job does not tell."""

    learned: Learned | None = None
    missing: Mapping[str, JsonValue] = field(default_factory=dict)
    """As `ModelMade.missing`."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the object as JSON values."""
        learned: JsonValue = None
        if self.learned is not None:
            learned = {
                "blueprint": self.learned.blueprint.model_dump(mode="json", by_alias=True),
                "summary": self.learned.summary.model_dump(mode="json"),
            }
        return {"learned": learned, "missing": dict(self.missing)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "NotInPlan":
        """Read what `to_json` wrote."""
        found = value["learned"]
        learned = None
        if found is not None:
            blueprint = Blueprint.model_validate(found["blueprint"])
            learned = Learned(blueprint, Summary.model_validate(found["summary"]))
        return cls(learned, value["missing"])


@dataclass(frozen=True)
class ModelMade:
    """A model; the outcome of `train` and `build` jobs."""

    files: tuple[ModelFile, ...]
    """The model's files, all of them in the attempt's folder."""
    files_left_out: tuple[FileLeftOut, ...]
    metrics: Mapping[str, MetricValue]
    """Metrics by Keras's name of the epoch whose weights the model has; empty for a `build` job."""
    epoch: int | None = None
    """Number of that epoch, from 1; None for a `build` job."""
    stopped: Stop | None = None
    """Why the training ended before its epochs."""
    best: Best | None = None
    """The best epoch, if the job looked for it."""
    missing: Mapping[str, JsonValue] = field(default_factory=dict)
    """What takes the place of missing values, by input; as `Signature.missing`."""
    last_epoch: int | None = None
    """Number of the last epoch that was trained; None for a `build` job."""
    learned: Learned | None = None
    """The model's definition if its layers learned states; None: that of the job's plan."""
    report: Report | None = None
    """How the model predicts the validation rows, if there are some."""


@dataclass(frozen=True)
class DatasetMade:
    """A dataset."""

    dataset: Dataset
    files: tuple[ModelFile, ...]
    """The files of its columns, which are named as in the dataset's folder of the store."""


@dataclass(frozen=True)
class Imported(DatasetMade):
    """The outcome of `import` jobs."""


@dataclass(frozen=True)
class Predicted(DatasetMade):
    """The outputs of a model; the outcome of `predict` jobs."""


@dataclass(frozen=True)
class Evaluated:
    """Metrics and a report; the outcome of `evaluate` jobs."""

    metrics: Mapping[str, MetricValue]
    """Metrics by Keras's name."""
    report: Report | None = None
    """How the predictions differ from the targets; None if the report could not be made."""
    files: tuple[ModelFile, ...] = ()


Outcome = ModelMade | Imported | Predicted | Evaluated
"""The union of all outcomes. Each has `files`, which are published before it is recorded."""
