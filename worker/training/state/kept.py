"""Writes the weights of the epochs that a job keeps."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue
from safetensors.numpy import save_file

from compiler.keras_private import find_monitor_direction
from compiler.model.build import BuiltModel
from compiler.model.weights import copy_arrays
from compiler.summary import summarize
from domain.graph.language import Blueprint
from domain.job.fit.checkpoints import Policy, get_rule
from domain.job.job import Best, Epoch
from domain.job.outcome import METADATA, Learned, NotInPlan
from domain.job.recipe import Fit
from domain.metric_values import Metrics
from worker.protocol.messages import Kept
from worker.training.output_folder import OutputFolder

MEDIA_TYPE = "application/vnd.safetensors"


@dataclass
class KeptEpochs:
    """Writes a file at the end of each epoch that the rule of a fit keeps."""

    fit: Fit
    built: BuiltModel
    planned: Blueprint
    """The definition in the job's plan, in which layers have not learned their states."""
    folder: OutputFolder
    describe_missing: Callable[[], Mapping[str, JsonValue]]
    """Returns what takes the place of missing values; see `Signature.missing`."""
    _policy: Policy | None = field(init=False)

    def __post_init__(self) -> None:
        rule = get_rule(self.fit)
        if rule is None:
            self._policy = None
            return
        direction = rule.mode or "min"
        if rule.best is not None and rule.mode is None:
            direction = find_monitor_direction(self.built.model, rule.best)
        self._policy = Policy(rule, direction)

    @property
    def best(self) -> Best | None:
        """The best epoch, if the rule looks for it."""
        return None if self._policy is None else self._policy.best

    def replay(self, epochs: Sequence[Epoch]) -> None:
        """Takes note of the epochs of an earlier attempt, whose files exist."""
        if self._policy is not None:
            self._policy.replay(epochs)

    def save(self, epoch: int, step: int, metrics: Metrics) -> Kept | None:
        """Writes the file of an epoch; None if it is not kept.

        Args:
            epoch: The number of the epoch, from 1.
            step: The number of steps that the job has trained.
            metrics: The metrics of the epoch.
        """
        if self._policy is None:
            return None
        is_kept, dropped = self._policy.decide(epoch, metrics)
        if not is_kept:
            return None
        name = f"epoch-{epoch}.safetensors"
        file = self.folder.write(name, MEDIA_TYPE, self._write)
        return Kept(file, step, tuple(dropped))

    def _write(self, path: Any) -> None:
        save_file(copy_arrays(self.built), path, {METADATA: self._describe()})

    def _describe(self) -> str:
        """Returns what a model of these weights has beside the job's plan, as JSON."""
        blueprint = self.built.blueprint
        is_learned = blueprint is not self.planned
        learned = Learned(blueprint, summarize(self.built)) if is_learned else None
        found = NotInPlan(learned, dict(self.describe_missing()))
        return json.dumps(found.to_json())
