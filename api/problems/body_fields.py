"""Which fields the objects of a body may have, by the places that pydantic names."""

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
"""The variants of a union, by what tells them apart."""


def find_fields(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Of whatever may stand where the location's last step leads from.

    Args:
        model: Of the whole body.
        location: Of an error within it.
    """
    models = [model]
    for step in location[:-1]:
        models = _below(models, step)
    return list(dict.fromkeys(name for model in models for name in _fields_of(model)))


def _below(models: list[type[BaseModel]], step: str | int) -> list[type[BaseModel]]:
    if step in _TAGGED:
        return [_TAGGED[step]]
    fields = [_fields_of(model).get(str(step)) for model in models]
    inner = [found for field in fields if field for found in _models_in(field.annotation)]
    return inner or models  # the place in a list, a key, or a tag of no variant


def _fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """By the names that a client writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
