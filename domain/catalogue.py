"""The catalogues of what a request may name: layers, operations, optimizers, losses and others."""

from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import Field, JsonValue

from domain.contract import Contract
from domain.errors import MOST_LISTED, not_offered

Schema = dict[str, JsonValue]
LayerKind = Literal[
    "core", "convolutional", "pooling", "rnn", "attention", "normalization", "regularization",
    "reshaping", "merging", "activations", "preprocessing", "applications",
]  # fmt: skip
OpKind = Literal["core", "einops", "image", "linalg", "math", "nn", "numpy"]
ComponentKind = Literal[
    "optimizer", "loss", "metric", "schedule", "callback",
    "initializer", "regularizer", "constraint", "activation",
]  # fmt: skip
COLLECTIONS: Mapping[str, ComponentKind] = {
    "optimizers": "optimizer",
    "losses": "loss",
    "metrics": "metric",
    "schedules": "schedule",
    "callbacks": "callback",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "constraints": "constraint",
    "activations": "activation",
}
"""The catalogue of each kind of component, by the name that its address has."""


def describe_unknown(
    noun: str, name: str, known: Collection[str], left_out: Mapping[str, str]
) -> str:
    """Say why a component cannot be used, and where all names are if they are many.

    Args:
        noun: The kind of component, e.g. `loss` or `learning rate schedule`.
        name: The name that is not offered.
        known: The names that are.
        left_out: Why other members of Keras are not offered, by name.
    """
    detail = not_offered(noun, name, known, left_out)
    if name in left_out or len({word.lower() for word in known}) <= MOST_LISTED:
        return detail
    found = [path for path, kind in COLLECTIONS.items() if noun.endswith(kind)]
    return f"{detail} `GET /v1/{found[0]}` lists all names." if found else detail


class CallArgument(Contract):
    """An argument of a layer's call."""

    name: str
    required: bool
    field: Literal["inputs", "call"]
    """The field of a node that holds the argument: `inputs`, under this name, or `call`."""
    takes: Literal["tensor", "tensors", "flag"]
    """One reference to a tensor, a list of references, or true or false."""
    value_schema: Schema
    """JSON Schema (2020-12) of the argument's value in that field."""
    description: str


class LayerType(Contract):
    """A layer that a graph may use."""

    type: str = Field(examples=["Dense"])
    kind: LayerKind
    """The folder of Keras's source that defines the layer."""
    alias_of: str | None
    """The type that this name is an alias of."""
    summary: str
    url: str
    """Keras's source file, with the full description."""
    call: list[CallArgument]
    """In order: a node's `inputs` that are not an object go to the first argument."""
    config_schema: Schema
    """JSON Schema (2020-12) of `config`."""


class LeftOut(Contract):
    """A member of Keras that no request may use."""

    type: str
    reason: str


class Layers(Contract):
    """All layers, or all layers of one kind, on one page."""

    items: list[LayerType]
    left_out: list[LeftOut]
    defs: dict[str, Schema] = Field(alias="$defs")
    """The targets of the `$ref`s in the items' `config_schema`."""
    next_cursor: None = None


class OpInput(Contract):
    """A parameter that takes a tensor of the graph."""

    name: str
    required: bool
    takes: Literal["tensor", "tensors"]
    """`tensors` is a list of references. Instead of a `tensor`, `config` may hold a constant under
    the same name."""
    description: str | None


class OpType(Contract):
    """A function that a node may call."""

    op: str = Field(examples=["mean"])
    kind: OpKind
    """The file of Keras's source that defines the function."""
    summary: str
    url: str
    """Keras's source file, with the full description."""
    inputs: list[OpInput]
    """In order: a node's `inputs` that are not an object go to these in turn."""
    config_schema: Schema
    """JSON Schema (2020-12) of `config`, including constants in place of tensors."""


class OpLeftOut(Contract):
    """A function of `keras.ops` that no node may call."""

    op: str
    reason: str


class Ops(Contract):
    """All functions, or all functions of one kind, on one page."""

    items: list[OpType]
    left_out: list[OpLeftOut]
    next_cursor: None = None


class ComponentType(Contract):
    """An optimizer, loss, metric or other component that a request may name."""

    type: str = Field(examples=["Adam"])
    kind: ComponentKind
    names: list[str]
    """The names that may stand in place of an object; empty if the component needs an object."""
    summary: str
    url: str | None
    """Keras's source file, with the full description; None for a component of this service."""
    example: JsonValue
    """The component as a request gives it: an object, or a name if it takes no config."""
    config_schema: Schema
    """JSON Schema (2020-12) of `config`, with Keras's defaults."""


class Components(Contract):
    """All components of one kind, on one page."""

    items: list[ComponentType]
    left_out: list[LeftOut]
    defs: dict[str, Schema] = Field(alias="$defs")
    """The targets of the `$ref`s in the items' `config_schema`."""
    next_cursor: None = None


class Catalogues(Contract):
    """The components of every kind."""

    by_kind: dict[ComponentKind, Components]
