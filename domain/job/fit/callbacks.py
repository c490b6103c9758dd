"""The rules of callbacks that need neither the graph nor Keras."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from domain.errors import Fault
from domain.graph.walk import Place
from domain.job.job import JobRequest
from domain.job.recipe import Component, Fit, NameOrComponent, unwrap_optimizer
from domain.json.pointer import pointer

SCHEDULE = "LearningRateSchedule"
SWAP = "SwapEMAWeights"
ONCE = (SCHEDULE, SWAP)
"""The callbacks that two of would contradict each other."""
MOST_RATES = 10_000


def list_callbacks(fit: Fit) -> list[Component]:
    """Return the callbacks, each with its config."""
    return [spec if isinstance(spec, Component) else Component(type=spec) for spec in fit.callbacks]


def find_callback_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield the faults of `LearningRateSchedule` and `SwapEMAWeights`, each at its place."""
    seen: Counter[str] = Counter()
    for index, callback in enumerate(list_callbacks(request.fit)):
        place: Place = ("fit", "callbacks", index)
        seen[callback.type] += 1
        if callback.type in ONCE and seen[callback.type] > 1:
            detail = f"`{callback.type}` is given twice; give one."
            yield Fault(pointer=pointer(*place), detail=detail)
        if callback.type == SWAP and not get_option(request.compile.optimizer, "use_ema"):
            detail = f"`{SWAP}` swaps in the moving averages of the weights, which the optimizer "
            detail += 'keeps with `use_ema`: write {"type": "Adam", "config": {"use_ema": true}}.'
            yield Fault(pointer=pointer(*place), detail=detail)
        if callback.type == SCHEDULE:
            for inner, text in _find_rate_faults(callback.config, request.fit):
                yield Fault(pointer=pointer(*place, *inner), detail=text)


def get_option(optimizer: NameOrComponent, name: str) -> Any:
    """Return an argument of an optimizer, or of the one that a LossScaleOptimizer takes.

    Returns:
        None if the argument is not given.
    """
    return unwrap_optimizer(optimizer).config.get(name)


def _find_rate_faults(config: Mapping[str, Any], fit: Fit) -> Iterator[tuple[Place, str]]:
    """Find the faults of a table of rates by epoch."""
    rates = config.get("rates")
    wanted = 'a table of epochs, counted from 1, and rates, e.g. {"1": 0.01, "10": 0.001}'
    if not isinstance(rates, dict) or not rates:
        yield ("config", "rates"), f"`rates` is {wanted}."
        return
    if len(rates) > MOST_RATES:
        yield ("config", "rates"), f"`rates` has at most {MOST_RATES:,} epochs."
        return
    for epoch, rate in rates.items():
        is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
        if not _is_epoch(epoch):
            yield ("config", "rates", epoch), f"'{epoch[:100]}' is no epoch; `rates` is {wanted}."
        elif not is_number or not 0 <= rate < float("inf"):
            yield ("config", "rates", epoch), "A learning rate is a number of at least 0."
    epochs = [int(epoch) for epoch in rates if _is_epoch(epoch)]
    if epochs and min(epochs) > fit.epochs:
        detail = f"The job ends after epoch {fit.epochs}, before the first epoch of the table."
        yield ("config", "rates"), detail


def _is_epoch(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8 and text[0] != "0"
