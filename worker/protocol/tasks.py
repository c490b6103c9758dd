"""Tasks: the first message to a training process, one class for each kind of job."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import JsonValue

from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.plan import ImportPlan
from domain.job.recipe import Fit, Recipe
from domain.model import Preparation
from models_store.bucket_options import BucketOptions
from models_store.datasets.columns.file import ArrayFile


@dataclass(frozen=True, kw_only=True)
class AttemptTask:
    """One attempt at a job. It is picklable and needs no database."""

    process_name: ClassVar[str] = "graphfit-train"
    job: str
    """The job's id."""
    folder: Path
    """An existing folder; the process writes all files of this attempt here."""
    lease_seconds: float
    memory_bytes: int
    """Memory that the process may take beyond what it starts with; 0: no limit."""
    leased_at: float = field(default_factory=time.monotonic)
    """This machine's monotonic clock just before the lease was last renewed, in seconds."""


@dataclass(frozen=True, kw_only=True)
class ModelTask(AttemptTask):
    """One attempt at a job that builds a model."""

    blueprint: Blueprint
    graph_place: str
    """JSON Pointer to the field of the job's request that holds the graph: `/graph` or `/model`."""
    summary: Summary
    seed: int
    deterministic: bool
    threads: int | None
    """Threads for each operation; None: one for each core. An attempt that resumes a checkpoint
    uses the number that the checkpoint was computed with, since its bits depend on it."""
    device: Literal["any", "cpu", "gpu"]
    """The kind of device to use; `any`: a GPU where the worker has one."""
    devices: int
    """How many devices train together: GPUs, or logical devices of one CPU in tests."""
    mixed_precision: bool
    """Whether layers without a dtype compute in Keras's `mixed_float16` on a GPU, in
    `mixed_bfloat16` on a CPU. The model is saved in float32."""
    source_weights: Mapping[str, Path]
    """The `model.safetensors` of each model that the blueprint uses as a layer, by model id."""
    initial_weights: Path | None
    """The `model.safetensors` to start from instead of fresh initial weights."""
    donor_weights: Path | None = None
    """The `model.safetensors` from which the variables in `copied` are copied."""
    copied: Sequence[str] = ()
    """The keys of variables."""


@dataclass(frozen=True, kw_only=True)
class BuildTask(ModelTask):
    """One attempt at a `build` job."""


@dataclass(frozen=True)
class ColumnFiles:
    """The files of a column on this machine."""

    dtype: str
    """The dtype of the column; `string` for text."""
    shape: tuple[int | None, ...]
    """The shape of one row; None in its first place if rows differ in length."""
    files: Mapping[str, Path | ArrayFile]
    """The file of each part; see `models_store.datasets.columns.file`."""


@dataclass(frozen=True, kw_only=True)
class TrainTask(ModelTask):
    """One attempt at a `train` job."""

    recipe: Recipe
    fit: Fit
    columns: Mapping[str, ColumnFiles]
    """The files of each column that the recipe names."""
    validation_columns: Mapping[str, ColumnFiles] | None
    """The same columns of the validation dataset, if there is one."""
    optimizer_state: Path | None = None
    """The `optimizer.safetensors` of the model with whose optimizer training goes on."""
    keeps_rate: bool = True
    """Whether the learning rate goes on as well."""
    order_shift: int = 0
    """Added to the number of an epoch, its row order is that of the sum."""
    checkpoint: Path | None
    """The last committed checkpoint of an earlier attempt."""
    checkpoint_seconds: float
    """Least time between two checkpoints within an epoch."""


@dataclass(frozen=True, kw_only=True)
class InferenceTask(ModelTask):
    """One attempt at a job that computes the outputs of a model."""

    process_name: ClassVar[str] = "graphfit-infer"
    recipe: Recipe
    columns: Mapping[str, ColumnFiles]
    """The files of each column that the job reads."""
    fills: Mapping[str, JsonValue]
    """What takes the place of missing values, by column; as `Plan.fills`."""
    batch_size: int
    checkpoint_seconds: float
    """Least time between two stored states."""


@dataclass(frozen=True, kw_only=True)
class EvaluateTask(InferenceTask):
    """One attempt at an `evaluate` job."""

    checkpoint: Path | None
    """The last stored state of an earlier attempt."""


@dataclass(frozen=True, kw_only=True)
class PredictTask(InferenceTask):
    """One attempt at a `predict` job."""

    preparation: Preparation
    """Has the classes of the outputs."""
    keep: Sequence[str]
    """The columns that are copied."""
    dataset: str
    """The id of the new dataset."""
    name: str | None
    """The name of the new dataset."""
    parts: Sequence[Path]
    """The rows that earlier attempts have computed, in their order."""
    done: int
    """The batches that these rows have."""


@dataclass(frozen=True, kw_only=True)
class FetchTask:
    """The file of an import that comes from elsewhere."""

    url: str
    hosts: str
    """The list of hosts and buckets that files are fetched from."""
    bucket: BucketOptions
    """The server of the buckets, and its keys."""
    credentials: Mapping[str, str]
    """Variables of the environment with the keys of Amazon's tools."""
    total: int | None
    """Bytes of the whole file, if an earlier attempt has found it."""
    validator: str | None
    """Entity tag of the file whose parts earlier attempts have fetched."""
    media_type: str
    """Content-Type of the file, if an earlier attempt has found it."""


@dataclass(frozen=True, kw_only=True)
class ImportTask(AttemptTask):
    """One attempt at an `import` job."""

    process_name: ClassVar[str] = "graphfit-import"
    plan: ImportPlan
    dataset: str
    """The id of the new dataset."""
    name: str | None
    """The name of the new dataset, unless the file has one."""
    parts: Sequence[Path]
    """The parts of the file that are stored."""
    source: FetchTask | None
    """Where the rest of the file is; None if all of it is stored."""


Task = BuildTask | TrainTask | EvaluateTask | PredictTask | ImportTask
"""The union of all tasks."""
