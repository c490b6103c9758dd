"""Parses serialized models, functional and sequential."""

from typing import Any

from compiler.keras_json.parsing.document import FaultCollector
from compiler.keras_json.parsing.functional import parse_functional
from compiler.keras_json.parsing.parsed_model import Layer, Model
from compiler.keras_json.parsing.sequential import parse_sequential
from domain.graph.walk import Place

_CLASSES = frozenset({"Functional", "Model", "Sequential", "Network", "Container"})


def is_model(spec: dict[str, Any]) -> bool:
    """Whether a serialized layer is a model."""
    kind = spec.get("class_name")
    return isinstance(kind, str) and kind in _CLASSES


def is_input_layer(layer: Layer) -> bool:
    """Whether the layer is an InputLayer."""
    return layer.spec.get("class_name") == "InputLayer"


def parse_model(spec: dict[str, Any], place: Place, collector: FaultCollector) -> Model:
    """What a serialized model holds.

    Args:
        spec: Of which `is_model` holds.
        place: Where it lies.
        gathered: Takes the faults that do not keep the rest from being read.

    Raises:
        Invalid: it cannot be read at all.
    """
    parse = parse_sequential if spec["class_name"] == "Sequential" else parse_functional
    return parse(spec.get("config"), (*place, "config"), collector)
