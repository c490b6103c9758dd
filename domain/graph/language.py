"""The graph language: layers have weights, nodes call layers."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, LiteralString, NamedTuple

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError

from domain.contract import WHOLE, Contract
from domain.dtype import Dtype
from domain.early_stop import STOP_EARLY
from domain.ids import GraphId, ModelId

LONGEST_NAME = 64
"""Maximum number of characters of a name; the setting MAX_NAME_LENGTH may only lower it."""


def _refuse_long_name(value: Any) -> Any:
    """Refuse a long name before the pattern does, whose message would not name the length."""
    if isinstance(value, str) and len(value) > LONGEST_NAME:
        found = {"most": LONGEST_NAME, "length": len(value)}
        raise PydanticCustomError("name_too_long", TOO_LONG, found)
    return value


TOO_LONG: LiteralString = (
    "A name holds at most {most} characters (MAX_NAME_LENGTH); this one has {length}"
)
Name = Annotated[
    str,
    BeforeValidator(_refuse_long_name),
    StringConstraints(pattern=rf"^[A-Za-z][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}$"),
]
Axis = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), WHOLE]

LAYER_ARGUMENTS = frozenset({"layer", "backward_layer", "cell", "cells", "layers"})
"""The arguments that Keras types as a layer, a cell or a list of them."""


def _find_value_tag(value: Any) -> str:
    """Return the tag of a union's branch, so that the faults of a value have one place.

    Tags are in angle brackets, so that no key of a request body equals a tag.
    """
    if isinstance(value, str):
        return "<text>"
    return "<list>" if isinstance(value, list | tuple) else "<object>"


def _find_text_or_object_tag(value: Any) -> str:
    return "<text>" if isinstance(value, str) else "<object>"


def _find_text_or_list_tag(value: Any) -> str:
    return "<text>" if isinstance(value, str) else "<list>"


class Input(Contract):
    """An input of the graph."""

    name: Name
    shape: list[Axis | None] = Field(max_length=32)
    """Without the batch axis; `null` for an unknown length."""
    dtype: Dtype = "float32"


class KerasLayer(Contract):
    """A layer of the catalogue, with Keras's own argument names and defaults."""

    type: str = Field(examples=["Dense"])
    config: dict[str, JsonValue] = {}


class GraphLayer(Contract):
    """A graph used as a layer: written out, or the id of a stored one."""

    type: Literal["Graph"]
    graph: "GraphOrId"


class ModelLayer(Contract):
    """A trained model used as a layer, with its structure and its weights."""

    type: Literal["Model"]
    model: ModelId
    trainable: bool | None = None
    """Sets `trainable` of all its layers, as Keras's setter does; if left out, each layer keeps its
    own value."""


