"""What a training process is told to do, once and whole."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.recipe import Fit, Recipe


@dataclass(frozen=True)
class Order:
    """One attempt at one job: picklable, and nothing of it needs the database."""

    job: str
    kind: Literal["train", "build"]
    blueprint: Blueprint
    summary: Summary
    seed: int
    deterministic: bool
    folder: Path
    """Exists; every file of this attempt is written here and nowhere else."""
    lease_seconds: float
    recipe: Recipe | None = None
    """Of a `train` job."""
    fit: Fit = field(default_factory=Fit)
    columns: Mapping[str, Path] = field(default_factory=dict)
    """The `.npy` file of each column that the recipe names; rows first."""
    validation_columns: Mapping[str, Path] | None = None
    """The same columns of the validation dataset, if there is one."""
    source_weights: Mapping[str, Path] = field(default_factory=dict)
    """The `model.safetensors` of each model that the blueprint uses as a layer."""
    initial_weights: Path | None = None
    """The `model.safetensors` of the model whose training goes on."""
    checkpoint: Path | None = None
    """The last committed checkpoint of an earlier attempt."""
    threads: int | None = None
    """That its bits depend on, where it goes on from a checkpoint; None: as many as cores."""
    device: Literal["any", "cpu", "gpu"] = "any"
    """What it may compute on; `any`: a GPU where its worker has one."""
    devices: int = 1
    """How many train together: GPUs, or parts of one CPU for trying that out."""
    mixed_precision: bool = False
    """Layers that are given no dtype compute in Keras's `mixed_float16` on a GPU, in
    `mixed_bfloat16` on a CPU; the model is kept in float32 all the same."""
    checkpoint_seconds: float = 60.0
    """Between two checkpoints within an epoch."""
    memory_bytes: int = 0
    """What its process may take beyond what it starts with; 0: what the machine has."""
    graph_place: str = "/graph"
    """Pointer to the field of the job's request that holds the graph: `/graph` or `/model`."""
    leased_at: float = field(default_factory=time.monotonic)
    """This machine's monotonic clock just before the lease was last renewed."""
