"""What a job needs of the worker that gets it, and what a worker offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod
from typing import Literal

from domain.errors import Fault
from domain.graph.summary import Summary
from domain.job.job import JobRequest, Resources
from domain.job.plan import Plan
from domain.job.recipe import Component, NameOrComponent
from domain.pointer import pointer

DeviceKind = Literal["cpu", "gpu"]
DEVICE_KINDS: tuple[DeviceKind, ...] = ("cpu", "gpu")
COLUMN_BYTES = 256 * 2**20
"""Columns that fit in here together are held in memory; the others stay on disk."""
VALUE_BYTES = 4
"""Of a number in a column; Keras takes most of them as float32."""
MOST_BYTES = 2**63 - 1
"""That a column of the database holds."""
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
"""Copies of the trainable weights that an optimizer keeps, as Keras has it by default."""
MORE_SLOTS = ("momentum", "centered", "amsgrad", "use_ema", "gradient_accumulation_steps")
"""Arguments that make it keep one copy more when they are set."""


@dataclass(frozen=True)
class Need:
    """What a job asks for; kept in its row."""

    device: Literal["any", "cpu", "gpu"]
    gpus: int
    memory_bytes: int


@dataclass(frozen=True)
class Capacity:
    """What a worker offers."""

    device: DeviceKind
    gpus: int
    """0 on a CPU."""
    memory_bytes: int
    """Of one device."""
    environment_key: str
    """Equal on workers whose results have the same bits."""


def resource_faults(resources: Resources) -> Iterator[Fault]:
    """What no worker could ever offer."""
    if resources.gpus > 1 and resources.device != "gpu":
        detail = f'Only a job for `"device": "gpu"` uses {resources.gpus} of them; '
        detail += f'this one asks for "{resources.device}".'
        yield Fault(pointer=pointer("resources", "gpus"), detail=detail)


def need_of(request: JobRequest, plan: Plan) -> Need:
    """What the request says, completed by what the check of graph and data found."""
    asked = request.resources
    memory = asked.memory_bytes or min(MOST_BYTES, memory_bytes(request, plan))
    return Need(asked.device, asked.gpus, memory)


def memory_bytes(request: JobRequest, plan: Plan) -> int:
    """An estimate of a job's memory on each of its devices, beyond an idle process's.

    A `build` holds its weights, and once more while it writes them. A training holds

        weights + trainable weights x (1 gradient + the optimizer's slots)
        + activations of a row x rows of a batch x 2 (forward, and backward)
        + the columns, as far as they fit into COLUMN_BYTES

    Lengths that the graph leaves open count as 1, workspaces of single operations not at all.
    """
    size = plan.summary.bytes
    if plan.recipe is None or plan.dataset is None:
        return 2 * size.weights
    rows = plan.dataset.rows
    batch = ceil(min(request.fit.batch_size, rows) / request.resources.gpus)
    count = plan.summary.parameters
    trainable = size.weights * count.trainable // max(1, count.total)
    learning = trainable * (1 + slots(plan.recipe.optimizer))
    columns = min(COLUMN_BYTES, rows * _row_bytes(plan.summary))
    return size.weights + learning + 2 * size.activations_per_row * batch + columns


def slots(optimizer: NameOrComponent) -> int:
    """How many copies of the trainable weights an optimizer keeps."""
    named = optimizer if isinstance(optimizer, Component) else Component(type=optimizer)
    more = sum(bool(named.config.get(name)) for name in MORE_SLOTS)
    return OPTIMIZER_SLOTS[named.type.lower()] + more


def _row_bytes(summary: Summary) -> int:
    """Of inputs and targets, which have the outputs' shapes at most."""
    tensors = [*summary.inputs, *summary.outputs]
    return sum(VALUE_BYTES * prod(axis or 1 for axis in x.shape) for x in tensors)
