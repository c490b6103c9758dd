"""Builds a model, trains it if asked to, and writes its files: common to several kinds of job."""

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
        task: What to build.
        link: The link to the supervisor.
        train: What happens to the model in between.
    """
    limit(task.memory_bytes)
    pin(task.deterministic, task.threads)
    strategy = choose(task)
    folder = OutputFolder(task.folder, link)
    with nullcontext() if strategy is None else strategy.scope():
        built = _built(task)
    history = train(built, folder, strategy)
    return export(folder, _in_float32(task, built, strategy), history)


def _built(task: ModelTask) -> BuiltModel:
    """The model with its initial weights."""
    built = build(task.blueprint, task.seed)
    if task.initial_weights is not None:  # they include the weights of source models
        assign(built, load_file(task.initial_weights))
    else:
        copy_sources(built, {id_: load_file(path) for id_, path in task.source_weights.items()})
    return built


def _in_float32(task: ModelTask, built: BuiltModel, strategy: Any) -> BuiltModel:
    """The model as it is saved: in float32 and on one device, however it was trained."""
    if strategy is None and not task.mixed_precision:
        return built
    keras.config.set_dtype_policy("float32")
    plain = build(task.blueprint, task.seed)
    assign(plain, copy_arrays(built))
    return plain
