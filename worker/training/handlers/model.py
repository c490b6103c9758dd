"""Builds a model, trains it if the job requires it, and writes its files."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import keras
from safetensors.numpy import load_file

from compiler.model.build import BuiltModel, build
from compiler.model.weights import assign, copy_arrays, copy_sources
from domain.job.job import Epoch
from domain.job.outcome import ModelMade
from worker.protocol.tasks import ModelTask
from worker.training.export import export
from worker.training.hardware.devices import choose
from worker.training.hardware.environment import pin
from worker.training.hardware.memory import limit
from worker.training.output_folder import OutputFolder
from worker.training.supervisor_link import SupervisorLink

Train = Callable[[BuiltModel, OutputFolder, Any], list[Epoch]]
"""Trains a built model in place and returns all epochs. The last argument is the
`tf.distribute.Strategy` of several devices, or None."""


def make_model(task: ModelTask, link: SupervisorLink, train: Train) -> ModelMade:
    """Sets up the process, builds the model, trains it and writes its files.

    Args:
        task: The task.
        link: The link to the supervisor.
        train: Trains the built model.
    """
    limit(task.memory_bytes)
    pin(task.deterministic, task.threads)
    strategy = choose(task)
    folder = OutputFolder(task.folder, link)
    with nullcontext() if strategy is None else strategy.scope():
        built = _build(task)
    history = train(built, folder, strategy)
    return export(folder, _convert_to_float32(task, built, strategy), history)


def _build(task: ModelTask) -> BuiltModel:
    """Returns the model with its initial weights."""
    built = build(task.blueprint, task.seed)
    if task.initial_weights is not None:  # they include the weights of source models
        assign(built, load_file(task.initial_weights))
    else:
        copy_sources(built, {id_: load_file(path) for id_, path in task.source_weights.items()})
    return built


def _convert_to_float32(task: ModelTask, built: BuiltModel, strategy: Any) -> BuiltModel:
    """Returns the model in float32 on one device, which is how it is saved."""
    if strategy is None and not task.mixed_precision:
        return built
    keras.config.set_dtype_policy("float32")
    plain = build(task.blueprint, task.seed)
    assign(plain, copy_arrays(built))
    return plain
