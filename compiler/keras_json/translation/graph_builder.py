"""A graph put together: inputs, shared layers, nodes and outputs, each with its origin."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from compiler.catalogue.op_faults import op_faults
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
    """A graph, and how calls of it name what goes in and out."""

    part: Fragment
    """The definition."""
    input_names: Any
    """In the lists and mappings in which Keras takes the tensors."""
    layer_names: Mapping[str, str]
    """The same by Keras's names of the input layers, in Keras's order."""
    outputs: tuple[str, ...]
    """The names of the outputs, in Keras's order."""


class GraphBuilder:
    """Makes the graph of one model, once its layers have been read."""

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
        self._bound = dict(self._all_bound())
        self._uses = TensorUses(model, callees, self._bound)
        live = self._uses.live()
        self._calls = [key for key in self._bound if key in live]
        self._graph_names = choose_names(model, self._calls, names)
        graphs = {n: c.outputs for n, c in callees.items() if isinstance(c, NestedGraph)}
        self._missing = {
            layer.name
            for layer in model.layers.values()
            if not is_input_layer(layer) and (layer.name, 0) not in self._bound
        }
        self._references = References(self._graph_names, self._uses.several(), graphs)

    def graph(self) -> Graph:
        """The graph; the faults of its parts have been gathered."""
        inputs = [
            part
            for layer, name in self._graph_names.inputs.items()
            if (part := self._try(partial(translate_input, self._model.layers[layer], name)))
        ]
        layers = {
            name: self._callees[layer].part
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
        counted = [tensor.place for _, tensor in keyed_tensors(self._model.outputs)]
        return Graph(
            definition_fragment(inputs, layers, nodes, list(outputs.values())),
            _renamed(self._model.inputs, names),
            names,
            tuple(_name_of(outputs[place]) for place in counted if place in outputs),
        )

    def _try(self, make: Callable[[], T]) -> T | None:
        return self._collector.attempt(make)

    def _all_bound(self) -> Iterator[tuple[CallKey, BoundArguments]]:
        for layer in self._model.layers.values():
            if not is_input_layer(layer) and not (layer.calls or layer.spec.get("inbound_nodes")):
                self._try(partial(_never_called, layer))
            callee = self._callees.get(layer.name)
            for i, call in enumerate(layer.calls if callee else ()):
                found = self._try(partial(self._bound_call, callee, call)) if callee else None
                if found:
                    yield (layer.name, i), found

    def _bound_call(self, callee: Callee, call: Call) -> BoundArguments:
        if isinstance(callee, NestedGraph):
            self._masks.check_mask(call)
        return callee.bind(call)

    def _node(self, name: str, number: int) -> Fragment:
        layer, callee = self._model.layers[name], self._callees[name]
        arguments = self._bound[name, number]
        references = {
            n: self._references.replace_tensors(g.value) for n, g in arguments.tensors.items()
        }
        place = layer.calls[number].place
        constants = {name: given.value for name, given in arguments.constants.items()}
        room = "config" if isinstance(callee, Function) else "call"
        value = {
            "name": self._graph_names.nodes[name, number],
            **self._called(name),
            "inputs": callee.inputs(references),
            **({room: constants} if constants else {}),
        }
        places: dict[Place, Place] = {
            (): layer.place,
            ("name",): (*layer.place, "name"),
            ("op",): (*layer.place, "class_name"),
            ("inputs",): place,
            (room,): place,
            **{(room, n): given.place for n, given in arguments.constants.items()},
            **(callee.part.under("layer") if name not in self._shared else {}),
        }
        made = Fragment(value, places)
        if isinstance(callee, Function):
            found = op_faults(OpNode.model_validate(value), ())
            self._collector.faults += made.source.locate_all(found)
        return made

    def _called(self, name: str) -> dict[str, Any]:
        callee = self._callees[name]
        if isinstance(callee, Function):
            return {"op": callee.operation.op.name}
        return {"layer": self._shared.get(name, callee.part.value)}

    def _outputs(self) -> Iterator[tuple[Place, Fragment]]:
        """By their places in the document, in whose order they stay."""
        taken = UniqueNames()
        for key, tensor in keyed_tensors(self._model.outputs, list):
            make = partial(self._output, key, tensor, taken)
            if tensor.layer not in self._missing and (part := self._try(make)):
                yield tensor.place, part

    def _output(self, key: str | None, tensor: Tensor, taken: UniqueNames) -> Fragment:
        reference = self._references.to(tensor)
        target = reference.partition(":")[0]
        name = taken.apart(target if key is None else self._names.of(key))
        value = name if name == reference else {"name": name, "from": reference}
        return Fragment(value, {(): tensor.place, ("name",): tensor.place, ("from",): tensor.place})


def _name_of(output: Fragment) -> str:
    return str(output.value if isinstance(output.value, str) else output.value["name"])


def _never_called(layer: Layer) -> Fragment:
    raise invalid_at(layer.place, f"The layer '{layer.name}' is never called in this model.")


def _renamed(structure: Any, names: Mapping[str, str]) -> Any:
    if isinstance(structure, Tensor):
        return names[structure.layer]
    if isinstance(structure, dict):
        return {key: _renamed(item, names) for key, item in structure.items()}
    return [_renamed(item, names) for item in structure]
