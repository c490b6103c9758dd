"""Serialized layers as layer objects: Keras's own types alone, configs without what goes unsaid."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from compiler.catalogue.families import family_of
from compiler.catalogue.layers import CATALOGUE, Entry, layer_faults
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
_OF_WHOLE_NUMBERS = frozenset({"HashedCrossing"})
"""Layers that compute in whole numbers when they are not told a dtype."""


@dataclass(frozen=True)
class Context:
    """What a layer's surroundings settle for it."""

    shared: frozenset[str] = frozenset()
    """The shared layers of the enclosing graphs: those of no inner one may be called so."""
    is_frozen: bool = False
    """A model around it does not train."""

    def within(self, config: Any, shared: Iterable[str]) -> "Context":
        """What a model, with the layers that it shares, settles for those in it.

        Keras does not read what a sequential model says of its training.
        """
        is_functional = isinstance(config, dict) and "input_layers" in config
        is_frozen = is_functional and config.get("trainable") is False
        return Context(self.shared.union(shared), self.is_frozen or is_frozen)


GraphMaker = Callable[[dict[str, Any], Place, Context], Fragment]


def keras_class_name(spec: Mapping[str, Any], place: Place) -> str:
    """The type of a serialized layer, if it is one of Keras's.

    Raises:
        Invalid: it has none, or is of a class of the client's.
    """
    kind = expect(spec.get("class_name"), str, (*place, "class_name"))
    module, registered = spec.get("module"), spec.get("registered_name")
    if isinstance(registered, str) and ">" in registered:
        raise invalid_at((*place, "registered_name"), f"'{kind}' is a class of yours. {_CUSTOM}")
    if isinstance(module, str) and module.partition(".")[0] not in _ROOTS:
        raise invalid_at((*place, "module"), f"'{kind}' is a class of yours. {_CUSTOM}")
    return kind


_CUSTOM = "A graph holds Keras's own layers alone: no code of the client's runs here."


class LayerTranslator:
    """Reads layers, and those that they hold."""

    def __init__(self, collector: FaultCollector, make_graph: GraphMaker) -> None:
        self._collector = collector
        self._make_graph = make_graph

    def layer(self, spec: Any, place: Place, context: Context) -> Fragment:
        """The layer object of one serialized layer.

        Raises:
            Invalid: it is none that a graph can have.
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
        self._collector.faults += made.source.locate_all(layer_faults(described, ()))
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
        if entry.type == "Bidirectional" and _is_mirrored(values):
            del values["backward_layer"]
        return Fragment(values, places)

    def _argument(
        self, kind: str, entry: Entry, argument: str, value: Any, place: Place, context: Context
    ) -> list[tuple[str, Fragment]]:
        """The argument as Keras 3 calls it; nothing where it goes without saying."""
        name = keras_2.current_name(kind, argument)
        known = entry.arguments.get(name)
        if argument == "name":
            return []
        if known is None:
            told = dtype_name(value, (*place, argument)) if argument == "dtype" else untag(value)
            return [] if is_ignorable(kind, argument, told) else [(name, Fragment(told))]
        made = self._value(kind, name, value, (*place, argument), context)
        if is_default(known, made.value) or _is_usual(entry, name, made.value):
            return []
        return [(name, made)]

    def _value(self, kind: str, name: str, value: Any, place: Place, context: Context) -> Fragment:
        family = family_of(name)
        if name in LAYER_ARGUMENTS and value is not None:
            return self._held(value, place, context)
        if name in _POLICIES:
            return Fragment(dtype_name(value, place))
        if family:
            return Fragment(parse_component(family, value))
        return Fragment(keras_2.current_value(kind, name, untag(value)))

    def _held(self, value: Any, place: Place, context: Context) -> Fragment:
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
        fault = next(layer_faults(KerasLayer(type=current), ()))
        raise invalid_at((*place, "class_name"), fault.detail)
    return CATALOGUE[current]


def _is_usual(entry: Entry, argument: str, value: Any) -> bool:
    """Whether this is the dtype that most layers have when they are not told any."""
    return argument == "dtype" and value == "float32" and entry.type not in _OF_WHOLE_NUMBERS


def _is_mirrored(values: Mapping[str, Any]) -> bool:
    """Whether the backward layer is the one that Keras makes by itself."""
    forward, backward = values.get("layer"), values.get("backward_layer")
    if not isinstance(forward, dict) or not isinstance(backward, dict):
        return False
    if "config" not in forward or "config" not in backward:  # a graph has none
        return False
    turned = {**forward["config"], "go_backwards": not forward["config"].get("go_backwards", False)}
    return backward["type"] == forward["type"] and turned == {
        "go_backwards": False, **backward["config"]
    }  # fmt: skip
