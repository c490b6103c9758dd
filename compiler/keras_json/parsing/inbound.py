"""`inbound_nodes`: the arguments of calls, in the forms of Keras 3 and of Keras 2."""

from collections.abc import Collection
from typing import Any

from compiler.catalogue.kinds.constants import CONSTANT, constant_of
from compiler.keras_json.parsing.calls import Call, Given, Tensor
from compiler.keras_json.parsing.document import expect, refused
from compiler.keras_json.parsing.values import is_array, plain
from domain.graph.walk import Place

_CONSTANT = "_CONSTANT_VALUE"


def call_of(node: Any, place: Place, layers: Collection[str], keeps_lists: bool) -> Call:
    """One entry of a layer's `inbound_nodes`.

    Args:
        node: Keras 3's object of `args` and `kwargs`, or Keras 2's lists.
        place: Where it lies.
        layers: The names of the model's layers: what is called so in Keras 2's keyword
            arguments is a tensor.
        keeps_lists: The layer tells a tensor from a list of one (only in Keras 2).

    Raises:
        Invalid: it is neither form.
    """
    if isinstance(node, list):
        return _Legacy(layers).call(node, place, keeps_lists)
    if isinstance(node, dict) and not {"args", "kwargs"} & node.keys():
        return _Legacy(layers).call(node, place, keeps_lists)
    node = expect(node, dict, place)
    args = expect(plain_list(node.get("args", [])), list, (*place, "args"))
    kwargs = expect(node.get("kwargs", {}), dict, (*place, "kwargs"))
    return Call(
        [
            Given(revived(value, (*place, "args", i)), (*place, "args", i))
            for i, value in enumerate(args)
        ],
        {
            name: Given(revived(value, (*place, "kwargs", name)), (*place, "kwargs", name))
            for name, value in kwargs.items()
        },
        place,
    )


def plain_list(value: Any) -> Any:
    """A list, also where Keras tagged it as a tuple."""
    is_tagged = isinstance(value, dict) and value.get("class_name") == "__tuple__"
    return value.get("items") if is_tagged else value


def is_leaf(value: Any) -> bool:
    """Whether this is `[layer, call, index]`, with or without keyword arguments."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(type(number) is int for number in value[1:3])
    )


def tensor_at(leaf: Any, place: Place) -> Tensor:
    """The tensor that `[layer, call, index]` names.

    Raises:
        Invalid: it is something else.
    """
    if not is_leaf(leaf):
        raise refused(place, "This must be a list of a layer's name and two whole numbers.")
    return Tensor(leaf[0], leaf[1], leaf[2], place)


def revived(value: Any, place: Place) -> Any:
    """A value of Keras 3 with its tags taken off; the tensors in it as tensors.

    Raises:
        Invalid: it holds a tag that no graph can say.
    """
    value = plain_list(value)
    if isinstance(value, list):
        return [revived(item, (*place, i)) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if value.get("class_name") == "__keras_tensor__":
        history = config.get("keras_history") if isinstance(config, dict) else None
        return tensor_at(history, (*place, "config", "keras_history"))
    if value.get("class_name") == "__ellipsis__":
        return "..."
    if value.get("class_name") == "__slice__":
        return _slice(expect(config, dict, (*place, "config")), (*place, "config"))
    if is_array(value):
        return _array(value, place)
    return {key: revived(item, (*place, key)) for key, item in value.items()}


def _slice(parts: dict[str, Any], place: Place) -> str:
    """As in Python: `1:-1`, `::2`."""
    numbers = [parts.get(name) for name in ("start", "stop", "step")]
    if not all(number is None or type(number) is int for number in numbers):
        raise refused(place, "The parts of a slice must be whole numbers or null.")
    start, stop, step = ("" if number is None else str(number) for number in numbers)
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def _array(value: Any, place: Place) -> Any:
    """Keras's form of an array as a graph's; numbers of no such dtype are refused."""
    where, config = (*place, "config"), value["config"]
    dtype = expect(config.get("dtype", ""), str, (*where, "dtype"))
    written = {"dtype": dtype, "value": config.get("value")}
    if not CONSTANT.accepts(written):
        raise refused(where, f"A constant must be {CONSTANT.wanted}.")
    return constant_of(**written)


class _Legacy:
    """Keras 2's form: `[["dense", 0, 0, {keyword arguments}], ...]`."""

    def __init__(self, layers: Collection[str]) -> None:
        self._layers = layers

    def call(self, node: Any, place: Place, keeps_lists: bool) -> Call:
        found: dict[str, Given] = {}
        first = self._first(node, place, found)
        if isinstance(first, list) and len(first) == 1 and not keeps_lists:
            first = first[0]
        return Call([Given(first, place)], found, place, is_legacy=True)

    def _first(self, value: Any, place: Place, kwargs: dict[str, Given]) -> Any:
        """The first argument; the keyword arguments stand beside each tensor of it."""
        if isinstance(value, dict):
            return {key: self._first(item, (*place, key), kwargs) for key, item in value.items()}
        value = expect(value, list, place)
        if not value or not isinstance(value[0], str):
            return [self._first(item, (*place, i), kwargs) for i, item in enumerate(value)]
        if len(value) == 4:
            given = expect(value[3], dict, (*place, 3))
            kwargs |= {
                name: Given(self._argument(item, (*place, 3, name)), (*place, 3, name))
                for name, item in given.items()
            }
        if value[0] == _CONSTANT and len(value) > 2:
            return plain(value[2])
        return tensor_at(value, place)

    def _argument(self, value: Any, place: Place) -> Any:
        value = plain_list(value)
        if is_leaf(value) and value[0] in self._layers:
            return tensor_at(value, place)
        if isinstance(value, list):
            return [self._argument(item, (*place, i)) for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"start", "stop", "step"}:
            return _slice(value, place)
        if value.get("class_name") == "__ellipsis__":
            return "..."
        return plain(value)
