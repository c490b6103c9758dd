"""Finds the fields that an object in a body may have, by the location of a pydantic error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.graph.language import GraphLayer, KerasLayer, LayerNode, ModelLayer, OpNode

_TAGGED: Mapping[str | int, type[BaseModel]] = {
    "<layer>": LayerNode,
    "<op>": OpNode,
    "<Keras>": KerasLayer,
    "<Graph>": GraphLayer,
    "<Model>": ModelLayer,
}
"""The variants of each tagged union, by tag."""


def find_fields(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Returns the names of the fields of the object that the location's last step belongs to.

    Args:
        model: The model of the whole body.
        location: The location of an error within the body.
    """
    models = [model]
    for step in location[:-1]:
        models = _find_inner_models(models, step)
    return list(dict.fromkeys(name for model in models for name in _map_fields(model)))


def _find_inner_models(models: list[type[BaseModel]], step: str | int) -> list[type[BaseModel]]:
    if step in _TAGGED:
        return [_TAGGED[step]]
    fields = [_map_fields(model).get(str(step)) for model in models]
    inner = [found for field in fields if field for found in _list_models(field.annotation)]
    return inner or models  # an index of a list, a key of an object, or an unknown tag


def _map_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Returns the fields of a model by their names in JSON."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _list_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _list_models(part)
