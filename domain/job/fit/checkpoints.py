"""Which epochs' weights a training keeps as checkpoints."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from domain.errors import Fault
from domain.graph.walk import Place
from domain.job.job import Best, Epoch, JobRequest
from domain.job.recipe import Checkpoints, Component, Fit
from domain.json.pointer import pointer
from domain.metric_values import Metrics

CALLBACK = "ModelCheckpoint"
MOST_KEPT = 100
"""The most checkpoints that a job keeps."""
_OF_KERAS = ("monitor", "save_best_only", "save_freq")
_UNUSED: dict[str, str] = {
    "filepath": "The service names the files; `GET /v1/jobs/{id}/checkpoints` lists them.",
    "save_weights_only": "A checkpoint has the weights; `POST /v1/models` makes a model of it.",
    "initial_value_threshold": "The first epoch with the metric is the first best one.",
}
Direction = Literal["min", "max"]


def find_rule(fit: Fit) -> tuple[Place, Checkpoints] | None:
    """Return the rule of `checkpoints` or of a `ModelCheckpoint`, with its place in the request.

    Raises:
        ValidationError: The config of the `ModelCheckpoint` is faulty.
    """
    if fit.checkpoints is not None:
        return ("fit", "checkpoints"), fit.checkpoints
    for place, config in _find_callbacks(fit):
        return (*place, "config"), Checkpoints.model_validate(_translate(config))
    return None


def get_rule(fit: Fit) -> Checkpoints | None:
    """Return the rule of a fit without faults; None if it keeps no checkpoints."""
    found = find_rule(fit)
    return None if found is None else found[1]


def _find_callbacks(fit: Fit) -> Iterator[tuple[Place, dict[str, Any]]]:
    for index, spec in enumerate(fit.callbacks):
        named = spec if isinstance(spec, Component) else Component(type=spec)
        if named.type == CALLBACK:
            yield ("fit", "callbacks", index), named.config


def _translate(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config in our fields; Keras's arguments may stand in their place."""
    rule = {name: value for name, value in config.items() if name not in _OF_KERAS}
    if config.get("save_best_only") is True:
        rule.setdefault("best", config.get("monitor", "val_loss"))
    return rule


def find_checkpoint_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield the faults of `checkpoints` and of `ModelCheckpoint`."""
    callbacks = list(_find_callbacks(request.fit))
    for place, _ in callbacks[0 if request.fit.checkpoints is not None else 1 :]:
        detail = "The rule for checkpoints is given twice: give `checkpoints` or one "
        yield Fault(pointer=pointer(*place), detail=f"{detail}`{CALLBACK}`.")
    for place, config in callbacks:
        for name in _UNUSED.keys() & config.keys():
            yield Fault(pointer=pointer(*place, "config", name), detail=_UNUSED[name])
        if config.get("save_freq", "epoch") != "epoch":
            detail = "Checkpoints are kept at the end of epochs: leave it out, or give `every`."
            yield Fault(pointer=pointer(*place, "config", "save_freq"), detail=detail)
    try:
        found = find_rule(request.fit)
    except ValidationError as error:
        place, _ = callbacks[0]
        for item in error.errors(include_url=False):
            where = pointer(*place, "config", *item["loc"])
            yield Fault(pointer=where, detail=f"{item['msg']}.")
        return
    if found is not None:
        yield from _find_rule_faults(request, *found)


def _find_rule_faults(request: JobRequest, place: Place, rule: Checkpoints) -> Iterator[Fault]:
    fit, every = request.fit, rule.period
    if every is not None and every > fit.epochs:
        detail = f"The job has {fit.epochs} epochs: `every` is at most {fit.epochs}."
        yield Fault(pointer=pointer(*place, "every"), detail=detail)
    count = 0 if every is None else fit.epochs // every - fit.initial_epoch // every
    if rule.keep is None and count > MOST_KEPT:
        detail = f"The job would keep {count:,} checkpoints; it keeps at most {MOST_KEPT}. Give "
        detail += f"`keep`, or an `every` of at least {-(-fit.epochs // MOST_KEPT):,}."
        yield Fault(pointer=pointer(*place), detail=detail)
    if rule.mode is not None and rule.best is None:
        detail = "`mode` tells which values of `best` are better; name its metric, too."
        yield Fault(pointer=pointer(*place, "mode"), detail=detail)
    if rule.best is not None and rule.best.startswith("val_") and not request.validates:
        detail = f"`best` is '{rule.best}', but the job has no validation: name a metric of the "
        detail += "training, or give a `validation_split` or dataset."
        yield Fault(pointer=pointer(*place, "best"), detail=detail)


@dataclass
class Policy:
    """Decides after each epoch whether its checkpoint is kept, and which ones no longer are.

    Its state follows from the epochs alone, so that a resumed training decides the same.
    """

    rule: Checkpoints
    direction: Direction = "min"
    """Whether a lower or a higher value of `best` is better."""
    best: Best | None = None
    kept: list[int] = field(default_factory=list)
    """The epochs whose checkpoints are kept, in order."""
    _latest: list[int] = field(default_factory=list)
    """The epochs that `keep` counts."""

    def replay(self, epochs: Iterable[Epoch]) -> None:
        """Decide again about epochs of an earlier attempt."""
        for item in epochs:
            self.decide(item.epoch, item.metrics)

    def decide(self, epoch: int, metrics: Metrics) -> tuple[bool, list[int]]:
        """Return whether an epoch is kept, and the epochs that no longer are."""
        every, improves = self.rule.period, self._improves(epoch, metrics)
        if epoch % every == 0 if every is not None else improves:
            self._latest.append(epoch)
        keep = self.rule.keep or (1 if every is None else MOST_KEPT)
        del self._latest[:-keep]
        wanted = {*self._latest, *([self.best.epoch] if self.best else [])}
        dropped = [number for number in self.kept if number not in wanted]
        self.kept = sorted(wanted)
        return epoch in wanted, dropped

    def _improves(self, epoch: int, metrics: Metrics) -> bool:
        name = self.rule.best
        value = None if name is None else metrics.get(name)
        if name is None or not isinstance(value, int | float) or math.isnan(value):
            return False
        if self.best is not None:
            sign = 1 if self.direction == "max" else -1
            if sign * value <= sign * self.best.value:
                return False
        self.best = Best(epoch=epoch, monitor=name, value=value)
        return True
