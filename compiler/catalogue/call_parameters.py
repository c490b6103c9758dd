"""The parameters of a layer's `call`."""

import inspect
from typing import Any


def parameters_of_call(layer: Any) -> dict[str, inspect.Parameter]:
    """The parameters of `call` by name.

    Args:
        layer: A layer or a class of layers.
    """
    parameters = dict(inspect.signature(layer.call).parameters)
    if inspect.isclass(layer):
        del parameters["self"]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: p for name, p in parameters.items() if p.kind in named}


def is_flag(parameter: inspect.Parameter) -> bool:
    """Whether an argument of a call is a flag; all other arguments are tensors."""
    return parameter.name == "training" or isinstance(parameter.default, bool)
