"""Converts values in Keras's serialized configs to the graph language."""

import json
from typing import Any

from compiler.catalogue.arguments import REQUIRED, Argument, arguments_of
from compiler.catalogue.families import Family, family_of
from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.keras_2 import current_component_config
from domain.graph.walk import Place

_POLICIES = frozenset({"DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1"})
_ARRAYS = frozenset({"__numpy__", "__tensor__", "__ndarray__"})


def untag(value: Any) -> Any:
    """Replace Keras's tagged tuples and arrays by lists."""
    if isinstance(value, list):
        return [untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return untag(value["items"])
    if is_array(value):
        return value["config"].get("value")
    if value.keys() == {"type", "value"} and value["type"] == "ndarray":
        return value["value"]
    return {key: untag(item) for key, item in value.items()}


def is_array(value: Any) -> bool:
    """Whether the value is a serialized array."""
    kind, config = class_and_config(value)
    return kind in _ARRAYS and config is not None


def dtype_name(value: Any, place: Place) -> str | None:
    """Return the name of a dtype or dtype policy; None stands for Keras's default.

    Raises:
        Invalid: A graph cannot express the policy.
    """
    if value is None or value in ("infer", "_infer"):
        return None
    if isinstance(value, str):
        return value
    kind, config = class_and_config(value)
    if config is not None and kind in _POLICIES:
        return dtype_name(config.get("name"), (*place, "config", "name"))
    if config is not None and kind == "DTypePolicyMap" and not config.get("policy_map"):
        return dtype_name(config.get("default_policy"), (*place, "config", "default_policy"))
    raise invalid_at(
        place, "A dtype or a policy named after one belongs here, e.g. 'mixed_float16'."
    )


def class_and_config(value: Any) -> tuple[str, dict[str, Any] | None]:
    """Return `class_name` and `config` of a value; `""` and None if they have other types."""
    found = value if isinstance(value, dict) else {}
    kind, config = found.get("class_name"), found.get("config")
    return kind if isinstance(kind, str) else "", config if isinstance(config, dict) else None


def is_default(argument: Argument, value: Any) -> bool:
    """Whether the value is the argument's default."""
    family = family_of(argument.name)
    default = argument.default
    if family and isinstance(value, str) and isinstance(default, str | None):
        return family.known.get(value) == family.known.get(default or "linear", "none")
    if default is REQUIRED or isinstance(value, dict):
        return False
    return is_same(value, default)


def is_same(value: Any, default: Any) -> bool:
    """Whether a JSON value equals a default of Keras after serialization."""
    try:
        return json.dumps(value) == json.dumps(default)
    except TypeError:  # the default is an object of Keras
        return False


def parse_component(family: Family, value: Any) -> Any:
    """Convert an activation, initializer, regularizer or constraint; a name if it has no config."""
    if not isinstance(value, dict):
        return value
    kind, config = value.get("class_name"), value.get("config")
    if kind == "function" and isinstance(config, str):
        return config
    if not isinstance(config, dict | None) or not isinstance(kind, str):
        return {"type": kind, "config": config}
    kept = current_component_config({name: untag(item) for name, item in (config or {}).items()})
    if isinstance(family.known.get(kind), type):
        known = arguments_of(family.known[kind])
        kept = {n: v for n, v in kept.items() if n not in known or not is_default(known[n], v)}
    return {"type": kind, "config": kept} if kept else kind
