"""Checks a training against a built model: its components, and whether they fit their targets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from compiler.catalogue.arguments import arguments_of
from compiler.keras_private import get_mask, make_compiled_metric
from compiler.model.build import BuiltModel
from compiler.training.activations import find_activation
from compiler.training.compile import name_losses
from compiler.training.components import (
    LOSSES,
    METRICS,
    make_callback,
    make_loss,
    make_metric,
    make_optimizer,
)
from compiler.training.freezing import find_freeze_faults
from compiler.training.monitors import (
    Logged,
    OutputMetric,
    find_best_faults,
    find_monitor_faults,
    find_rate_faults,
    find_swap_doubts,
    name_metrics,
)
from compiler.training.positions import ONE_EACH, find_positions
from compiler.training.probabilities import Activated
from compiler.training.target_values import find_value_range
from compiler.training.targets import (
    Pair,
    check_target,
    find_metric_misfits,
    find_single_class,
    find_unfit_weights,
    find_weighting,
    get_config,
    name_component,
    trace_comparison,
)
from domain.check import Training
from domain.errors import MOST_FAULTS, Fault, Invalid
from domain.graph.walk import Place
from domain.job.recipe import Component, NameOrComponent, OutputRecipe
from domain.job.targets import TargetCheck, ValueRange
from domain.json.pointer import pointer

_SOME_ROWS = 7
"""A number of rows that differs from most lengths, so that shapes that do not fit are found."""


@dataclass(frozen=True)
class TrainingCheck:
    """The result of `check_training`."""

    faults: list[Fault] = field(default_factory=list)
    """The pointers start at the job's request, in which lists are resolved to names."""
    warnings: list[str] = field(default_factory=list)
    """What a training that is accepted may not mean."""
    targets: dict[str, TargetCheck] = field(default_factory=dict)
    """By output. Outputs without a loss or a target, or with a faulty loss, are absent."""
    ranges: dict[str, list[ValueRange]] = field(default_factory=dict)
    """The target values of the losses and metrics of each output that has a target."""
    reported: dict[str, bool] = field(default_factory=dict)
    """The metrics that Keras reports, and whether each has several values."""


def check_training(training: Training, built: BuiltModel | None) -> TrainingCheck:
    """Check the components of a training, and whether they fit their outputs and targets.

    Args:
        training: Recipe, callbacks and columns.
        built: The model. If None, only the components themselves are checked.
    """
    optimizer = training.recipe.optimizer
    found = TrainingCheck()
    found.faults.extend(_find_refusals(make_optimizer, optimizer, ("compile", "optimizer")))
    metrics: list[OutputMetric] = []
    for name, part in training.recipe.outputs.items():
        column = training.targets.get(name)
        pair = Pair.find(name, part, column, built.outputs) if built else None
        if pair is None or built is None:
            found.faults.extend(_find_component_faults(name, part))
        else:
            tensor = built.outputs[name]
            masked = get_mask(tensor) is not None
            check = _OutputCheck(found, part, pair, find_activation(tensor), is_masked=masked)
            check.check_loss()
            metrics += check.check_metrics()
            check.note_ranges()
        if len(found.faults) >= MOST_FAULTS:
            return found
    _check_callbacks(training, found)
    if built is not None:
        found.faults.extend(find_freeze_faults(built, training.freeze))
        if not found.faults:
            logged = _name_logged(training, metrics)
            found.reported.update({name: value.is_vector for name, value in logged.items()})
            found.faults.extend(_find_monitor_faults(training, logged))
    return found


def _check_callbacks(training: Training, found: TrainingCheck) -> None:
    """Check the callbacks themselves, and whether they contradict the optimizer."""
    callbacks = training.callbacks
    for i, spec in enumerate(callbacks):
        if len(found.faults) >= MOST_FAULTS:
            return
        found.faults.extend(_find_refusals(make_callback, spec, ("fit", "callbacks", i)))
    found.faults.extend(find_rate_faults(callbacks, training.recipe.optimizer))
    found.warnings.extend(find_swap_doubts(callbacks, validates=training.validates))


def _name_logged(training: Training, metrics: list[OutputMetric]) -> dict[str, Logged]:
    """Return what Keras reports of the training, by name."""
    parts = training.recipe.outputs
    losses = [name for output, part in parts.items() for name in _name_losses(output, part)]
    return name_metrics(losses, metrics, len(parts))


def _find_monitor_faults(training: Training, logged: Mapping[str, Logged]) -> Iterator[Fault]:
    """Find monitors that no metric has, or that cannot be compared."""
    validates = training.validates
    yield from find_monitor_faults(training.callbacks, logged, validates=validates)
    if training.checkpoints is not None:
        place = training.checkpoints_place
        yield from find_best_faults(training.checkpoints, place, logged, validates=validates)


