"""The tensors that a graph gives, by their output names."""

from collections.abc import Mapping
from typing import Any

from compiler.scope import Scope
from compiler.tensors import Board
from domain.errors import Fault, Invalid
from domain.nesting import Place
from domain.pointer import pointer
from domain.shapes import shown


def outputs_of(scope: Scope, board: Board) -> tuple[dict[str, Any], list[Fault]]:
    """The outputs whose nodes were called, and what is wrong with the picks of others."""
    outputs: dict[str, Any] = {}
    faults: list[Fault] = []
    for i, (name, text) in enumerate(scope.definition.named_outputs()):
        if board.has(text):
            try:
                outputs[name] = board.read(text, _place(scope, i))
            except Invalid as refusal:
                faults += refusal.faults
    return outputs, faults


def refuse_without_rows(scope: Scope, outputs: Mapping[str, Any]) -> None:
    """See that every output of the outermost graph gives something for each row.

    Raises:
        Invalid: a function has done away with the first axis, or made it of a known length.
    """
    faults = [
        Fault(
            pointer=pointer(*_place(scope, i)),
            detail="The first axis of an output are the rows, of unknown number; the shape of "
            f"'{name}' is {shown(tensor.shape)}.",
        )
        for i, (name, tensor) in enumerate(outputs.items())
        if tensor.shape[:1] != (None,)
    ]
    if faults:
        raise Invalid(faults)


def _place(scope: Scope, index: int) -> Place:
    bare = isinstance(scope.definition.outputs[index], str)
    return (*scope.place, "outputs", index, *(() if bare else ("from",)))
