"""The feed and the losses of a model's training, where the request of a job leaves them out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.job.job import Columns, Feed, InputColumns, JobRequest
from domain.job.preparation import Window
from domain.job.recipe import Compile, LossOfOne, OutputRecipe, Recipe, WeightedLoss

_NOTHING = Recipe(optimizer="rmsprop", jit_compile=False, inputs={}, outputs={})
"""The recipe of a model that was only built."""


@dataclass(frozen=True)
class Defaults:
    """The defaults of an `evaluate` or `predict` job."""

    trained: Recipe | None
    """The recipe of the model's training; None if the model was only built."""
    inputs: Sequence[str]
    """The names of the model's inputs, in graph order."""
    outputs: Sequence[str]
    """The names of its outputs."""
    columns: Collection[str]
    """The names of the dataset's columns."""

    def complete(self, request: JobRequest) -> JobRequest:
        """Return a request that names what the training named, as far as the dataset has it."""
        trained = self.trained or _NOTHING
        changes: dict[str, object] = {"feed": self._complete_feed(request, trained)}
        if request.kind == "evaluate" and self.trained is not None:
            changes["compile"] = complete_compile(request.compile, self.trained)
        return request.model_copy(update=changes)

    def _complete_feed(self, request: JobRequest, trained: Recipe) -> Feed:
        feed = request.feed
        changes: dict[str, object] = {
            "inputs": self._complete_inputs(feed.inputs, trained),
            "window": feed.window or trained.window,
        }
        if request.kind == "predict":
            changes["window"] = _forget_target(feed.window or trained.window)
        else:
            changes["targets"] = self._complete_targets(feed.targets, trained)
            if "sample_weights" not in feed.model_fields_set:
                changes["sample_weights"] = self._find_weights(trained)
        return feed.model_copy(update=changes)

    def _complete_inputs(self, given: InputColumns | None, trained: Recipe) -> InputColumns | None:
        known = {
            name: listed
            for name, listed in trained.inputs.items()
            if name in self.inputs and all(column in self.columns for column in listed)
        }
        completed: InputColumns | None = _complete(given, known, self.inputs)
        return completed

    def _complete_targets(self, given: Columns | None, trained: Recipe) -> Columns | None:
        outputs = trained.outputs.items()
        known = {name: part.target for name, part in outputs if part.target in self.columns}
        completed: Columns | None = _complete(given, known, self.outputs)
        return completed

    def _find_weights(self, trained: Recipe) -> dict[str, str]:
        return {
            name: part.sample_weight
            for name, part in trained.outputs.items()
            if part.sample_weight is not None and part.sample_weight in self.columns
        }

    def find_warnings(self, request: JobRequest) -> list[str]:
        """Return warnings of weights that the training had and the dataset lacks."""
        if self.trained is None or "sample_weights" in request.feed.model_fields_set:
            return []
        return [
            f"The training weighed the rows of output '{name}' by column '{part.sample_weight}', "
            "which the dataset lacks. Each row counts once."
            for name, part in self.trained.outputs.items()
            if part.sample_weight is not None and part.sample_weight not in self.columns
        ]


def _complete(given: Any, known: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return columns by name, or in the order of the names; with known ones for those left out."""
    if given is None:
        return dict(known) or None
    if isinstance(given, Mapping):
        return {**known, **given}
    if len(given) != len(names):
        return given
    pairs = zip(names, given, strict=True)
    return [known.get(name) if entry is None else entry for name, entry in pairs]


def _forget_target(window: Window | None) -> Window | None:
    """Return windows that need no row of a target, so that the last rows are predicted from."""
    return None if window is None else window.model_copy(update={"target_offset": 0})


def complete_compile(given: Compile, trained: Recipe) -> Compile:
    """Return losses and metrics, with those of a training for those that are left out."""
    outputs, changes = trained.outputs.items(), dict[str, object]()
    if "loss" not in given.model_fields_set:
        changes["loss"] = {name: _join_losses(part) for name, part in outputs}
        if "loss_weights" not in given.model_fields_set:
            weights = {n: p.loss_weight for n, p in outputs if p.loss_weight is not None}
            changes["loss_weights"] = weights or None
    if "metrics" not in given.model_fields_set:
        changes["metrics"] = {name: part.metrics for name, part in outputs if part.metrics}
    if "weighted_metrics" not in given.model_fields_set:
        weighted = {n: p.weighted_metrics for n, p in outputs if p.weighted_metrics}
        changes["weighted_metrics"] = weighted or None
    return given.model_copy(update=changes)


def _join_losses(part: OutputRecipe) -> LossOfOne:
    """Return the losses of an output as a request gives them."""
    if not part.part_weights:
        return part.loss
    pairs = zip(part.losses, part.part_weights, strict=True)
    return [WeightedLoss(loss=loss, weight=weight) for loss, weight in pairs]
