"""Corrects `TimeDistributed` for an unknown number of steps.

Keras reads the number of steps from the axis of the rows, and so returns as many steps as rows.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import tensorflow as tf

from compiler.keras_private import get_all_layers, get_seed_generators, takes_call_argument

Method = Callable[..., Any]


def correct_call(own: Method) -> Method:
    """Return a method that calls Keras's own one only if the number of steps is known.

    Args:
        own: `TimeDistributed.call` of Keras.
    """

    @wraps(own)
    def call(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if inputs.shape[1] is not None:
            return own(self, inputs, training=training, mask=mask)
        return _call_steps(self, inputs, training, mask)

    return call


def _call_steps(wrapper: Any, inputs: Any, training: Any, mask: Any) -> Any:
    """Call the wrapped layer on each step.

    Args:
        wrapper: The `TimeDistributed`.
        inputs: A tensor of shape (rows, steps, ...).
        training: The flag that the call was given.
        mask: None, or a tensor of shape (rows, steps, ...).

    Returns:
        A tensor of shape (rows, steps, ...).
    """
    steps, masks = _swap_axes(inputs), None if mask is None else _swap_axes(mask)
    layer = wrapper.layer

    def call_step(i: Any) -> Any:
        arguments: dict[str, Any] = {}
        if masks is not None and takes_call_argument(layer, "mask"):
            arguments["mask"] = masks[i]
        if takes_call_argument(layer, "training"):
            arguments["training"] = training
        return layer.call(steps[i], **arguments)

    outputs = _swap_axes(_map(call_step, tf.range(tf.shape(steps)[0]), layer, training))
    outputs.set_shape(wrapper.compute_output_shape(tuple(inputs.shape)))
    return outputs


def _map(function: Method, indices: Any, layer: Any, training: Any) -> Any:
    """Stack the results of a function of an index.

    The calls run one after the other if a call changes variables: `tf.vectorized_map` cannot
    repeat an assignment.
    """
    if not training or not _has_state(layer):
        return tf.vectorized_map(function, indices)
    traced = tf.function(function, autograph=False)
    result = traced.get_concrete_function(tf.TensorSpec([], indices.dtype)).output_dtypes
    return tf.map_fn(traced, indices, fn_output_signature=result, parallel_iterations=1)


def _has_state(layer: Any) -> bool:
    """Return whether a training call may change variables or draw random numbers."""
    return any(
        inner.non_trainable_variables or get_seed_generators(inner)
        for inner in get_all_layers(layer)
    )


def _swap_axes(tensor: Any) -> Any:
    """Swap the axes of the rows and the steps."""
    return tf.transpose(tensor, [1, 0, *range(2, len(tensor.shape))])
