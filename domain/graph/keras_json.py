"""The messages of reading and writing Keras's own JSON, `model.to_json()`."""

from pydantic import Field, JsonValue

from domain.contract import Contract
from domain.errors import Fault
from domain.graph.language import GraphDefinition


class ReadResult(Contract):
    """The graph that Keras's JSON describes, or the faults that prevent reading it."""

    definition: GraphDefinition | None = None
    """None if there are faults."""
    renamed: dict[str, str] = Field(default_factory=dict)
    """Names in Keras's JSON that a graph does not allow, and the names they became."""
    places: dict[str, str] = Field(default_factory=dict)
    """Pointers into the definition, and the pointers into Keras's JSON they come from."""
    faults: list[Fault] = Field(default_factory=list)
    """Their pointers start at the root of Keras's JSON."""


class WriteResult(Contract):
    """Keras's JSON of a graph, or the reasons why Keras cannot express the graph."""

    keras_json: dict[str, JsonValue] | None = None
    """None if there are faults."""
    faults: list[Fault] = Field(default_factory=list)
    """Their pointers start at the root of a graph resource."""
