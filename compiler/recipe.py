"""Optimizers, losses, metrics, schedules and callbacks: from name or type and config to Keras."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any

import keras

from compiler.arguments import Argument
from compiler.components import Component as Described
from compiler.components import config_faults, misuse, plain_value, unknown
from compiler.messages import attributed
from domain.errors import Fault, Invalid
from domain.nesting import Place
from domain.pointer import pointer
from domain.recipe import Component, NameOrComponent


@dataclass(frozen=True)
class Family:
    """One kind of component and its allow-list."""

    noun: str
    classes: Mapping[str, Any]
    names: frozenset[str] = frozenset()
    """What a bare name may be; Keras resolves it, by the shapes where that matters."""

    def faults(self, spec: NameOrComponent, place: Place) -> list[Fault]:
        """All that is wrong with a component's name and config at `place`."""
        if isinstance(spec, str):
            known = dict.fromkeys(sorted(self.names or self.classes))
            if spec in known:
                return self._without_config(spec, place)
            return [Fault(pointer=pointer(*place), detail=unknown(spec, known, self.noun))]
        if spec.type not in self.classes:
            detail = unknown(spec.type, self.classes, self.noun)
            return [Fault(pointer=pointer(*place, "type"), detail=detail)]
        cls = self.classes[spec.type]
        return [*config_faults(cls, spec.config, (*place, "config"), check=_value_faults)]

    def _without_config(self, name: str, place: Place) -> list[Fault]:
        """The arguments that a bare name leaves out."""
        if name not in self.classes:
            return []
        missing = config_faults(self.classes[name], {}, (*place, "config"))
        return [Fault(pointer=pointer(*place), detail=fault.detail) for fault in missing]

    def make(self, spec: NameOrComponent, place: Place) -> Any:
        """A new Keras object, or the name itself where Keras is to resolve it.

        Raises:
            Invalid: an unknown name, or a config that Keras refuses.
        """
        faults = self.faults(spec, place)
        if faults:
            raise Invalid(faults)
        if isinstance(spec, str):
            return spec if self.names else self.classes[spec]()
        with attributed((*place, "config")):
            config = {name: _resolved(name, value) for name, value in spec.config.items()}
            return self.classes[spec.type](**config)


def _classes(module: ModuleType, base: type, without: Iterable[str] = ()) -> dict[str, Any]:
    members = inspect.getmembers(module, inspect.isclass)
    return {
        name: cls
        for name, cls in members
        if issubclass(cls, base) and cls is not base and name not in without
    }


def _functions(module: ModuleType) -> set[str]:
    names = {name for name, _ in inspect.getmembers(module, inspect.isfunction)}
    return names - {"get", "serialize", "deserialize"}


_SHORT = frozenset(("mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE"))
_OPTIMIZERS = _classes(
    keras.optimizers,
    keras.optimizers.Optimizer,
    without=("LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"),
)
_LOSSES = _classes(keras.losses, keras.losses.Loss)
_METRICS = {
    name: cls
    for name, cls in _classes(keras.metrics, keras.metrics.Metric).items()
    if "y_true" in inspect.signature(cls.update_state).parameters and name != "MeanMetricWrapper"
}
_CALLBACKS = ("EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN")

OPTIMIZERS = Family(
    "optimizer", MappingProxyType(_OPTIMIZERS | {n.lower(): c for n, c in _OPTIMIZERS.items()})
)
LOSSES = _classes(keras.losses, keras.losses.Loss)
_METRICS = {
    name: cls
    for name, cls in _classes(keras.metrics, keras.metrics.Metric).items()
    if "y_true" in inspect.signature(cls.update_state).parameters and name != "MeanMetricWrapper"
}
_CALLBACKS = ("EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN")

OPTIMIZERS = Family(
    "optimizer", MappingProxyType(_OPTIMIZERS | {n.lower(): c for n, c in _OPTIMIZERS.items()})
)
_UNRESOLVED = frozenset(
    (
        "CategoricalGeneralizedCrossEntropy",
        "categorical_generalized_cross_entropy",
    )
)
"""What Keras's modules hold, yet does not know by name."""
LOSSES = Family(
    "loss",
    MappingProxyType(_LOSSES),
    (_SHORT | {"kld", "KLD", "crossentropy", "ce"} | _LOSSES.keys() | _functions(keras.losses))
    - {"CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"},
)
METRICS = Family(
    "metric",
    MappingProxyType(_METRICS),
    (_SHORT | {"accuracy", "acc"} | _METRICS.keys() | _functions(keras.metrics))
    - {"binary_focal_crossentropy", "categorical_focal_crossentropy", "huber", "log_cosh"},
)
"""Of each module's functions and classes, less those that Keras does not know by name."""
SCHEDULES = Family(
    "learning rate schedule",
    MappingProxyType(
        _classes(keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule)
    ),
)
CALLBACKS = Family(
    "callback", MappingProxyType({name: getattr(keras.callbacks, name) for name in _CALLBACKS})
)


def optimizer(spec: NameOrComponent, place: Place = ()) -> Any:
    """A new `keras.optimizers.Optimizer`.

    Raises:
        Invalid: it is unknown, or its config does not fit; pointers begin at `place`.
    """
    return OPTIMIZERS.make(spec, place)


def loss(spec: NameOrComponent, place: Place = ()) -> Any:
    """A new `keras.losses.Loss`, or a name that Keras's `compile` knows.

    Raises:
        Invalid: it is unknown, or its config does not fit; pointers begin at `place`.
    """
    return LOSSES.make(spec, place)


def metric(spec: NameOrComponent, place: Place = ()) -> Any:
    """A new `keras.metrics.Metric`, or a name that Keras's `compile` knows.

    Raises:
        Invalid: it is unknown, or its config does not fit; pointers begin at `place`.
    """
    return METRICS.make(spec, place)


def callback(spec: NameOrComponent, place: Place = ()) -> Any:
    """A new `keras.callbacks.Callback`.

    Raises:
        Invalid: it is unknown, or its config does not fit; pointers begin at `place`.
    """
    return CALLBACKS.make(spec, place)


def _value_faults(argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
    if argument.name != "learning_rate" or not isinstance(value, dict):
        yield from plain_value(argument, value, place)
        return
    reason = misuse(value, SCHEDULES.noun)
    if reason:
        yield Fault(pointer=pointer(*place), detail=reason)
    else:
        yield from SCHEDULES.faults(_schedule(value), place)


def _resolved(name: str, value: Any) -> Any:
    """A schedule's object where a config describes one; any other value as it is."""
    if name == "learning_rate" and isinstance(value, dict):
        return SCHEDULES.make(_schedule(value), (name,))
    return value


def _schedule(value: Mapping[str, Any]) -> Component:
    described = Described.of(value)
    return Component(type=described.type, config=described.config)