def _find_refusals(
    make: Callable[[NameOrComponent, Place], Any], spec: NameOrComponent, place: Place
) -> list[Fault]:
    try:
        make(spec, place)
    except Invalid as refusal:
        return list(refusal.faults)
    return []


def _find_component_faults(name: str, part: OutputRecipe) -> list[Fault]:
    """Check losses and metrics whose output or target is unknown."""
    faults: list[Fault] = []
    for spec, place in part.list_losses(name):
        faults += _find_refusals(make_loss, spec, place)
    for field_name, spec in _list_metrics(part):
        if len(faults) >= MOST_FAULTS:
            break
        faults += _find_refusals(make_metric, spec, ("compile", field_name, name))
    return faults


def _list_metrics(part: OutputRecipe) -> Iterator[tuple[str, NameOrComponent]]:
    """Yield the metrics of an output, each with the field of `compile` that has it."""
    yield from (("metrics", spec) for spec in part.metrics)
    yield from (("weighted_metrics", spec) for spec in part.weighted_metrics)


def _is_named_by_class(metric: Any, spec: Component) -> bool:
    """Return whether neither the client nor Keras's class gives the metric a name."""
    cls: Any = type(metric)
    name = arguments_of(cls).get("name")
    return spec.config.get("name") is None and name is not None and name.default is None


def _name_losses(output: str, part: OutputRecipe) -> list[str]:
    """Return the names under which Keras reports the losses of an output, beside `loss`."""
    if len(part.losses) > 1:
        return name_losses(output, part.losses)
    return [f"{output}_loss"] if part.losses else []


