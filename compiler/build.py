"""From a blueprint to a Keras model, in one topological pass."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from compiler.calls import call_of
from compiler.catalogue import definition_faults
from compiler.layers import LayerMaker
from compiler.ledger import Ledger, Source
from compiler.messages import attributed
from compiler.meter import Meter, tensor_bytes
from compiler.scope import Made, Scope
from compiler.tensors import Board, Tensors
from domain.errors import Fault, Invalid
from domain.graph import Blueprint, Node
from domain.nesting import Place
from domain.topology import ordered

_FRAMES = 200_000
"""Keras walks a model recursively, some frames for each node of a chain."""


@dataclass(frozen=True)
class Called:
    """A node after its call."""

    layer: Made
    tensors: tuple[Any, ...]
    activation_bytes: int
    """Of one row; of a graph or model, with the nodes inside it."""


@dataclass(frozen=True)
class Built:
    """A Keras model with all that Graphfit knows of it."""

    blueprint: Blueprint
    model: Any
    """`keras.Model([inputs in graph order], {output name: tensor})`."""
    variables: Mapping[str, Any]
    """Every variable once by Graphfit's own key, seed states included."""
    sources: tuple[Source, ...]
    """The trained models used as layers, and where their weights belong."""
    nodes: Mapping[str, Called]
    """Of the outermost graph, in the order of the document."""


def build(blueprint: Blueprint, seed: int | None, meter: Meter | None = None) -> Built:
    """Build a model whose initial weights equal those of the same Keras script.

    Args:
        blueprint: A structurally sound graph (`domain.rules` finds no fault in it).
        seed: For `keras.utils.set_random_seed`; None leaves the random state as it is.
        meter: Stops the build at the node that goes over a limit.

    Raises:
        Invalid: configs, calls or shapes that Keras refuses, each with its pointer.
    """
    faults = definition_faults(blueprint.definition)
    if faults:
        raise Invalid(faults)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    scope = Scope(blueprint.definition, blueprint.sources)
    with _deep_stack():
        graph = GraphPass(Ledger(), meter)
        made, nodes = graph.root(scope)
    variables = graph.ledger.variables(made.keras)
    sources = graph.ledger.sources(variables)
    return Built(blueprint, made.keras, variables, sources, nodes)


class GraphPass:
    """Builds a graph and those nested in it, all entered in one ledger."""

    def __init__(self, ledger: Ledger, meter: Meter | None) -> None:
        self.ledger = ledger
        self._meter = meter
        self._maker = LayerMaker(ledger, self._nested)

    def root(self, scope: Scope) -> tuple[Made, dict[str, Called]]:
        """The outermost model, always with a list of inputs and a dictionary of outputs."""
        inputs, outputs, called = self._run(scope)
        with attributed(scope.place):
            model = keras.Model(inputs, outputs)
        nodes = {node.name: called[node.name] for node in scope.definition.nodes}
        return _made(scope, model, called), nodes

    def _nested(self, scope: Scope, name: str) -> Made:
        """A model as a layer: single tensors go in and come out bare, as wrappers need them."""
        inputs, outputs, called = self._run(scope)
        taken = inputs[0] if len(inputs) == 1 else inputs
        given = next(iter(outputs.values())) if len(outputs) == 1 else outputs
        with attributed(scope.place):
            model = keras.Model(taken, given, name=name)
        return _made(scope, model, called)

    def _run(self, scope: Scope) -> tuple[list[Any], dict[str, Any], dict[str, Called]]:
        """Call every node; what one refuses does not keep the others from being tried."""
        board, called = Board(), dict[str, Called]()
        faults: list[Fault] = []
        inputs = _inputs(scope, board)
        positions = {node.name: i for i, node in enumerate(scope.definition.nodes)}
        for node in ordered(scope.definition):
            if all(board.has(text) for _, text in node.references()):
                try:
                    place = (*scope.place, "nodes", positions[node.name])
                    called[node.name] = self._call(node, positions[node.name], scope, board, place)
                except Invalid as refusal:
                    faults += [f for f in refusal.faults if f not in faults]
        outputs, missing = _outputs(scope, board)
        if faults or missing:
            raise Invalid([*faults, *missing])
        return inputs, outputs, called

    def _call(self, node: Node, index: int, scope: Scope, board: Board, place: Place) -> Called:
        made = self._maker.at_node(scope, index)
        call = call_of(node, made, board, place)
        with attributed(place):
            result = made.keras(*call.args, **call.kwargs)
            tensors = Tensors.of(result, made.outputs)
            size = sum(tensor_bytes(tensor) for tensor in tensors.all)
        if made.activation_bytes is not None:
            size = made.activation_bytes
        if self._meter and (made.activation_bytes is None or not scope.is_copy):
            self._meter.add(made.keras, size, place)
        board.put(node.name, tensors)
        return Called(made, tensors.all, size)


def _made(scope: Scope, model: Any, called: Mapping[str, Called]) -> Made:
    return Made(
        model,
        "Graph",
        inputs=[item.name for item in scope.definition.inputs],
        outputs=[name for name, _ in scope.definition.named_outputs()],
        activation_bytes=sum(node.activation_bytes for node in called.values()),
    )


def _inputs(scope: Scope, board: Board) -> list[Any]:
    tensors = []
    for i, item in enumerate(scope.definition.inputs):
        with attributed((*scope.place, "inputs", i)):
            tensor = keras.Input(item.shape, name=scope.input_names[item.name], dtype=item.dtype)
        board.put(item.name, Tensors.of(tensor))
        tensors.append(tensor)
    return tensors


def _outputs(scope: Scope, board: Board) -> tuple[dict[str, Any], list[Fault]]:
    outputs: dict[str, Any] = {}
    faults: list[Fault] = []
    for i, (name, text) in enumerate(scope.definition.named_outputs()):
        bare = isinstance(scope.definition.outputs[i], str)
        place = (*scope.place, "outputs", i, *(() if bare else ("from",)))
        if board.has(text):
            try:
                outputs[name] = board.read(text, place)
            except Invalid as refusal:
                faults += refusal.faults
    return outputs, faults


@contextmanager
def _deep_stack() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
