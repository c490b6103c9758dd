"""The file `history.json` of a model."""

import math
from collections.abc import Iterable, Iterator

from pydantic_core import to_json

from domain.graph.walk import Place
from domain.job.job import Epoch
from domain.json.non_finite import name_non_finite
from domain.json.pointer import pointer
from domain.metric_values import Metrics

NAME = "history.json"
MEDIA_TYPE = "application/json"


def make_history_json(epochs: Iterable[Epoch]) -> bytes:
    """Return the content of `history.json`, equal to `GET /v1/jobs/{id}/history`.

    Numbers that are not finite are `null`; `non_finite` names each by its JSON Pointer.
    """
    epochs = list(epochs)
    document: dict[str, object] = {"epochs": [epoch.model_dump() for epoch in epochs]}
    non_finite = {
        pointer("epochs", i, "metrics", *place): name_non_finite(value)
        for i, epoch in enumerate(epochs)
        for place, value in _list_numbers(epoch.metrics)
        if not math.isfinite(value)
    }
    if non_finite:
        document["non_finite"] = non_finite
    return to_json(document, inf_nan_mode="null")


def _list_numbers(metrics: Metrics) -> Iterator[tuple[Place, float]]:
    """Yield each number of an epoch's metrics with its place."""
    for name, value in metrics.items():
        if isinstance(value, list):
            yield from (((name, i), number) for i, number in enumerate(value))
        else:
            yield (name,), value
