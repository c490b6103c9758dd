"""Makes optimizers, losses, metrics and callbacks of Keras from a name, or a type and a config."""

import inspect
from collections.abc import Iterable
from types import MappingProxyType, ModuleType
from typing import Any

import keras

from compiler.training.allow_list import AllowList
from domain.graph.walk import Place
from domain.job.recipe import NameOrComponent


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
_SCHEDULES = _classes(keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule)
_CALLBACKS = ("EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN")

OPTIMIZERS = AllowList(
    "optimizer",
    MappingProxyType(_OPTIMIZERS | {name.lower(): cls for name, cls in _OPTIMIZERS.items()}),
    inner={"learning_rate": AllowList("learning rate schedule", MappingProxyType(_SCHEDULES))},
)
LOSSES = AllowList(
    "loss",
    MappingProxyType(_LOSSES),
    (_SHORT | {"kld", "KLD", "crossentropy", "ce"} | _LOSSES.keys() | _functions(keras.losses))
    - {"CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"},
)
METRICS = AllowList(
    "metric",
    MappingProxyType(_METRICS),
    (_SHORT | {"accuracy", "acc"} | _METRICS.keys() | _functions(keras.metrics))
    - {"binary_focal_crossentropy", "categorical_focal_crossentropy", "huber", "log_cosh"},
)
"""The names are those of the module's classes and functions that `keras.metrics.get` accepts."""
CALLBACKS = AllowList(
    "callback", MappingProxyType({name: getattr(keras.callbacks, name) for name in _CALLBACKS})
)


def make_optimizer(spec: NameOrComponent, place: Place = ()) -> Any:
    """Return a new `keras.optimizers.Optimizer`.

    Raises:
        Invalid: The optimizer is unknown, or Keras refuses its config; pointers start with `place`.
    """
    return OPTIMIZERS.make(spec, place)


def make_loss(spec: NameOrComponent, place: Place = ()) -> Any:
    """Return a new `keras.losses.Loss`, or a name that Keras's `compile` resolves.

    Raises:
        Invalid: The loss is unknown, or Keras refuses its config; pointers start with `place`.
    """
    return LOSSES.make(spec, place)


def make_metric(spec: NameOrComponent, place: Place = ()) -> Any:
    """Return a new `keras.metrics.Metric`, or a name that Keras's `compile` resolves.

    Raises:
        Invalid: The metric is unknown, or Keras refuses its config; pointers start with `place`.
    """
    return METRICS.make(spec, place)


def make_callback(spec: NameOrComponent, place: Place = ()) -> Any:
    """Return a new `keras.callbacks.Callback`.

    Raises:
        Invalid: The callback is unknown, or Keras refuses its config; pointers start with `place`.
    """
    return CALLBACKS.make(spec, place)
