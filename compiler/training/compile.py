"""Compiles a model by a recipe: everything by output name, in graph order."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from compiler.training.components import loss, metric, optimizer
from domain.job.recipe import OutputRecipe, Recipe


def keras_compile(
    model: Any, recipe: Recipe, scope: AbstractContextManager[Any] | None = None
) -> None:
    """Call Keras's `compile` on a model whose outputs are a dictionary.

    Losses, weights and metrics go by output name, so that the same recipe, whether it came
    from lists or mappings, gives the same bits. Every output has an entry, those without
    a loss too: Keras pairs shorter dictionaries by sorted position.

    When it is fitted, `y` must be a dictionary with every output, an array with one row a
    sample for those without a loss (their values are never read).

    Args:
        model: As `compiler.model.build` makes it.
        recipe: Resolved to output names.
        scope: In which the optimizer is made: that of the devices which train together.

    Raises:
        Invalid: a component is unknown or refused, pointers as in a job's request.
    """
    parts = recipe.outputs
    with scope or nullcontext():
        made = optimizer(recipe.optimizer, ("compile", "optimizer"))
    model.compile(
        optimizer=made,
        loss={name: _loss(name, part) for name, part in parts.items()},
        loss_weights=_loss_weights(recipe),
        metrics={name: _metrics(name, part) for name, part in parts.items() if part.metrics},
        run_eagerly=False,
        jit_compile=recipe.jit_compile,
    )


def _loss(name: str, part: OutputRecipe) -> Any:
    return None if part.loss is None else loss(part.loss, ("compile", "loss", name))


def _loss_weights(recipe: Recipe) -> dict[str, float] | None:
    """One for each output, or none at all: Keras wants the structure of the losses."""
    given = {name: part.loss_weight for name, part in recipe.outputs.items()}
    if all(weight is None for weight in given.values()):
        return None
    return {name: 1.0 if weight is None else weight for name, weight in given.items()}


def _metrics(name: str, part: OutputRecipe) -> list[Any]:
    return [metric(spec, ("compile", "metrics", name)) for spec in part.metrics]