def _find_layer_tag(value: Any) -> str:
    """Return the tag of a layer object; the three kinds share only the field `type`."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    title = kind.title() if isinstance(kind, str) else ""
    return f"<{title}>" if title in ("Graph", "Model") else "<Keras>"


LayerObject = Annotated[
    Annotated[GraphLayer, Tag("<Graph>")]
    | Annotated[ModelLayer, Tag("<Model>")]
    | Annotated[KerasLayer, Tag("<Keras>")],
    Discriminator(_find_layer_tag),
]
"""The layers with one possible `type` come first: clients that try one after another find them."""


LayerOrName = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[LayerObject, Tag("<object>")],
    Discriminator(_find_text_or_object_tag),
]
OneOrMany = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[list[str], STOP_EARLY, Tag("<list>")],
    Discriminator(_find_text_or_list_tag),
]
NodeInputs = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[list[str], STOP_EARLY, Tag("<list>")]
    | Annotated[dict[str, OneOrMany], STOP_EARLY, Tag("<object>")],
    Discriminator(_find_value_tag),
]


class _Node(Contract):
    """One call. References use the node's name for its tensors."""

    name: Name
    inputs: NodeInputs
    """A reference, a list of references, or call arguments to references."""

    def references(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield every reference of `inputs` with its place inside the node."""
        if isinstance(self.inputs, str):
            yield ("inputs",), self.inputs
        elif isinstance(self.inputs, list):
            yield from ((("inputs", i), text) for i, text in enumerate(self.inputs))
        else:
            for argument, value in self.inputs.items():
                if isinstance(value, str):
                    yield ("inputs", argument), value
                else:
                    yield from ((("inputs", argument, i), text) for i, text in enumerate(value))


class LayerNode(_Node):
    """One call of a layer."""

    layer: LayerOrName
    """A layer object, which is used once, or the name of a shared layer in `layers`."""
    call: dict[str, JsonValue] = {}
    """Constant call arguments, e.g. `{"training": false}`."""


class OpNode(_Node):
    """One call of a function of `keras.ops`."""

    op: str = Field(examples=["mean"])
    config: dict[str, JsonValue] = {}
    """Constant arguments of the function, e.g. `{"axis": -1}`."""


def _find_node_tag(value: Any) -> str | None:
    """Return the tag of a node; None if it has both or neither of `layer` and `op`."""
    if isinstance(value, _Node):
        return "<op>" if isinstance(value, OpNode) else "<layer>"
    if not isinstance(value, dict):
        return "<layer>"
    kinds = [kind for kind in ("layer", "op") if kind in value]
    return f"<{kinds[0]}>" if len(kinds) == 1 else None


Node = Annotated[
    Annotated[LayerNode, Tag("<layer>")] | Annotated[OpNode, Tag("<op>")],
    Discriminator(
        _find_node_tag,
        custom_error_type="layer_or_op",
        custom_error_message="A node has exactly one of `layer` and `op`",
    ),
]


class NamedOutput(Contract):
    """An output with its own name."""

    name: Name
    source: str = Field(alias="from")
    """The reference to the output's tensor."""


OutputItem = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[NamedOutput, Tag("<object>")],
    Discriminator(_find_text_or_object_tag),
]


class GraphDefinition(Contract):
    """A directed acyclic graph of layers."""

    inputs: Annotated[list[Input], Field(min_length=1), STOP_EARLY]
    layers: Annotated[dict[Name, LayerObject], STOP_EARLY] = {}
    """Shared layers by name: all nodes that name one share its weights."""
    nodes: Annotated[list[Node], STOP_EARLY] = []
    outputs: Annotated[list[OutputItem], Field(min_length=1), STOP_EARLY]
    """Bare references, or `{"name": ..., "from": ...}`."""

    def input_names(self) -> list[str]:
        """Return the name of each input, in order."""
        return [item.name for item in self.inputs]

    def output_names(self) -> list[str]:
        """Return the name of each output, in order."""
        return [name for name, _ in self.named_outputs()]

    def named_outputs(self) -> list[tuple[str, str]]:
        """Return the name and the reference of each output, in order."""
        return [
            (item, item) if isinstance(item, str) else (item.name, item.source)
            for item in self.outputs
        ]


GraphOrId = Annotated[
    Annotated[GraphId, Tag("<text>")] | Annotated[GraphDefinition, Tag("<object>")],
    Discriminator(_find_text_or_object_tag),
]


class Reference(NamedTuple):
    """A reference: `"lstm:1"` is pick `1` of node `lstm`; a bare name has no pick."""

    target: str
    pick: str | None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Split a text at the first colon; names contain no colon."""
        target, colon, pick = text.partition(":")
        return cls(target, pick if colon else None)


class Blueprint(Contract):
    """A definition with everything that is needed to build its model; it names no stored graph."""

    definition: GraphDefinition
    sources: "dict[ModelId, Blueprint]" = {}
    """The blueprint of each model that the definition uses as a layer."""


GraphLayer.model_rebuild()
_layer_or_name: TypeAdapter[LayerObject | str] = TypeAdapter(LayerOrName)


def walk_layer_values(layer: KerasLayer) -> Iterator[tuple[tuple[str | int, ...], JsonValue]]:
    """Yield the unparsed layers and names in a wrapper's arguments, each with its place."""
    for argument in sorted(LAYER_ARGUMENTS & layer.config.keys()):
        value = layer.config[argument]
        if isinstance(value, list):
            yield from ((("config", argument, i), item) for i, item in enumerate(value))
        elif value is not None:
            yield ("config", argument), value


def parse_layer(value: JsonValue) -> "LayerObject | str":
    """Parse the JSON of a layer argument: a layer object or the name of a shared layer.

    Raises:
        pydantic.ValidationError: The value is neither.
    """
    return _layer_or_name.validate_python(value)
