"""Translates serialized layers to layer objects: Keras's own types only, without defaults."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from compiler.catalogue.families import family_of
from compiler.catalogue.layers import CATALOGUE, Entry, find_layer_faults
from compiler.keras_json.parsing import keras_2
from compiler.keras_json.parsing.document import FaultCollector, expect, invalid_at
from compiler.keras_json.parsing.ignored_arguments import is_ignorable
from compiler.keras_json.parsing.model_config import is_model
from compiler.keras_json.parsing.values import dtype_name, is_default, parse_component, untag
from compiler.keras_json.translation.fragment import Fragment
from domain.graph.language import LAYER_ARGUMENTS, KerasLayer
from domain.graph.walk import Place

_ROOTS = frozenset({"keras", "keras_core", "tf_keras", "tensorflow", "tensorflow_core", "builtins"})
_POLICIES = ("dtype", "reverse_dtype", "vocabulary_dtype")
_INTEGER_LAYERS = frozenset({"HashedCrossing"})
"""Layers whose default dtype is an integer."""


@dataclass(frozen=True)
class Context:
    """What the models around a layer determine for it."""

    shared: frozenset[str] = frozenset()
    """Names of the enclosing graphs' shared layers. An inner graph must not reuse them."""
    is_frozen: bool = False
    """Whether a model around the layer has `trainable` false."""

    def within(self, config: Any, shared: Iterable[str]) -> "Context":
        """Return the context of the layers inside a model.

        Keras ignores `trainable` in the config of a sequential model.

        Args:
            config: The model's config.
            shared: The names of the model's own shared layers.
        """
        is_functional = isinstance(config, dict) and "input_layers" in config
        is_frozen = is_functional and config.get("trainable") is False
        return Context(self.shared.union(shared), self.is_frozen or is_frozen)


GraphMaker = Callable[[dict[str, Any], Place, Context], Fragment]


def keras_class_name(spec: Mapping[str, Any], place: Place) -> str:
    """Return the class name of a serialized layer of Keras.

    Raises:
        Invalid: The layer has no class name, or its class is not one of Keras's.
    """
    kind = expect(spec.get("class_name"), str, (*place, "class_name"))
    module, registered = spec.get("module"), spec.get("registered_name")
    if isinstance(registered, str) and ">" in registered:
        raise invalid_at((*place, "registered_name"), f"'{kind}' is a custom class. {_CUSTOM}")
    if isinstance(module, str) and module.partition(".")[0] not in _ROOTS:
        raise invalid_at((*place, "module"), f"'{kind}' is a custom class. {_CUSTOM}")
    return kind


_CUSTOM = "A graph accepts Keras's own layers only: the server runs no code of a client."


class LayerTranslator:
    """Translates layers, and the layers inside them."""

    def __init__(self, collector: FaultCollector, make_graph: GraphMaker) -> None:
        self._collector = collector
        self._make_graph = make_graph

    def layer(self, spec: Any, place: Place, context: Context) -> Fragment:
        """Return the layer object of one serialized layer.

        Raises:
            Invalid: A graph cannot express the layer.
        """
        spec = expect(spec, dict, place)
        kind = keras_class_name(spec, place)
        if is_model(spec):
            return self._make_graph(spec, place, context)
        entry = _entry(kind, place)
        config = self._config(kind, entry, spec, place, context)
        places = {
            (): place,
            ("type",): (*place, "class_name"),
            ("config",): (*place, "config"),
            **config.under("config"),
        }
        made = Fragment({"type": entry.type, "config": config.value}, places)
        described = KerasLayer(type=entry.type, config=config.value)
        self._collector.add(map(made.source.locate, find_layer_faults(described, ())))
        return made

    def _config(
        self, kind: str, entry: Entry, spec: dict[str, Any], place: Place, context: Context
    ) -> Fragment:
        where = (*place, "config")
        given = expect(spec.get("config", {}), dict, where)
        values = {n: v for n, v in keras_2.implied_arguments(kind).items() if n not in given}
        places: dict[Place, Place] = {}
        for argument, value in given.items():
            read = partial(self._argument, kind, entry, argument, value, where, context)
            for name, made in self._collector.attempt(read) or ():
                values[name] = made.value
                places |= {(name,): (*where, argument), **made.under(name)}
        if context.is_frozen and "trainable" in entry.arguments:
            values["trainable"] = False
        if entry.type == "Bidirectional" and _has_default_backward_layer(values):
            del values["backward_layer"]
        return Fragment(values, places)

    def _argument(
        self, kind: str, entry: Entry, argument: str, value: Any, place: Place, context: Context
    ) -> list[tuple[str, Fragment]]:
        """Return the argument with its name in Keras 3; an empty list if it is the default."""
        name = keras_2.current_name(kind, argument)
        known = entry.arguments.get(name)
        if argument == "name":
            return []
        if known is None:
            plain = dtype_name(value, (*place, argument)) if argument == "dtype" else untag(value)
            return [] if is_ignorable(kind, argument, plain) else [(name, Fragment(plain))]
        made = self._value(kind, name, value, (*place, argument), context)
        if is_default(known, made.value) or _is_default_dtype(entry, name, made.value):
            return []
        return [(name, made)]

    def _value(self, kind: str, name: str, value: Any, place: Place, context: Context) -> Fragment:
        family = family_of(name)
        if name in LAYER_ARGUMENTS and value is not None:
            return self._inner_layers(value, place, context)
        if name in _POLICIES:
            return Fragment(dtype_name(value, place))
        if family:
            return Fragment(parse_component(family, value))
        return Fragment(keras_2.current_value(kind, name, untag(value)))

    def _inner_layers(self, value: Any, place: Place, context: Context) -> Fragment:
        """Return the layer object in an argument of a wrapper, or the list of them."""
        if not isinstance(value, list):
            return self.layer(value, place, context)
        made = [self.layer(item, (*place, i), context) for i, item in enumerate(value)]
        places = [item.under(i) for i, item in enumerate(made)]
        return Fragment([item.value for item in made], {k: v for p in places for k, v in p.items()})


def _entry(kind: str, place: Place) -> Entry:
    if kind in keras_2.REMOVED:
        raise invalid_at(
            (*place, "class_name"), f"'{kind}' cannot be used. {keras_2.REMOVED[kind]}"
        )
    current = keras_2.TYPES.get(kind, kind)
    if current not in CATALOGUE:
        fault = next(find_layer_faults(KerasLayer(type=current), ()))
        raise invalid_at((*place, "class_name"), fault.detail)
    return CATALOGUE[current]


def _is_default_dtype(entry: Entry, argument: str, value: Any) -> bool:
    """Whether the argument is the dtype that the layer has by default."""
    return argument == "dtype" and value == "float32" and entry.type not in _INTEGER_LAYERS


def _has_default_backward_layer(values: Mapping[str, Any]) -> bool:
    """Whether the backward layer is the one that Keras makes by itself."""
    forward, backward = values.get("layer"), values.get("backward_layer")
    if not isinstance(forward, dict) or not isinstance(backward, dict):
        return False
    if "config" not in forward or "config" not in backward:  # a nested graph has no config
        return False
    config = forward["config"]
    reversed_config = {**config, "go_backwards": not config.get("go_backwards", False)}
    return backward["type"] == forward["type"] and reversed_config == {
        "go_backwards": False, **backward["config"]
    }  # fmt: skip
