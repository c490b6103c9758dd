"""Parses `inbound_nodes`, the arguments of calls, as Keras 3 or Keras 2 writes them."""

from collections.abc import Collection
from typing import Any

from compiler.catalogue.kinds.constants import CONSTANT, constant_of
from compiler.keras_json.parsing.document import as_whole, expect, invalid_at
from compiler.keras_json.parsing.parsed_model import Call, CallArgument, Tensor
from compiler.keras_json.parsing.values import is_array, untag
from domain.graph.walk import Place

_CONSTANT = "_CONSTANT_VALUE"


def parse_call(node: Any, place: Place, layers: Collection[str], keeps_lists: bool) -> Call:
    """Parse one entry of a layer's `inbound_nodes`.

    Args:
        node: Keras 3's object with `args` and `kwargs`, or Keras 2's lists.
        place: The entry's place in the document.
        layers: The names of the model's layers. In Keras 2's keyword arguments, a list that
            starts with one of them is a tensor reference.
        keeps_lists: Whether the layer distinguishes a tensor from a list of one tensor. Keras 2
            only.

    Raises:
        Invalid: The entry has neither form.
    """
    if isinstance(node, list):
        return _Keras2Reader(layers).call(node, place, keeps_lists)
    if isinstance(node, dict) and not {"args", "kwargs"} & node.keys():
        return _Keras2Reader(layers).call(node, place, keeps_lists)
    node = expect(node, dict, place)
    args = expect(untag_list(node.get("args", [])), list, (*place, "args"))
    kwargs = expect(node.get("kwargs", {}), dict, (*place, "kwargs"))
    return Call(
        [
            CallArgument(deserialize(value, (*place, "args", i)), (*place, "args", i))
            for i, value in enumerate(args)
        ],
        {
            name: CallArgument(
                deserialize(value, (*place, "kwargs", name)), (*place, "kwargs", name)
            )
            for name, value in kwargs.items()
        },
        place,
    )


def untag_list(value: Any) -> Any:
    """Return the items of a tagged tuple, any other value as it is."""
    is_tagged = isinstance(value, dict) and value.get("class_name") == "__tuple__"
    return value.get("items") if is_tagged else value


def is_tensor_reference(value: Any) -> bool:
    """Whether the value is `[layer, call, index]`, with or without keyword arguments."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(type(as_whole(number)) is int for number in value[1:3])
    )


def parse_tensor(leaf: Any, place: Place) -> Tensor:
    """Parse a tensor reference `[layer, call, index]`.

    Raises:
        Invalid: The value is not a tensor reference.
    """
    if not is_tensor_reference(leaf):
        raise invalid_at(place, "This must be a list of a layer's name and two whole numbers.")
    return Tensor(leaf[0], int(leaf[1]), int(leaf[2]), place)


def deserialize(value: Any, place: Place) -> Any:
    """Convert a serialized value of Keras 3: parse tensors, remove the tags of other objects.

    Raises:
        Invalid: The value has a slice, an array or a tensor that a graph cannot express.
    """
    value = untag_list(value)
    if isinstance(value, list):
        return [deserialize(item, (*place, i)) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if value.get("class_name") == "__keras_tensor__":
        history = config.get("keras_history") if isinstance(config, dict) else None
        return parse_tensor(history, (*place, "config", "keras_history"))
    if value.get("class_name") == "__ellipsis__":
        return "..."
    if value.get("class_name") == "__slice__":
        return _slice(expect(config, dict, (*place, "config")), (*place, "config"))
    if is_array(value):
        return _array(value, place)
    return {key: deserialize(item, (*place, key)) for key, item in value.items()}


def _slice(parts: dict[str, Any], place: Place) -> str:
    """Write a slice as Python does, e.g. `1:-1` or `::2`."""
    numbers = [as_whole(parts.get(name)) for name in ("start", "stop", "step")]
    if not all(number is None or type(number) is int for number in numbers):
        raise invalid_at(place, "The parts of a slice must be whole numbers or null.")
    start, stop, step = ("" if number is None else str(number) for number in numbers)
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def _array(value: Any, place: Place) -> Any:
    """Convert a serialized array to a constant of the graph language."""
    where, config = (*place, "config"), value["config"]
    dtype = expect(config.get("dtype", ""), str, (*where, "dtype"))
    written = {"dtype": dtype, "value": config.get("value")}
    if not CONSTANT.accepts(written):
        raise invalid_at(where, f"A constant must be {CONSTANT.wanted}.")
    return constant_of(**written)


class _Keras2Reader:
    """Parses calls as Keras 2 writes them: `[["dense", 0, 0, {keyword arguments}], ...]`."""

    def __init__(self, layers: Collection[str]) -> None:
        self._layers = layers

    def call(self, node: Any, place: Place, keeps_lists: bool) -> Call:
        found: dict[str, CallArgument] = {}
        first = self._first(node, place, found)
        if isinstance(first, list) and len(first) == 1 and not keeps_lists:
            first = first[0]
        return Call([CallArgument(first, place)], found, place, is_keras_2=True)

    def _first(self, value: Any, place: Place, kwargs: dict[str, CallArgument]) -> Any:
        """Parse the first argument; collect the keyword arguments beside each of its tensors."""
        if isinstance(value, dict):
            return {key: self._first(item, (*place, key), kwargs) for key, item in value.items()}
        value = expect(value, list, place)
        if not value or not isinstance(value[0], str):
            return [self._first(item, (*place, i), kwargs) for i, item in enumerate(value)]
        if len(value) == 4:
            given = expect(value[3], dict, (*place, 3))
            kwargs |= {
                name: CallArgument(self._argument(item, (*place, 3, name)), (*place, 3, name))
                for name, item in given.items()
            }
        if value[0] == _CONSTANT and len(value) > 2:
            return untag(value[2])
        return parse_tensor(value, place)

    def _argument(self, value: Any, place: Place) -> Any:
        value = untag_list(value)
        if is_tensor_reference(value) and value[0] in self._layers:
            return parse_tensor(value, place)
        if isinstance(value, list):
            return [self._argument(item, (*place, i)) for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"start", "stop", "step"}:
            return _slice(value, place)
        if value.get("class_name") == "__ellipsis__":
            return "..."
        return untag(value)
