"""From a graph to Keras's own JSON, which plain Keras loads to the same model."""

import json
from typing import Any

import keras

from compiler.keras_json.roundtrip import roundtrip_faults
from compiler.model.build import build, deep_stack
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint
from domain.keras_json import WriteResult
from domain.pointer import pointer

DEFINITION = "definition"
"""Where a graph shows its definition."""


def write(blueprint: Blueprint) -> WriteResult:
    """Write a graph down as Keras does, without allocating a weight.

    Never another model: what Keras could not load again as it was is a fault.
    """
    faults = list(dict.fromkeys(roundtrip_faults(blueprint, (DEFINITION,))))
    if faults:
        return WriteResult(faults=faults)
    try:
        return WriteResult(keras_json=_config_of(blueprint))
    except NotImplementedError:  # e.g. Clip, with an array for a bound
        detail = "Keras cannot write down one of the functions here with the constants it has."
        return WriteResult(faults=[Fault(pointer=pointer(DEFINITION), detail=detail)])
    except Invalid as refusal:
        return WriteResult(faults=[f.at(pointer(DEFINITION) + f.pointer) for f in refusal.faults])


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
