"""Makes optimizers, losses, metrics and callbacks of Keras from a name, or a type and a config."""

import inspect
from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import keras

from compiler.catalogue.arguments import arguments_of
from compiler.keras_private import to_snake_case
from compiler.training import left_out
from compiler.training.allow_list import AllowList
from compiler.training.callbacks import LearningRateSchedule, ModelCheckpoint
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


def _snake_case_names(classes: Mapping[str, Any]) -> set[str]:
    """Return the names in snake case of classes that take no arguments, e.g. `auc`."""
    return {
        to_snake_case(name)
        for name, cls in classes.items()
        if not any(argument.is_required for argument in arguments_of(cls).values())
    }


_SHORT = frozenset(("mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE"))
_SCALING = "LossScaleOptimizer"
_OPTIMIZERS = _classes(
    keras.optimizers, keras.optimizers.Optimizer, without=(_SCALING, "MultiOptimizer")
)
_LOSSES = _classes(keras.losses, keras.losses.Loss)
_METRICS = {
    name: cls
    for name, cls in _classes(keras.metrics, keras.metrics.Metric).items()
    if "y_true" in inspect.signature(cls.update_state).parameters and name != "MeanMetricWrapper"
}
_SCHEDULES = _classes(keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule)
_OF_KERAS = ("EarlyStopping", "ReduceLROnPlateau", "SwapEMAWeights", "TerminateOnNaN")
_CALLBACKS = {
    **{name: getattr(keras.callbacks, name) for name in _OF_KERAS},
    "LearningRateSchedule": LearningRateSchedule,
    "ModelCheckpoint": ModelCheckpoint,
}


def _with_lower_case(classes: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({**classes, **{name.lower(): cls for name, cls in classes.items()}})


SCHEDULES = AllowList(
    "learning rate schedule",
    MappingProxyType(_SCHEDULES),
    left_out=left_out.SCHEDULES,
)
_UNSCALED = AllowList(
    "optimizer",
    _with_lower_case(_OPTIMIZERS),
    inner={"learning_rate": SCHEDULES},
    left_out={_SCALING: "It takes an optimizer of another type."},
)
"""The optimizers that LossScaleOptimizer takes."""
OPTIMIZERS = AllowList(
    "optimizer",
    _with_lower_case({**_OPTIMIZERS, _SCALING: keras.optimizers.LossScaleOptimizer}),
    inner={"learning_rate": SCHEDULES, "inner_optimizer": _UNSCALED},
    left_out=left_out.OPTIMIZERS,
)
LOSSES = AllowList(
    "loss",
    MappingProxyType(_LOSSES),
    (_SHORT | {"kld", "KLD", "crossentropy", "ce"} | _LOSSES.keys() | _functions(keras.losses))
    - {"CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"},
    left_out=left_out.LOSSES,
)
METRICS = AllowList(
    "metric",
    MappingProxyType(_METRICS),
    (
        _SHORT
        | {"accuracy", "acc"}
        | _METRICS.keys()
        | _snake_case_names(_METRICS)
        | _functions(keras.metrics)
    )
    - {"binary_focal_crossentropy", "categorical_focal_crossentropy", "huber", "log_cosh"},
    left_out=left_out.METRICS,
)
"""The names are those of the module's classes and functions that `keras.metrics.get` accepts."""
CALLBACKS = AllowList("callback", MappingProxyType(_CALLBACKS), left_out=left_out.CALLBACKS)


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
