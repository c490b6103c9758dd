"""`history.json`: the same document as the answer to `GET /v1/jobs/{id}/history`."""

import math

from pydantic_core import to_json

from domain.job.job import Epoch
from domain.pointer import pointer


def history_json(epochs: list[Epoch]) -> bytes:
    """Numbers that are not finite are `null`, and named by pointer in `non_finite`."""
    document: dict[str, object] = {"epochs": [epoch.model_dump() for epoch in epochs]}
    not_finite = {
        pointer("epochs", i, "metrics", name): _name(value)
        for i, epoch in enumerate(epochs)
        for name, value in epoch.metrics.items()
        if not math.isfinite(value)
    }
    if not_finite:
        document["non_finite"] = not_finite
    return to_json(document, inf_nan_mode="null")


def _name(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"
