"""Keeps a node's constant `training` from being replaced when its model is called."""

from typing import Any

import keras

from compiler.keras_private import keep_call_arguments
from compiler.model.layer_calls import Call
from compiler.model.scope import Made


def stand_in(made: Made, call: Call, name: str) -> tuple[Any, Any]:
    """A small model around one call of a layer, and what it gives for the call's tensors.

    A Keras model hands its own `training` to each of its layers, in the place of a constant
    that the layer was called with. This one asks not to be handed any, so the constant holds.

    Args:
        made: The layer.
        call: Its call, `training` among the constants.
        name: Of the small model, as Keras knows it.
    """
    arguments = (call.args, dict(call.kwargs))
    flat = keras.tree.flatten(arguments)
    given = {id(t): t for t in flat if isinstance(t, keras.KerasTensor)}
    holders = {
        key: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{name}.{i}")
        for i, (key, tensor) in enumerate(given.items())
    }
    args, kwargs = keras.tree.map_structure(lambda value: holders.get(id(value), value), arguments)
    model = keras.Model(list(holders.values()), made.keras(*args, **kwargs), name=name)
    keep_call_arguments(model)
    return model, model(list(given.values()))
