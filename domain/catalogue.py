"""The catalogue of layers and operations that graphs may use."""

from typing import Literal

from pydantic import Field, JsonValue

from domain.contract import Contract

Schema = dict[str, JsonValue]
LayerKind = Literal[
    "core", "convolutional", "pooling", "rnn", "attention", "normalization", "regularization",
    "reshaping", "merging", "activations", "preprocessing", "applications",
]  # fmt: skip
OpKind = Literal["core", "einops", "image", "linalg", "math", "nn", "numpy"]


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
    """A layer of Keras that no graph may use."""

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
