"""Builds a model, trains it if the job requires it, and writes its files."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import keras
from safetensors.numpy import load_file

from compiler.model.build import BuiltModel, build
from compiler.model.weights import assign, copy_arrays, copy_some, copy_sources
from compiler.summary import summarize
from domain.graph.language import Blueprint
from domain.job.outcome import Learned, ModelMade
from domain.report.report import Report
from worker.protocol.tasks import ModelTask
from worker.training.export import export
from worker.training.hardware.devices import choose
from worker.training.hardware.environment import pin
from worker.training.hardware.memory import limit
from worker.training.output_folder import OutputFolder
from worker.training.supervisor_link import SupervisorLink
from worker.training.trained import Trained

Prepare = Callable[[], Blueprint]
"""Returns the blueprint to build, after layers have learned their state."""
Train = Callable[[BuiltModel, OutputFolder, Any], Trained]
"""Trains a built model in place. The last argument is the
`tf.distribute.Strategy` of several devices, or None."""
MakeReport = Callable[[BuiltModel], Report | None]
"""Returns the report of a trained model as it is saved, if there is one."""


def make_model(
    task: ModelTask,
    link: SupervisorLink,
    train: Train,
    prepare: Prepare | None = None,
    make_report: MakeReport | None = None,
) -> ModelMade:
    """Sets up the process, builds the model, trains it and writes its files.

    Args:
        task: The task.
        link: The link to the supervisor.
        train: Trains the built model.
        prepare: Lets layers learn their state; None if there is none to learn.
        make_report: Makes the report of the trained model, after its files are written.
    """
    limit(task.memory_bytes)
    pin(task.deterministic, task.threads)
    strategy = choose(task)
    folder = OutputFolder(task.folder, link)
    blueprint = task.blueprint if prepare is None else prepare()
    with nullcontext() if strategy is None else strategy.scope():
        built = build_with_weights(task, blueprint)
    trained = train(built, folder, strategy)
    saved = _convert_to_float32(task, built, strategy)
    made = export(folder, saved, trained)
    if make_report is not None:
        made = replace(made, report=make_report(saved))
    return made if prepare is None else replace(made, learned=Learned(blueprint, summarize(built)))


def build_with_weights(task: ModelTask, blueprint: Blueprint) -> BuiltModel:
    """Returns the model with the weights that the task starts from."""
    built = build(blueprint, task.seed)
    if task.initial_weights is not None:  # they include the weights of source models
        assign(built, load_file(task.initial_weights))
    else:
        copy_sources(built, {id_: load_file(path) for id_, path in task.source_weights.items()})
    if task.donor_weights is not None:
        copy_some(built, load_file(task.donor_weights), task.copied)
    return built


def _convert_to_float32(task: ModelTask, built: BuiltModel, strategy: Any) -> BuiltModel:
    """Returns the model in float32 on one device, which is how it is saved."""
    if strategy is None and not task.mixed_precision:
        return built
    keras.config.set_dtype_policy("float32")
    plain = build(built.blueprint, task.seed)
    assign(plain, copy_arrays(built))
    return plain
