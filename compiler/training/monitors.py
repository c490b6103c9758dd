"""Checks the metrics that callbacks monitor."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import JsonValue

from compiler.keras_private import find_direction, to_snake_case
from domain.errors import Fault, clip, did_you_mean
from domain.job.fit.callbacks import SCHEDULE, SWAP
from domain.job.recipe import Checkpoints, Component, NameOrComponent, unwrap_optimizer
from domain.job.rules import MONITORS
from domain.json.pointer import pointer

PLATEAU = "ReduceLROnPlateau"
SETTERS = {PLATEAU: "reduce", SCHEDULE: "set"}
"""The callbacks that change the learning rate, with what they do to it."""


class OutputMetric(NamedTuple):
    """A metric of one output, as Keras's `compile` makes it."""

    output: str
    metric: Any
    is_vector: bool
    """Whether it has several values, e.g. one for each class."""
    is_weighted: bool = False
    """Whether sample weights apply."""
    is_numbered: bool = False
    """Whether Keras names it by its class, and numbers those of one class in a training."""


class Logged(NamedTuple):
    """A number, or several, that Keras reports after each epoch."""

    is_vector: bool = False
    has_direction: bool = False
    """Whether Keras knows if a higher or a lower value is better."""


def name_metrics(
    losses: Sequence[str], metrics: Sequence[OutputMetric], outputs: int
) -> dict[str, Logged]:
    """Return what Keras reports of a training, by its names.

    Args:
        losses: The names of the losses: those of their outputs, or those of several losses of one.
        metrics: The metrics in the order of Keras's outputs.
        outputs: The number of outputs.
    """
    logged = {"loss": Logged(has_direction=True)}
    ordered = sorted(metrics, key=lambda item: item.is_weighted)  # as Keras names them
    names = list(_name_each(ordered))
    pairs = list(zip(names, ordered, strict=True))
    directions = {plain: find_direction(item.metric) for plain, item in pairs}
    count: dict[str, int] = {}
    for plain, item in pairs:
        name = plain if outputs == 1 else f"{item.output}_{plain}"
        if item.is_weighted and name in count:
            weighted = f"weighted_{plain}"
            name = weighted if outputs == 1 else f"{item.output}_{weighted}"
        number = count.get(name, 0)
        count[name] = number + 1
        name = name if number == 0 else f"{name}_{number}"
        logged[name] = Logged(item.is_vector, directions.get(name) is not None)
    if len(losses) > 1:
        logged |= {name: Logged() for name in losses}
    return logged


def _name_each(metrics: Iterable[OutputMetric]) -> Iterator[str]:
    """Yield the name that Keras gives to each metric of a training, without its output.

    The metrics themselves were made in a process that has made others before.
    """
    count: dict[str, int] = {}
    for item in metrics:
        if not item.is_numbered:
            yield item.metric.name
            continue
        name = to_snake_case(type(item.metric).__name__)
        number = count.get(name, 0)
        count[name] = number + 1
        yield name if number == 0 else f"{name}_{number}"


def find_monitor_faults(
    callbacks: Sequence[NameOrComponent], logged: Mapping[str, Logged], *, validates: bool
) -> Iterator[Fault]:
    """Find callbacks whose monitor is missing, or cannot be compared.

    Args:
        callbacks: The callbacks of the request.
        logged: What Keras reports of the training.
        validates: Whether the job has validation.
    """
    known = dict(logged)
    if validates:
        known |= {f"val_{name}": value for name, value in logged.items()}
    for i, spec in enumerate(callbacks):
        callback = Component(type=spec) if isinstance(spec, str) else spec
        if callback.type in SETTERS:
            known["learning_rate"] = Logged()
        if callback.type in MONITORS:
            for detail in _find_misfits(callback, known, validates=validates):
                yield Fault(pointer=pointer("fit", "callbacks", i), detail=detail)


def find_best_faults(
    checkpoints: Checkpoints, place: str, logged: Mapping[str, Logged], *, validates: bool
) -> Iterator[Fault]:
    """Find whether the metric of the best checkpoint is missing, or cannot be compared.

    Args:
        checkpoints: The rule with the metric.
        place: JSON Pointer to the rule.
        logged: What Keras reports of the training.
        validates: Whether the job has validation.
    """
    config: dict[str, JsonValue] = {"monitor": checkpoints.best, "mode": checkpoints.mode}
    known = {**logged, **({f"val_{n}": v for n, v in logged.items()} if validates else {})}
    callback = Component(type="ModelCheckpoint", config=config)
    for detail in _find_misfits(callback, known, validates=validates):
        yield Fault(pointer=f"{place}/best", detail=detail)


def _find_misfits(
    callback: Component, known: Mapping[str, Logged], *, validates: bool
) -> Iterator[str]:
    monitor = str(callback.config.get("monitor", "val_loss"))
    if monitor.startswith("val_") and not validates:
        return  # `domain.job.rules` tells of it
    found, name = known.get(monitor), f"{callback.type} monitors '{clip(monitor)}'"
    if found is None:
        names = ", ".join(f"'{item}'" for item in list(known)[:40])
        yield f"{name}, which no metric has; there are {names}.{did_you_mean(monitor, known)}"
    elif found.is_vector:
        yield f"{name}, which has several values; a monitor has one. Give the metric an `average`."
    elif not found.has_direction and callback.config.get("mode", "auto") not in ("min", "max"):
        yield f"{name}, whose better direction Keras does not know: set `mode` to 'min' or 'max'."


def find_rate_faults(
    callbacks: Sequence[NameOrComponent], optimizer: NameOrComponent
) -> Iterator[Fault]:
    """Find callbacks that set a learning rate which a schedule sets, too."""
    if not isinstance(unwrap_optimizer(optimizer).config.get("learning_rate"), dict):
        return
    for i, spec in enumerate(callbacks):
        kind = spec if isinstance(spec, str) else spec.type
        if kind in SETTERS:
            detail = (
                f"{kind} cannot {SETTERS[kind]} a learning rate that a schedule sets: give the "
            )
            detail += "optimizer a number as its `learning_rate`, or leave out the callback."
            yield Fault(pointer=pointer("fit", "callbacks", i), detail=detail)


def find_swap_doubts(callbacks: Sequence[NameOrComponent], *, validates: bool) -> Iterator[str]:
    """Find a `SwapEMAWeights` that changes nothing."""
    for spec in callbacks:
        callback = Component(type=spec) if isinstance(spec, str) else spec
        swaps = validates or callback.config.get("swap_on_epoch") is True
        if callback.type == SWAP and not swaps:
            yield (
                f"{SWAP} swaps the weights for the validation, and the job has none; with "
                "`swap_on_epoch` it swaps them at the end of each epoch, too."
            )
