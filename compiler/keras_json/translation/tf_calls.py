"""Calls of TensorFlow's functions, as Keras 2 wrote them into models."""

from typing import Any

from compiler.catalogue.ops import OPS, Op
from compiler.keras_json.parsing.calls import Call, Given
from compiler.keras_json.parsing.document import expect, refused
from compiler.keras_json.parsing.values import dtype_name
from compiler.keras_json.translation.tf_functions import CHANGED, NEUTRAL, TF_FUNCTIONS
from domain.graph.walk import Place


def tf_op(config: dict[str, Any], place: Place) -> tuple[str, Op]:
    """TensorFlow's name of a function, and the function of `keras.ops` that does the same.

    Raises:
        Invalid: there is none.
    """
    said = expect(config.get("function", "__operators__.getitem"), str, (*place, "function"))
    name = said.removeprefix("compat.v1.")
    if name not in TF_FUNCTIONS or TF_FUNCTIONS[name].op not in OPS:
        detail = (
            f"No function of a graph stands for TensorFlow's '{said}'; build the model with "
            f"`keras.ops` instead."
        )
        raise refused((*place, "function"), detail)
    return name, OPS[TF_FUNCTIONS[name].op]


def tf_arguments(name: str, call: Call) -> dict[str, Given]:
    """The arguments of one call by the parameters of our function.

    Raises:
        Invalid: an argument that our function does not have.
    """
    function = TF_FUNCTIONS[name]
    given: dict[str, Given] = {}
    for theirs, item in call.bound(list(function.names)).items():
        ours = function.names.get(theirs)
        if ours is not None:
            value = CHANGED.get((name, theirs), lambda value: value)(item.value)
            value = dtype_name(value, item.place) if ours == "dtype" else value
            given[ours] = item._replace(value=value)
        elif theirs != "name" and item.value not in (None, NEUTRAL.get(theirs)):
            raise refused(item.place, f"'{theirs}' of TensorFlow's '{name}' is not offered.")
    said = {ours: item for ours, item in given.items() if item.value is not None}
    unsaid = {ours: Given(v, call.place) for ours, v in function.defaults.items()}
    return {**given, **unsaid, **said}
