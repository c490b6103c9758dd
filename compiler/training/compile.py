"""Compiles a model with losses, weights and metrics by output name."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from compiler.training.components import make_loss, make_metric, make_optimizer
from domain.job.recipe import OutputRecipe, Recipe


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
        metrics={name: _metrics(name, part) for name, part in parts.items() if part.metrics},
        run_eagerly=False,
        jit_compile=recipe.jit_compile,
    )


def _loss(name: str, part: OutputRecipe) -> Any:
    return None if part.loss is None else make_loss(part.loss, ("compile", "loss", name))


def _loss_weights(recipe: Recipe) -> dict[str, float] | None:
    """Return a weight for each output, as Keras requires, or None if the recipe has no weight."""
    given = {name: part.loss_weight for name, part in recipe.outputs.items()}
    if all(weight is None for weight in given.values()):
        return None
    return {name: 1.0 if weight is None else weight for name, weight in given.items()}


def _metrics(name: str, part: OutputRecipe) -> list[Any]:
    return [make_metric(spec, ("compile", "metrics", name)) for spec in part.metrics]
