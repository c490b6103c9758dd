"""The values of the losses of a training: their shapes, where these count."""

from collections.abc import Mapping

from compiler.keras_private import get_mask
from compiler.model.build import BuiltModel
from compiler.training.positions import ONE_EACH, Positions, find_positions
from compiler.training.targets import Pair
from domain.check import ColumnSpec
from domain.job.recipe import Component, NameOrComponent, Recipe


def find_loss_positions(
    recipe: Recipe, built: BuiltModel, targets: Mapping[str, ColumnSpec]
) -> dict[str, Positions]:
    """Returns the values of the losses, where their shapes or the axes of their targets count."""
    found: dict[str, Positions] = {}
    for name, part in recipe.outputs.items():
        pair = Pair.find(name, part, targets.get(name), built.outputs)
        weighted = part.sample_weight is not None or part.class_weight
        masked = get_mask(built.outputs[name]) is not None
        if pair is None:
            continue
        expands = bool(part.all_metrics) and pair.lacks_axis
        summed = any(_is_summed(loss) for loss in part.losses)
        if part.loss is not None and (weighted or masked or expands or summed):
            found[name] = find_positions(part.loss, pair) or ONE_EACH
        if expands:  # many metrics would broadcast the target otherwise
            found[name] = found.get(name, ONE_EACH)._replace(expands_target=True)
    return found


def _is_summed(loss: NameOrComponent) -> bool:
    """Returns whether the number of a loss's values counts, which depends on the target's axes."""
    return isinstance(loss, Component) and loss.config.get("reduction") == "sum"
