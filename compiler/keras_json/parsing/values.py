"""The values of Keras's serialized configs as the graph language writes them."""

import json
from typing import Any

from compiler.catalogue.arguments import REQUIRED, Argument, arguments_of
from compiler.catalogue.families import Family, family_of
from compiler.keras_json.parsing.document import refused
from compiler.keras_json.parsing.legacy import part_config
from domain.graph.walk import Place

_POLICIES = frozenset({"DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1"})
_ARRAYS = frozenset({"__numpy__", "__tensor__", "__ndarray__"})


def plain(value: Any) -> Any:
    """A value with Keras's tags for tuples and arrays taken off: they are lists in JSON."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
        return plain(value["items"])
    if is_array(value):
        return value["config"].get("value")
    if value.keys() == {"type", "value"} and value["type"] == "ndarray":
        return value["value"]
    return {key: plain(item) for key, item in value.items()}


def is_array(value: Any) -> bool:
    """Whether this is Keras's form of an array of numbers."""
    kind, config = tagged(value)
    return kind in _ARRAYS and config is not None


def dtype_name(value: Any, place: Place) -> str | None:
    """The name of a dtype or of a dtype policy; None is Keras's default.

    Raises:
        Invalid: a policy that a graph cannot have.
    """
    if value is None or value in ("infer", "_infer"):
        return None
    if isinstance(value, str):
        return value
    kind, config = tagged(value)
    if config is not None and kind in _POLICIES:
        return dtype_name(config.get("name"), (*place, "config", "name"))
    if config is not None and kind == "DTypePolicyMap" and not config.get("policy_map"):
        return dtype_name(config.get("default_policy"), (*place, "config", "default_policy"))
    raise refused(place, "A dtype or a policy named after one belongs here, e.g. 'mixed_float16'.")


def tagged(value: Any) -> tuple[str, dict[str, Any] | None]:
    """The class that Keras names in a value, and its config where that is an object."""
    found = value if isinstance(value, dict) else {}
    kind, config = found.get("class_name"), found.get("config")
    return kind if isinstance(kind, str) else "", config if isinstance(config, dict) else None


def is_default(argument: Argument, value: Any) -> bool:
    """Whether Keras would take this value without being told."""
    family = family_of(argument.name)
    default = argument.default
    if family and isinstance(value, str) and isinstance(default, str | None):
        return family.known.get(value) == family.known.get(default or "linear", "none")
    if default is REQUIRED or isinstance(value, dict):
        return False
    return is_same(value, default)


def is_same(value: Any, default: Any) -> bool:
    """Whether a JSON value is what a default of Keras's would be in JSON."""
    try:
        return json.dumps(value) == json.dumps(default)
    except TypeError:  # an object of Keras's own
        return False


def part(family: Family, value: Any) -> Any:
    """An activation, initializer, regularizer or constraint: by name where that says it all."""
    if not isinstance(value, dict):
        return value
    kind, config = value.get("class_name"), value.get("config")
    if kind == "function" and isinstance(config, str):
        return config
    if not isinstance(config, dict | None) or not isinstance(kind, str):
        return {"type": kind, "config": config}
    kept = part_config({name: plain(item) for name, item in (config or {}).items()})
    if isinstance(family.known.get(kind), type):
        known = arguments_of(family.known[kind])
        kept = {n: v for n, v in kept.items() if n not in known or not is_default(known[n], v)}
    return {"type": kind, "config": kept} if kept else kind
