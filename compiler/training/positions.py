"""Finds the shape of a loss's values, which Keras multiplies by sample weights and then reduces."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from compiler.keras_private import wrap_loss
from compiler.training.components import make_loss
from compiler.training.targets import Pair, Shape, name_component
from domain.job.recipe import NameOrComponent


class Positions(NamedTuple):
    """The values of a loss before they are reduced to one number."""

    shape: Shape
    """Their shape with the batch axis, e.g. `(None, 5)` for one value in each of 5 steps."""
    expands_target: bool = False
    """Whether the target needs a further axis of length 1.

    Without it, Keras takes the output's last axis of 1 away, and the mean over the steps as the
    value of a row, so that weights and masks of steps do not fit.
    """


ONE_EACH = Positions((None,))
"""One value for each row."""


def find_positions(spec: NameOrComponent, pair: Pair) -> Positions | None:
    """Find the values of a loss that Keras multiplies by weights.

    Args:
        spec: A loss that fits the pair.
        pair: The output and its target.

    Returns:
        None if the loss gives no value for each row, as `dice` does.
    """
    # of a single number in each row of both, Keras would take the mean of the batch
    expands = pair.lacks_axis or (pair.row == [] and pair.column.shape == [])
    given = pair.choose_target(name_component(spec, pair))
    target = (None, *pair.column.shape, 1) if expands else given.shape
    loss = _make(spec, pair)

    def call(target: Any, output: Any) -> Any:
        return loss.call(keras.ops.cast(target, loss.dtype), keras.ops.cast(output, loss.dtype))

    specs = [
        tf.TensorSpec(target, pair.target.dtype),
        tf.TensorSpec(_close_lengths(pair), pair.output.dtype),
    ]
    traced = tf.function(call, autograph=False).get_concrete_function(*specs)
    shape = traced.structured_outputs.shape
    if shape.rank is None:
        return ONE_EACH
    found = tuple(shape)
    return Positions(found, expands) if found[:1] == (None,) else None


def _close_lengths(pair: Pair) -> Shape:
    """Return the output's shape, with the target's lengths where the output's are unknown."""
    _, *lengths = pair.output.shape
    known = [*pair.column.shape, *([None] * len(lengths))]
    pairs = zip(lengths, known[: len(lengths)], strict=True)
    return (None, *(other if own is None else own for own, other in pairs))


def _make(spec: NameOrComponent, pair: Pair) -> Any:
    """Return the `keras.losses.Loss` that Keras's `compile` makes."""
    made = make_loss(spec)
    if isinstance(made, str):
        made = keras.losses.get(name_component(made, pair))
    return made if isinstance(made, keras.losses.Loss) else wrap_loss(made)
