"""The tensors that a graph gives, by their output names."""

from typing import Any

from compiler.model.scope import Scope
from compiler.model.tensors import Board
from domain.errors import Fault, Invalid
from domain.graph.walk import Place


def outputs_of(scope: Scope, board: Board) -> tuple[dict[str, Any], list[Fault]]:
    """The outputs whose nodes were called, and what is wrong with the picks of others."""
    outputs: dict[str, Any] = {}
    faults: list[Fault] = []
    for i, (name, text) in enumerate(scope.definition.named_outputs()):
        if board.has(text):
            try:
                outputs[name] = board.read(text, place_of(scope, i))
            except Invalid as refusal:
                faults += refusal.faults
    return outputs, faults


def place_of(scope: Scope, index: int) -> Place:
    """Where the reference of an output lies."""
    bare = isinstance(scope.definition.outputs[index], str)
    return (*scope.place, "outputs", index, *(() if bare else ("from",)))
