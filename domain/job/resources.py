"""The resources that a job needs, and those that a worker offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod
from typing import Literal

from domain.errors import Fault
from domain.graph.summary import RowBytes, Summary
from domain.job.job import JobRequest, Resources
from domain.job.plan import AnyPlan, ImportPlan, Plan
from domain.job.recipe import NameOrComponent, unwrap_optimizer
from domain.json.pointer import pointer

DeviceKind = Literal["cpu", "gpu"]
DEVICE_KINDS: tuple[DeviceKind, ...] = ("cpu", "gpu")
COLUMN_BYTES = 256 * 2**20
"""Columns are loaded into memory up to this size in total; the others stay on disk."""
INFERENCE_BYTES = 128 * 2**20
"""Memory of the rows that an `evaluate` or `predict` job reads ahead and has not yet written."""
IMPORT_BYTES = 512 * 2**20
"""Memory of an `import` job, which reads its file in blocks."""
VALUE_BYTES = 4
"""Bytes of a number in a column; Keras takes most numbers as float32."""
MOST_BYTES = 2**63 - 1
"""Maximum of an integer column of the database."""
OPTIMIZER_SLOTS = {
    "adadelta": 2,
    "adafactor": 1,
    "adagrad": 1,
    "adam": 2,
    "adamax": 2,
    "adamw": 2,
    "ftrl": 2,
    "lamb": 2,
    "lion": 1,
    "muon": 2,
    "nadam": 2,
    "rmsprop": 1,
    "schedulefreeadamw": 2,
    "sgd": 0,
}
"""Copies of the trainable weights that each optimizer keeps with Keras's default arguments."""
MORE_SLOTS = ("momentum", "centered", "amsgrad", "use_ema", "gradient_accumulation_steps")
"""Arguments of optimizers; each that is set adds one copy."""


@dataclass(frozen=True)
class Need:
    """The resources that a job needs; stored in its row."""

    device: Literal["any", "cpu", "gpu"]
    gpus: int
    memory_bytes: int


@dataclass(frozen=True)
class Capacity:
    """The resources that a worker offers."""

    device: DeviceKind
    gpus: int
    """0 for a CPU worker."""
    memory_bytes: int
    """Memory of one device."""
    environment_key: str
    """Workers with equal keys give results with equal bits."""


def resource_faults(resources: Resources) -> Iterator[Fault]:
    """Yield a fault if no worker can ever offer the resources."""
    if resources.gpus > 1 and resources.device != "gpu":
        detail = f'{resources.gpus} GPUs need `"device": "gpu"`; '
        detail += f'this job has "{resources.device}".'
        yield Fault(pointer=pointer("resources", "gpus"), detail=detail)


def need_of(request: JobRequest, plan: AnyPlan, row: RowBytes | None = None) -> Need:
    """Return the resources of a request; memory that it leaves out is estimated.

    Args:
        request: The request.
        plan: Its plan.
        row: The bytes of one row of the dataset, if the graph leaves lengths open.
    """
    asked = request.resources
    estimate = IMPORT_BYTES if isinstance(plan, ImportPlan) else memory_bytes(request, plan, row)
    memory = asked.memory_bytes or min(MOST_BYTES, estimate)
    return Need(asked.device, asked.gpus, memory)


def memory_bytes(request: JobRequest, plan: Plan, row: RowBytes | None = None) -> int:
    """Estimate the memory of a job on each of its devices, without that of an idle process.

    A `build` job needs twice its weights, which are copied to be written. A `train` job needs

        weights + trainable weights x (1 gradient + the optimizer's slots)
        + activations of a row x rows of a batch x 2 (forward, and backward)
        + the columns, up to COLUMN_BYTES

    An `evaluate` or `predict` job needs its weights, the activations of a batch, and some rows.
    The workspaces of operations are not included. Without `row`, open lengths count as 1.
    """
    size = plan.summary.bytes
    if plan.recipe is None or plan.dataset is None:
        return 2 * size.weights
    rows = plan.dataset.rows
    if plan.batch_size is not None:
        return _count_inference_bytes(plan, min(plan.batch_size, rows), row)
    batch = ceil(min(request.fit.batch_size, rows) / request.resources.gpus)
    count = plan.summary.parameters
    trainable = size.weights * count.trainable // max(1, count.total)
    learning = trainable * (1 + slots(plan.recipe.optimizer))
    row = row or RowBytes(activations=size.activations_per_row, ends=_row_bytes(plan.summary))
    columns = min(COLUMN_BYTES, rows * row.ends)
    return size.weights + learning + 2 * row.activations * batch + columns


def _count_inference_bytes(plan: Plan, batch: int, row: RowBytes | None) -> int:
    """Estimate the memory of a job that computes outputs, without gradients."""
    size = plan.summary.bytes
    row = row or RowBytes(activations=size.activations_per_row, ends=_row_bytes(plan.summary))
    rows = 0 if plan.dataset is None else plan.dataset.rows
    columns = min(COLUMN_BYTES, rows * row.ends)
    return size.weights + row.activations * batch + columns + INFERENCE_BYTES


def slots(optimizer: NameOrComponent) -> int:
    """Return the number of copies of the trainable weights that an optimizer keeps."""
    named = unwrap_optimizer(optimizer)
    more = sum(bool(named.config.get(name)) for name in MORE_SLOTS)
    return OPTIMIZER_SLOTS[named.type.lower()] + more


def _row_bytes(summary: Summary) -> int:
    """Return the bytes of a row of inputs and targets; targets are at most as large as outputs."""
    tensors = [*summary.inputs, *summary.outputs]
    return sum(VALUE_BYTES * prod(axis or 1 for axis in x.shape) for x in tensors)
