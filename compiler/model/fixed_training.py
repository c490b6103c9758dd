"""Keeps a node's constant `training` when its model is called."""

from typing import Any

import keras

from compiler.keras_private import keep_call_arguments
from compiler.model.layer_calls import Call
from compiler.model.scope import BuiltLayer


def fix_training(layer: BuiltLayer, call: Call, name: str) -> tuple[Any, Any]:
    """Call a layer inside a small model that keeps the layer's constant `training`.

    A Keras model passes its own `training` to each of its layers, and so replaces the constant
    of the layer's call. The small model is marked so that Keras passes no `training` to it.

    Args:
        layer: The layer.
        call: The call, with `training` among the keyword arguments.
        name: The name of the small model.

    Returns:
        The small model, and the result of calling it with the call's tensors.
    """
    arguments = (call.args, dict(call.kwargs))
    flat = keras.tree.flatten(arguments)
    given = {id(t): t for t in flat if isinstance(t, keras.KerasTensor)}
    inputs = {
        key: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{name}.{i}")
        for i, (key, tensor) in enumerate(given.items())
    }
    args, kwargs = keras.tree.map_structure(lambda value: inputs.get(id(value), value), arguments)
    model = keras.Model(list(inputs.values()), layer.keras(*args, **kwargs), name=name)
    keep_call_arguments(model)
    return model, model(list(given.values()))
