"""Checks a training against a built graph: components, and whether they fit their targets."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from compiler.model.build import Built
from compiler.training.allow_list import Offer
from compiler.training.components import LOSSES, METRICS, callback, optimizer
from compiler.training.targets import Pair, Spec, by_shapes, fit_faults
from domain.check import ColumnSpec, Training
from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.job.recipe import NameOrComponent, OutputRecipe


def training_faults(training: Training, built: Built | None) -> list[Fault]:
    """Every fault of a training; pointers lead into the job's request.

    Args:
        training: Recipe, callbacks and columns.
        built: The model; without one only the components themselves are checked.
    """
    recipe = training.recipe
    faults = _refused(optimizer, recipe.optimizer, ("compile", "optimizer"))
    for name, part in recipe.outputs.items():
        pair = _pair(name, part, training.columns, built)
        if part.loss is not None:
            faults += _component_faults(LOSSES, part.loss, ("compile", "loss", name), pair)
        for spec in part.metrics:
            faults += _component_faults(METRICS, spec, ("compile", "metrics", name), pair)
    for i, spec in enumerate(training.callbacks):
        faults += _refused(callback, spec, ("fit", "callbacks", i))
    return faults


def _refused(make: Any, spec: NameOrComponent, place: Place) -> list[Fault]:
    try:
        make(spec, place)
    except Invalid as refusal:
        return list(refusal.faults)
    return []


def _pair(
    name: str, part: OutputRecipe, columns: Mapping[str, ColumnSpec], built: Built | None
) -> Pair | None:
    """The output beside its target, when both are known."""
    if built is None or part.target is None or part.target not in columns:
        return None
    tensor, column = built.outputs[name], columns[part.target]
    target = Spec.of_column(column.shape, column.dtype)
    return Pair(Spec(tuple(tensor.shape), tensor.dtype), target, part.target)


def _component_faults(
    offer: Offer, spec: NameOrComponent, place: Place, pair: Pair | None
) -> Iterator[Fault]:
    try:
        made = offer.make(spec, place)
    except Invalid as refusal:
        yield from refusal.faults
        return
    if pair is not None:
        name = _name_by_shapes(spec if isinstance(spec, str) else spec.type, pair)
        compare = _comparison(offer, name) if isinstance(spec, str) else made
        yield from fit_faults(name, compare, pair, place)


def _name_by_shapes(name: str, pair: Pair) -> str:
    if name.lower() in ("accuracy", "acc"):
        return by_shapes("accuracy", pair)
    return by_shapes("crossentropy", pair) if name.lower() in ("crossentropy", "ce") else name


def _comparison(offer: Offer, name: str) -> Any:
    """What Keras's `compile` makes of a name of the allow-list."""
    module = keras.losses if offer is LOSSES else keras.metrics
    return module.get(name)
