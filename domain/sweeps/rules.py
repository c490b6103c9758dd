"""The rules of a sweep's request that need neither the graph nor the data."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal

from domain.errors import Fault
from domain.json.pointer import pointer
from domain.sweeps.request import MOST_TRIALS, Choices, Parameter, Range, SweepRequest

UNPRUNED = frozenset({"none"})
VALIDATED_BY = ("/fit", "/fit/validation_split", "/validation_dataset")
"""The places of the job request that decide whether a trial validates."""


def find_sweep_faults(request: SweepRequest) -> Iterator[Fault]:
    """Yield the faults of the space, the number of trials and the kind of the trials."""
    if request.request.kind != "train":
        detail = f"The trials of a sweep are `train` jobs, not `{request.request.kind}` jobs."
        yield Fault(pointer="/request/kind", detail=detail)
    is_open = any(place in request.space for place in VALIDATED_BY)
    validates = request.request.validates or is_open
    if request.objective.metric.startswith("val_") and not validates:
        metric = request.objective.metric
        detail = f"'{metric}' needs validation rows: give the request a `validation_dataset` or a "
        detail += f"`validation_split`, or take '{metric.removeprefix('val_')}'."
        yield Fault(pointer="/objective/metric", detail=detail)
    for place, parameter in request.space.items():
        yield from _find_parameter_faults(pointer("space", place), parameter)
    if request.sampler == "grid":
        yield from _find_grid_faults(request)
    elif request.trials is None:
        detail = "The number of trials is needed, unless `sampler` is 'grid'."
        yield Fault(pointer="/trials", detail=detail)


def _find_parameter_faults(at: str, parameter: Parameter) -> Iterator[Fault]:
    if isinstance(parameter, Choices):
        seen: dict[str, int] = {}
        for index, choice in enumerate(parameter.choices):
            first = seen.setdefault(json.dumps(choice, sort_keys=True), index)
            if first != index:
                detail = f"Choices {first} and {index} are equal; name each once."
                yield Fault(pointer=f"{at}/choices/{index}", detail=detail)
        return
    yield from _find_type_faults(at, parameter)
    if parameter.low > parameter.high:
        detail = f"`high` is at least `low`, which is {parameter.low}."
        yield Fault(pointer=f"{at}/high", detail=detail)
    if parameter.log and parameter.low <= 0:
        yield Fault(pointer=f"{at}/low", detail="With `log`, `low` is above 0.")
    if parameter.step is not None:
        yield from _find_step_faults(at, parameter)


def _find_type_faults(at: str, parameter: Range) -> Iterator[Fault]:
    if not parameter.is_whole:
        return
    for name in ("low", "high", "step"):
        number = getattr(parameter, name)
        if number is not None and number != int(number):
            detail = f"With the type 'int', `{name}` is a whole number."
            yield Fault(pointer=f"{at}/{name}", detail=detail)


def _find_step_faults(at: str, parameter: Range) -> Iterator[Fault]:
    step = parameter.step
    assert step is not None
    if parameter.log:
        detail = "A range has `log` or `step`, not both: list `choices` instead."
        yield Fault(pointer=f"{at}/step", detail=detail)
    elif step <= 0:
        yield Fault(pointer=f"{at}/step", detail="A step is above 0.")
    elif parameter.low <= parameter.high and _make_exact(parameter) % Decimal(str(step)):
        detail = f"`high` is `low` plus a whole number of steps, and {parameter.high} is not."
        yield Fault(pointer=f"{at}/high", detail=detail)


def _make_exact(parameter: Range) -> Decimal:
    return Decimal(str(parameter.high)) - Decimal(str(parameter.low))


def _find_grid_faults(request: SweepRequest) -> Iterator[Fault]:
    is_listed = True
    for place, parameter in request.space.items():
        if isinstance(parameter, Range) and (parameter.log or _is_continuous(parameter)):
            detail = "A grid needs points: give the range a `step` without `log`, or list `choices`"
            detail += "; or take another sampler."
            yield Fault(pointer=pointer("space", place), detail=detail)
            is_listed = False
    if is_listed:
        size = math.prod(count_points(parameter) for parameter in request.space.values())
        if size > MOST_TRIALS:
            detail = f"The grid has {size:,} points; a sweep has at most {MOST_TRIALS:,} trials. "
            detail += "Take fewer values, or another sampler."
            yield Fault(pointer="/space", detail=detail)


def _is_continuous(parameter: Range) -> bool:
    return parameter.step is None and not parameter.is_whole


def count_points(parameter: Parameter) -> int:
    """Count the values of a parameter that is a list, or a range with steps."""
    if isinstance(parameter, Choices):
        return len(parameter.choices)
    step = Decimal(str(parameter.step or 1))
    return int(_make_exact(parameter) / step) + 1 if step > 0 else 1


def list_points(parameter: Parameter) -> list[int | float]:
    """List the values of such a parameter: the indices of choices, or the numbers of a range."""
    count = count_points(parameter)
    if isinstance(parameter, Choices):
        return [*range(count)]
    low, step = Decimal(str(parameter.low)), Decimal(str(parameter.step or 1))
    exact = [low + index * step for index in range(count)]
    return [int(number) for number in exact] if parameter.is_whole else [*map(float, exact)]


def count_trials(request: SweepRequest) -> int:
    """Count the trials of a request without faults."""
    if request.sampler != "grid":
        assert request.trials is not None
        return request.trials
    size = math.prod(count_points(parameter) for parameter in request.space.values())
    return size if request.trials is None else min(size, request.trials)
