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
    """Parse a serialized model.

    Args:
        spec: The JSON of a model; `is_model` is true.
        place: Its place in the document.
        collector: Receives the faults after which parsing continues.

    Raises:
        Invalid: The model is unusable as a whole.
    """
    parse = parse_sequential if spec["class_name"] == "Sequential" else parse_functional
    return parse(spec.get("config"), (*place, "config"), collector)
