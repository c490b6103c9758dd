"""Checks a training against a built model: its components, and whether they fit their targets."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from compiler.model.build import BuiltModel
from compiler.training.allow_list import AllowList
from compiler.training.components import LOSSES, METRICS, make_callback, make_optimizer
from compiler.training.targets import (
    Pair,
    Spec,
    check_target,
    find_misfits,
    find_single_class,
    name_by_shapes,
)
from domain.check import ColumnSpec, Training
from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.job.recipe import NameOrComponent, OutputRecipe
from domain.job.targets import TargetCheck


class TrainingCheck(NamedTuple):
    """The result of `check_training`."""

    faults: list[Fault]
    """The pointers start at the job's request, in which lists are resolved to names."""
    targets: dict[str, TargetCheck]
    """By output. Outputs without a loss or a target, or with a faulty loss, are absent."""


def check_training(training: Training, built: BuiltModel | None) -> TrainingCheck:
    """Check the components of a training, and whether they fit their outputs and targets.

    Args:
        training: Recipe, callbacks and columns.
        built: The model. If None, only the components themselves are checked.
    """
    faults = _find_refusals(make_optimizer, training.recipe.optimizer, ("compile", "optimizer"))
    targets: dict[str, TargetCheck] = {}
    for name, part in training.recipe.outputs.items():
        pair = _pair(name, part, training.columns, built)
        if part.loss is not None:
            wrong = _check_loss(part.loss, ("compile", "loss", name), pair)
            faults += wrong
            if pair is not None and not wrong:
                targets[name] = _check_target(part.loss, pair)
        for spec in part.metrics:
            faults += _check_component(METRICS, spec, ("compile", "metrics", name), pair)
    for i, spec in enumerate(training.callbacks):
        faults += _find_refusals(make_callback, spec, ("fit", "callbacks", i))
    return TrainingCheck(faults, targets)


def _find_refusals(
    make: Callable[[NameOrComponent, Place], Any], spec: NameOrComponent, place: Place
) -> list[Fault]:
    try:
        make(spec, place)
    except Invalid as refusal:
        return list(refusal.faults)
    return []


def _pair(
    name: str, part: OutputRecipe, columns: Mapping[str, ColumnSpec], built: BuiltModel | None
) -> Pair | None:
    """Return the output and its target; None unless both are known."""
    if built is None or part.target is None or part.target not in columns:
        return None
    tensor = built.outputs[name]
    output = Spec(tuple(tensor.shape), tensor.dtype)
    return Pair(name, output, part.target, columns[part.target])


def _check_loss(spec: NameOrComponent, place: Place, pair: Pair | None) -> list[Fault]:
    faults = _check_component(LOSSES, spec, place, pair)
    if pair is not None and not faults:
        faults += find_single_class(_name_of(spec, pair), pair, place)
    return faults


def _check_target(spec: NameOrComponent, pair: Pair) -> TargetCheck:
    config = {} if isinstance(spec, str) else spec.config
    return check_target(_name_of(spec, pair), config, pair)


def _check_component(
    allowed: AllowList, spec: NameOrComponent, place: Place, pair: Pair | None
) -> list[Fault]:
    try:
        made = allowed.make(spec, place)
    except Invalid as refusal:
        return list(refusal.faults)
    if pair is None:
        return []
    name = _name_of(spec, pair)
    compare = _resolve(allowed, name) if isinstance(spec, str) else made
    return list(find_misfits(name, compare, pair, place))


def _name_of(spec: NameOrComponent, pair: Pair) -> str:
    """Return the name of a loss or metric; Keras resolves some names by the shapes."""
    name = spec if isinstance(spec, str) else spec.type
    if name.lower() in ("accuracy", "acc"):
        return name_by_shapes("accuracy", pair)
    if name.lower() in ("crossentropy", "ce"):
        return name_by_shapes("crossentropy", pair)
    return name


def _resolve(allowed: AllowList, name: str) -> Any:
    """Return the object that Keras's `compile` makes of a name."""
    module = keras.losses if allowed is LOSSES else keras.metrics
    return module.get(name)
