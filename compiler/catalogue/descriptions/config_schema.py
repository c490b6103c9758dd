"""JSON Schema (2020-12) of the configs of layers and of components in them."""

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from compiler.catalogue.argument_values import kind_of
from compiler.catalogue.arguments import Argument, arguments_of
from compiler.catalogue.descriptions.docstrings import describe_arguments
from compiler.catalogue.families import FAMILIES, Family, family_of
from domain.graph.language import LAYER_ARGUMENTS, LayerOrName

Schema = dict[str, Any]
_LAYER = "layer"
_LISTS = ("cells", "layers")
"""The arguments that take lists of layers; `cell` takes one layer or a list."""


def config_schema(cls: type, arguments: Mapping[str, Argument] | None = None) -> Schema:
    """The schema of a config.

    Args:
        cls: The Keras class whose constructor takes the config.
        arguments: The arguments that a client may give; by default all arguments of the class.

    Returns:
        A schema whose `$ref`s lead into `definitions()`.
    """
    known = arguments_of(cls) if arguments is None else arguments
    descriptions = describe_arguments(cls)
    schema: Schema = {
        "type": "object",
        "properties": {n: _describe(a, descriptions.get(n)) for n, a in known.items()},
        "additionalProperties": False,
    }
    required = [argument.name for argument in known.values() if argument.is_required]
    return schema | ({"required": required} if required else {})


def definitions() -> dict[str, Schema]:
    """The schemas that configs refer to: each family, each member of a family, and layers."""
    layer = TypeAdapter(LayerOrName).json_schema(ref_template="#/$defs/{model}")
    found = layer.pop("$defs") | {_LAYER: layer}
    for family in FAMILIES:
        found |= _family(family)
    return found


def argument_schema(argument: Argument) -> Schema:
    """The schema of one argument's value."""
    family = family_of(argument.name)
    if family:
        return reference(family.noun)
    if argument.name not in LAYER_ARGUMENTS:
        return kind_of(argument).schema()
    forms = [] if argument.name in _LISTS else [reference(_LAYER)]
    if argument.name in ("cell", *_LISTS):
        forms.append({"type": "array", "items": reference(_LAYER), "minItems": 1})
    if argument.default is None:
        forms.append({"type": "null"})
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _describe(argument: Argument, description: str | None) -> Schema:
    schema = argument_schema(argument)
    if description:
        schema |= {"description": description}
    if not argument.is_required:
        schema |= {"default": json_default(argument.default)}
    return schema


def json_default(default: Any) -> Any:
    """A default of Keras's as JSON: tuples become lists."""
    return [json_default(item) for item in default] if isinstance(default, tuple) else default


def reference(name: str) -> Schema:
    """The reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def _family(family: Family) -> dict[str, Schema]:
    """The schemas of a family and of its members, each in our form and in Keras's."""
    classes = {name: cls for name, cls in family.known.items() if inspect.isclass(cls)}
    functions = [name for name in family.known if name not in classes]
    forms = [{"enum": list(family.known)}, {"type": "null"}]
    forms += [reference(f"{family.noun}.{name}") for name in classes]
    if functions:
        forms += [
            member_schema({"enum": functions}, {"maxProperties": 0}),
            _keras_function(functions),
        ]
    whole = {family.noun: {"anyOf": forms}}
    return whole | {
        f"{family.noun}.{name}": member_schema({"const": name}, config_schema(cls))
        for name, cls in classes.items()
    }


def member_schema(name: Schema, config: Schema) -> Schema:
    """The schema of a component as an object, in our form and in Keras's.

    Args:
        name: The schema of its type.
        config: The schema of its config.
    """
    return _named(
        {"type": name, "class_name": name, "config": config | {"type": ["object", "null"]}}
    )


def _keras_function(names: list[str]) -> Schema:
    """The schema of Keras's form of a function: `{"class_name": "function", "config": "relu"}`."""
    function = {"const": "function"}
    form = {"type": function, "class_name": function, "config": {"enum": names}}
    return _named(form) | {"required": ["config"]}


def _named(properties: Schema) -> Schema:
    beside: Schema = {"module": {}, "registered_name": {}}
    return {
        "type": "object",
        "properties": properties | beside,
        "additionalProperties": False,
        "anyOf": [{"required": ["type"]}, {"required": ["class_name"]}],
    }
