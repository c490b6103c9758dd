"""The largest number of epochs of the trials of a sweep."""

from typing import Any

from domain.sweeps.request import Choices, Parameter, SweepRequest

EPOCHS = "/fit/epochs"


def find_most_epochs(request: SweepRequest) -> int:
    """Return the largest number of epochs that a trial may have."""
    found = [request.request.fit.epochs]
    if EPOCHS in request.space:
        found = _list_extremes(request.space[EPOCHS])
    elif isinstance(whole := request.space.get("/fit"), Choices):
        found = [_get_epochs(choice) for choice in whole.choices]
    return max([1, *found])


def _list_extremes(parameter: Parameter) -> list[int]:
    if isinstance(parameter, Choices):
        return [int(choice) for choice in parameter.choices if isinstance(choice, int | float)]
    return [int(parameter.high)]


def _get_epochs(fit: Any) -> int:
    epochs = fit.get("epochs", 1) if isinstance(fit, dict) else 1
    return int(epochs) if isinstance(epochs, int | float) else 1