@dataclass(frozen=True)
class _OutputCheck:
    """The check of one output's loss and metrics."""

    found: TrainingCheck
    """Receives the results."""
    part: OutputRecipe
    pair: Pair
    activation: str | None
    is_masked: bool
    """Whether the output has a mask."""

    def note_ranges(self) -> None:
        """Note the target values of the loss and the metrics."""
        specs = [*self.part.losses, *self.part.all_metrics]
        ranges = [item for spec in specs for item in find_value_range(spec, self.pair)]
        self.found.ranges[self.pair.name] = list(dict.fromkeys(ranges))

    def check_loss(self) -> None:
        """Check each loss against the output, its activation and its target."""
        listed = self.part.list_losses(self.pair.name)
        checks = [self._check_loss(spec, place) for spec, place in listed]
        fitting = [check for check in checks if check is not None]
        if checks and len(fitting) == len(checks):
            self.found.targets[self.pair.name] = self._combine(fitting)
        elif not checks and self.part.is_weighable:
            weighting = find_weighting(
                name_component(self.part.weighted_metrics[0], self.pair), self.pair
            )
            self.found.targets[self.pair.name] = TargetCheck(weighting=weighting)

    def _check_loss(self, spec: NameOrComponent, place: Place) -> TargetCheck | None:
        faults = _find_refusals(make_loss, spec, place)
        if not faults:
            made = LOSSES.make(spec, place)
            name = name_component(spec, self.pair)
            compare = keras.losses.get(name) if isinstance(made, str) else made
            faults = self._find_constant_loss(spec, name, place)
            target = self.pair.choose_target(name)
            faults = faults or trace_comparison(name, compare, self.pair, place, target)[0]
        self.found.faults.extend(faults)
        if faults:
            return None
        self.found.warnings.extend(self._activated(spec).find_loss_doubts())
        return self._check_target(spec)

    def _combine(self, checks: Sequence[TargetCheck]) -> TargetCheck:
        """Return what all losses of the output demand of its target."""
        first = next((check for check in checks if check.values is not None), checks[0])
        faults = [fault for check in checks for fault in check.faults]
        if any(check.positions != first.positions for check in checks):
            faults.append(
                f"The losses of output '{self.pair.name}' have values of different shapes, so that "
                "the weights of its rows do not fit all of them."
            )
        by_class = next((c.weighting for c in checks if c.weighting.by == "class"), first.weighting)
        combined = {"faults": list(dict.fromkeys(faults)), "weighting": by_class}
        return first.model_copy(update=combined)

    def _find_constant_loss(self, spec: NameOrComponent, name: str, place: Place) -> list[Fault]:
        single = list(find_single_class(name, self.pair, place))
        return single or list(self._activated(spec).find_loss_faults(place))

    def _activated(self, spec: NameOrComponent) -> Activated:
        return Activated(spec, self.pair, self.activation)

    def _check_target(self, spec: NameOrComponent) -> TargetCheck:
        name = name_component(spec, self.pair)
        config = get_config(spec)
        found = check_target(name, config, self.pair)
        if self.pair.column.shape[:1] == [None] and not self.is_masked:
            found = found.model_copy(update={"faults": [*found.faults, self._describe_padding()]})
        is_weighted = self.part.sample_weight is not None or self.part.class_weight
        has_values = is_weighted and not found.faults
        values = find_positions(spec, self.pair) if has_values else ONE_EACH
        positions = None if values is None else list(values.shape[1:])
        weighting = find_weighting(name, self.pair)
        return found.model_copy(update={"positions": positions, "weighting": weighting})

    def _describe_padding(self) -> str:
        return (
            f"The rows of column '{self.pair.column_name}' differ in length, so they are padded, "
            f"and output '{self.pair.name}' has no mask: the padding would count in the loss. Take "
            "`mask_zero: true` of an Embedding, or a Masking layer."
        )

    def check_metrics(self) -> list[OutputMetric]:
        """Check the metrics against the output and its target; return those that fit."""
        fitting: list[OutputMetric] = []
        for field_name, spec in _list_metrics(self.part):
            if len(self.found.faults) >= MOST_FAULTS:
                break
            place = ("compile", field_name, self.pair.name)
            faults = _find_refusals(make_metric, spec, place)
            if not faults:
                faults, metric = self._check_metric(spec, place)
                is_weighted = field_name == "weighted_metrics"
                fitting.append(metric._replace(is_weighted=is_weighted))
                faults = faults or self._find_unfit_weights(spec, place, is_weighted=is_weighted)
                self.found.warnings.extend(self._activated(spec).find_metric_doubts())
            self.found.faults.extend(faults)
        return fitting

    def _find_unfit_weights(
        self, spec: NameOrComponent, place: Place, *, is_weighted: bool
    ) -> list[Fault]:
        """Find a metric that cannot take the weights of the rows as the training feeds them."""
        weighs = self.part.sample_weight is not None or self.part.class_weight
        if not (is_weighted and weighs):
            return []
        pair, check = self.pair, self.found.targets.get(self.pair.name)
        axes = [] if check is None or check.positions is None else check.positions
        metric = make_compiled_metric(METRICS.make(spec, place), pair.measured, pair.output)
        name = name_component(spec, pair)
        return find_unfit_weights(name, metric, pair, (_SOME_ROWS, *([1] * len(axes))), place)

    def _check_metric(
        self, spec: NameOrComponent, place: Place
    ) -> tuple[list[Fault], OutputMetric]:
        pair = self.pair
        made = make_compiled_metric(METRICS.make(spec, place), pair.measured, pair.output)
        name = name_component(spec, pair)
        compare = keras.metrics.get(name) if isinstance(spec, str) else made
        if isinstance(compare, keras.metrics.Metric):
            compare = made
        is_mean = isinstance(made, keras.metrics.MeanMetricWrapper)
        faults, shape = trace_comparison(name, compare, pair, place, target=pair.measured)
        if not faults and not is_mean:
            faults = self._find_row_misfits(spec, name, compare, place)
        elif not faults:
            faults = self._find_broadcast(spec, name, place)
        faults = faults or list(self._activated(spec).find_metric_faults(place))
        if self.is_masked and not is_mean:
            detail = f"Metric '{name}' counts the masked steps of output '{pair.name}', too."
            self.found.warnings.append(detail)
        is_vector = compare is made and shape != ()
        is_numbered = isinstance(spec, Component) and _is_named_by_class(made, spec)
        return faults, OutputMetric(pair.name, made, is_vector, is_numbered=is_numbered)

    def _find_row_misfits(
        self, spec: NameOrComponent, name: str, compare: Any, place: Place
    ) -> list[Fault]:
        """Find a target whose shape differs, which Keras would broadcast or find in training."""
        pair = self.pair
        faults, _ = trace_comparison(
            name, compare, pair, place, target=pair.measured, rows=_SOME_ROWS
        )
        details = [] if faults else find_metric_misfits(spec, name, pair)
        return faults or [Fault(pointer=pointer(*place), detail=detail) for detail in details]

    def _find_broadcast(self, spec: NameOrComponent, name: str, place: Place) -> list[Fault]:
        """Find a target that the metric would broadcast; a loss may need such a target."""
        config = get_config(spec)
        details = check_target(name, config, self.pair).faults
        if self.part.loss is None:
            return [Fault(pointer=pointer(*place), detail=detail) for detail in details]
        texts = [f"Metric '{name}' broadcasts the target. {detail}" for detail in details]
        self.found.warnings.extend(texts)
        return []
