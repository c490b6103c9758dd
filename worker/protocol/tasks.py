"""Tasks: the first message to a training process, one class for each kind of job."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.recipe import Fit, Recipe


@dataclass(frozen=True, kw_only=True)
class ModelTask:
    """One attempt at a job that builds a model. It is picklable and needs no database."""

    job: str
    """The job's id."""
    blueprint: Blueprint
    graph_place: str
    """JSON Pointer to the field of the job's request that holds the graph: `/graph` or `/model`."""
    summary: Summary
    seed: int
    deterministic: bool
    folder: Path
    """An existing folder; the process writes all files of this attempt here."""
    lease_seconds: float
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
    memory_bytes: int
    """Memory that the process may take beyond what it starts with; 0: no limit."""
    source_weights: Mapping[str, Path]
    """The `model.safetensors` of each model that the blueprint uses as a layer, by model id."""
    initial_weights: Path | None
    """The `model.safetensors` to start from instead of fresh initial weights."""
    leased_at: float = field(default_factory=time.monotonic)
    """This machine's monotonic clock just before the lease was last renewed, in seconds."""


@dataclass(frozen=True, kw_only=True)
class BuildTask(ModelTask):
    """One attempt at a `build` job."""


@dataclass(frozen=True, kw_only=True)
class TrainTask(ModelTask):
    """One attempt at a `train` job."""

    recipe: Recipe
    fit: Fit
    columns: Mapping[str, Path]
    """The `.npy` file of each column that the recipe names; its first axis is the rows."""
    validation_columns: Mapping[str, Path] | None
    """The same columns of the validation dataset, if there is one."""
    checkpoint: Path | None
    """The last committed checkpoint of an earlier attempt."""
    checkpoint_seconds: float
    """Least time between two checkpoints within an epoch."""


Task = BuildTask | TrainTask
"""The union of all tasks."""
