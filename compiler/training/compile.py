"""Compiles a model with losses, weights and metrics by output name."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Any

from compiler.training.components import make_loss, make_metric, make_optimizer
from domain.job.recipe import NameOrComponent, OutputRecipe, Recipe


def keras_compile(
    model: Any, recipe: Recipe, scope: AbstractContextManager[Any] | None = None
) -> None:
    """Call Keras's `compile` on a model whose outputs are a dictionary.

    Losses, loss weights and metrics are dictionaries by output name, so that a recipe trains to
    the same bits whether the client wrote lists or mappings. Outputs without a loss have an
    entry, too: Keras pairs shorter dictionaries with the outputs by sorted position.

    In `fit`, `y` must be a dictionary with every output. For an output without a loss, it has an
    array of one row per sample; Keras does not read the values.

    Args:
        model: A model from `compiler.model.build`.
        recipe: A recipe resolved to output names.
        scope: The scope in which the optimizer is made, e.g. that of a distribution strategy.

    Raises:
        Invalid: A component is unknown or refused; pointers start at the job's request.
    """
    parts = recipe.outputs
    with scope or nullcontext():
        optimizer = make_optimizer(recipe.optimizer, ("compile", "optimizer"))
    model.compile(
        optimizer=optimizer,
        loss={name: _loss(name, part) for name, part in parts.items()},
        loss_weights=_loss_weights(recipe),
        metrics=_metrics("metrics", {name: part.metrics for name, part in parts.items()}),
        weighted_metrics=_metrics(
            "weighted_metrics", {name: part.weighted_metrics for name, part in parts.items()}
        ),
        run_eagerly=False,
        jit_compile=recipe.jit_compile,
    )


def name_parts(recipe: Recipe) -> dict[str, list[str]]:
    """Return the names in the history of the losses of each output that has several."""
    return {
        name: name_losses(name, part.losses)
        for name, part in recipe.outputs.items()
        if len(part.losses) > 1
    }


def name_losses(output: str, losses: Sequence[NameOrComponent]) -> list[str]:
    """Return the names in the history of several losses of one output.

    Args:
        output: The name of the output.
        losses: Losses that Keras accepts.

    Returns:
        Different names such as `y_mse_loss`: the output's name and that of the loss in Keras.
    """
    names: list[str] = []
    for spec in losses:
        made = make_loss(spec)
        plain = made if isinstance(made, str) else made.name
        name = f"{output}_{plain.removesuffix('_loss')}_loss"
        names.append(next(n for n in _number(name) if n not in names))
    return names


def _number(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(1))


def _loss(name: str, part: OutputRecipe) -> Any:
    """Return None, a loss, or a list of losses that Keras adds."""
    made = [make_loss(spec, place) for spec, place in part.list_losses(name)]
    return made if len(made) > 1 else next(iter(made), None)


def _loss_weights(recipe: Recipe) -> dict[str, Any] | None:
    """Return a weight for each loss, as Keras requires, or None if the recipe has no weight."""
    parts = recipe.outputs.values()
    if all(part.loss_weight is None and not part.part_weights for part in parts):
        return None
    return {name: _weigh(part) for name, part in recipe.outputs.items()}


def _weigh(part: OutputRecipe) -> float | list[float]:
    whole = 1.0 if part.loss_weight is None else part.loss_weight
    weights = [whole * weight for weight in part.part_weights or [1.0]]
    return weights if len(part.losses) > 1 else weights[0]


def _metrics(
    field: str, given: Mapping[str, Sequence[NameOrComponent]]
) -> dict[str, list[Any]] | None:
    """Return the metrics of each output that has some; None if there are none at all."""
    return {
        name: [make_metric(spec, ("compile", field, name)) for spec in listed]
        for name, listed in given.items()
        if listed
    } or None
