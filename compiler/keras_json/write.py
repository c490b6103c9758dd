"""From a graph to Keras's own JSON, which plain Keras loads to the same model."""

import json
from typing import Any

import keras
from pydantic import JsonValue

from compiler.keras_json.lossy import losses
from compiler.model.build import build, deep_stack
from domain.contract import Contract
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint
from domain.pointer import pointer

DEFINITION = "definition"
"""Where a graph shows its definition."""


class KerasJson(Contract):
    """What Keras calls `model.to_json()`, or why there is none."""

    keras_json: dict[str, JsonValue] | None = None
    """None when there are faults."""
    faults: list[Fault] = []
    """Pointers from the root of a graph as it is shown."""


def answer(blueprint_json: str) -> str:
    """Keras's JSON of a graph, for a process that knows nothing of Keras.

    Args:
        blueprint_json: A `Blueprint` of a graph that was checked before.

    Returns:
        A `KerasJson`.
    """
    return write(Blueprint.model_validate_json(blueprint_json)).model_dump_json()


def write(blueprint: Blueprint) -> KerasJson:
    """Write a graph down as Keras does, without allocating a weight.

    Never another model: what Keras could not load again as it was is a fault.
    """
    faults = list(dict.fromkeys(losses(blueprint, (DEFINITION,))))
    if faults:
        return KerasJson(faults=faults)
    try:
        return KerasJson(keras_json=_config_of(blueprint))
    except NotImplementedError:  # e.g. Clip, with an array for a bound
        detail = "Keras cannot write down one of the functions here with the constants it has."
        return KerasJson(faults=[Fault(pointer=pointer(DEFINITION), detail=detail)])
    except Invalid as refusal:
        return KerasJson(faults=[f.at(pointer(DEFINITION) + f.pointer) for f in refusal.faults])


def _config_of(blueprint: Blueprint) -> dict[str, Any]:
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = build(blueprint, seed=None).model
            with deep_stack():
                document = json.loads(model.to_json())
    finally:  # else the next scope in this process would allocate what this one left out
        keras.utils.clear_session(free_memory=False)
    outputs = document["config"]["output_layers"]  # sorted by name, while ours have an order
    in_order = {name: outputs[name] for name in blueprint.definition.output_names()}
    document["config"]["output_layers"] = in_order
    return document
