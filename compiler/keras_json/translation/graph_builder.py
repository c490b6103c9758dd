"""Builds a graph of inputs, shared layers, nodes and outputs, each with its origin."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from compiler.catalogue.op_faults import find_op_faults
from compiler.keras_json.parsing.document import FaultCollector, invalid_at
from compiler.keras_json.parsing.model_config import is_input_layer
from compiler.keras_json.parsing.parsed_model import Call, Layer, Model, Tensor
from compiler.keras_json.translation.arguments import BoundArguments
from compiler.keras_json.translation.callees import (
    Callee,
    Function,
    NestedGraph,
)
from compiler.keras_json.translation.fragment import Fragment, definition_fragment
from compiler.keras_json.translation.inputs import translate_input
from compiler.keras_json.translation.masks import Masks
from compiler.keras_json.translation.names import (
    CallKey,
    NameMap,
    UniqueNames,
    choose_names,
    keyed_tensors,
)
from compiler.keras_json.translation.references import References, TensorUses
from domain.graph.language import OpNode
from domain.graph.walk import Place

T = TypeVar("T")


class Graph(NamedTuple):
    """A graph, with the names of its inputs and outputs for calls of it."""

    definition: Fragment
    input_names: Any
    """The names of the inputs, in the lists and mappings in which Keras takes the tensors."""
    layer_names: Mapping[str, str]
    """The names of the inputs, by Keras's names of the input layers, in Keras's order."""
    outputs: tuple[str, ...]
    """The names of the outputs, in Keras's order."""


class GraphBuilder:
    """Builds the graph of one model from its translated layers."""

    def __init__(
        self,
        model: Model,
        callees: Mapping[str, Callee],
        shared: Mapping[str, str],
        names: NameMap,
        collector: FaultCollector,
    ) -> None:
        self._model, self._callees, self._shared = model, callees, shared
        self._names, self._collector = names, collector
        self._masks = Masks(model)
        self._arguments = dict(self._bind_calls())
        self._uses = TensorUses(model, callees, self._arguments)
        needed = self._uses.needed_calls()
        self._calls = [key for key in self._arguments if key in needed]
        self._graph_names = choose_names(model, self._calls, names)
        graphs = {n: c.outputs for n, c in callees.items() if isinstance(c, NestedGraph)}
        self._missing = {
            layer.name
            for layer in model.layers.values()
            if not is_input_layer(layer) and (layer.name, 0) not in self._arguments
        }
        multiple = self._uses.calls_with_multiple_outputs()
        self._references = References(self._graph_names, multiple, graphs)

    def graph(self) -> Graph:
        """Return the graph; the faults of its parts go to the collector."""
        inputs = [
            part
            for layer, name in self._graph_names.inputs.items()
            if (part := self._try(partial(translate_input, self._model.layers[layer], name)))
        ]
        layers = {
            name: self._callees[layer].layer
            for layer, name in self._shared.items()
            if layer in self._callees and not isinstance(self._callees[layer], Function)
        }
        nodes = [
            part
            for key in self._calls
            if not any(tensor.layer in self._missing for tensor in self._uses.tensors(key))
            and (part := self._try(partial(self._node, *key)))
        ]
        outputs = dict(self._outputs())
        names = self._graph_names.inputs
        in_keras_order = [tensor.place for _, tensor in keyed_tensors(self._model.outputs)]
        return Graph(
            definition_fragment(inputs, layers, nodes, list(outputs.values())),
            _replace_by_names(self._model.inputs, names),
            names,
            tuple(_output_name(outputs[place]) for place in in_keras_order if place in outputs),
        )

    def _try(self, make: Callable[[], T]) -> T | None:
        return self._collector.attempt(make)

    def _bind_calls(self) -> Iterator[tuple[CallKey, BoundArguments]]:
        for layer in self._model.layers.values():
            if not is_input_layer(layer) and not (layer.calls or layer.spec.get("inbound_nodes")):
                self._try(partial(_refuse_uncalled, layer))
            callee = self._callees.get(layer.name)
            for i, call in enumerate(layer.calls if callee else ()):
                found = self._try(partial(self._bind_call, callee, call)) if callee else None
                if found:
                    yield (layer.name, i), found

    def _bind_call(self, callee: Callee, call: Call) -> BoundArguments:
        if isinstance(callee, NestedGraph):
            self._masks.check_mask(call)
        return callee.bind(call)

    def _node(self, name: str, number: int) -> Fragment:
        layer, callee = self._model.layers[name], self._callees[name]
        arguments = self._arguments[name, number]
        references = {
            n: self._references.replace_tensors(g.value) for n, g in arguments.tensors.items()
        }
        place = layer.calls[number].place
        constants = {name: given.value for name, given in arguments.constants.items()}
        field = "config" if isinstance(callee, Function) else "call"
        value = {
            "name": self._graph_names.nodes[name, number],
            **self._op_or_layer(name),
            "inputs": callee.inputs(references),
            **({field: constants} if constants else {}),
        }
        places: dict[Place, Place] = {
            (): layer.place,
            ("name",): (*layer.place, "name"),
            ("op",): (*layer.place, "class_name"),
            ("inputs",): place,
            (field,): place,
            **{(field, n): given.place for n, given in arguments.constants.items()},
            **(callee.layer.under("layer") if name not in self._shared else {}),
        }
        made = Fragment(value, places)
        if isinstance(callee, Function):
            found = find_op_faults(OpNode.model_validate(value), ())
            self._collector.add(map(made.source.locate, found))
        return made

    def _op_or_layer(self, name: str) -> dict[str, Any]:
        """Return the field of a node that says what it calls."""
        callee = self._callees[name]
        if isinstance(callee, Function):
            return {"op": callee.operation.op.name}
        return {"layer": self._shared.get(name, callee.layer.value)}

    def _outputs(self) -> Iterator[tuple[Place, Fragment]]:
        """Yield the outputs with their places in the document, in the document's order."""
        names = UniqueNames()
        for key, tensor in keyed_tensors(self._model.outputs, list):
            make = partial(self._output, key, tensor, names)
            if tensor.layer not in self._missing and (part := self._try(make)):
                yield tensor.place, part

    def _output(self, key: str | None, tensor: Tensor, names: UniqueNames) -> Fragment:
        reference = self._references.reference_to(tensor)
        node = reference.partition(":")[0]
        name = names.make_unique(node if key is None else self._names.graph_name(key))
        value = name if name == reference else {"name": name, "from": reference}
        return Fragment(value, {(): tensor.place, ("name",): tensor.place, ("from",): tensor.place})


def _output_name(output: Fragment) -> str:
    return str(output.value if isinstance(output.value, str) else output.value["name"])


def _refuse_uncalled(layer: Layer) -> Fragment:
    raise invalid_at(layer.place, f"The layer '{layer.name}' is never called in this model.")


def _replace_by_names(structure: Any, names: Mapping[str, str]) -> Any:
    """Return the lists and mappings with each tensor replaced by the name of its input."""
    if isinstance(structure, Tensor):
        return names[structure.layer]
    if isinstance(structure, dict):
        return {key: _replace_by_names(item, names) for key, item in structure.items()}
    return [_replace_by_names(item, names) for item in structure]
