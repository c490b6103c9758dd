"""Serialized models, functional and sequential, as layers and their calls."""

from typing import Any

from compiler.keras_json.parsing.calls import Layer, Model
from compiler.keras_json.parsing.document import Gathered
from compiler.keras_json.parsing.functional import functional
from compiler.keras_json.parsing.sequential import sequential
from domain.graph.walk import Place

_CLASSES = frozenset({"Functional", "Model", "Sequential", "Network", "Container"})


def is_model(spec: dict[str, Any]) -> bool:
    """Whether a serialized layer is a model."""
    kind = spec.get("class_name")
    return isinstance(kind, str) and kind in _CLASSES


def is_input(layer: Layer) -> bool:
    """Whether a layer stands for an input of its model."""
    return layer.spec.get("class_name") == "InputLayer"


def model_of(spec: dict[str, Any], place: Place, gathered: Gathered) -> Model:
    """What a serialized model holds.

    Args:
        spec: Of which `is_model` holds.
        place: Where it lies.
        gathered: Takes the faults that do not keep the rest from being read.

    Raises:
        Invalid: it cannot be read at all.
    """
    read = sequential if spec["class_name"] == "Sequential" else functional
    return read(spec.get("config"), (*place, "config"), gathered)
