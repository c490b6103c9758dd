"""The rules of `fit` that need neither the graph nor Keras."""

from collections.abc import Iterator
from math import ceil

from domain.errors import Fault
from domain.graph.walk import Place
from domain.job.fit.callbacks import get_option
from domain.job.job import JobRequest
from domain.job.recipe import NameOrComponent, replace_config, unwrap_optimizer
from domain.json.pointer import pointer

Found = Iterator[tuple[Place, str]]
STEPS = "gradient_accumulation_steps"
"""The argument of optimizers that `accumulate` stands for."""


def find_fit_faults(request: JobRequest) -> Iterator[Fault]:
    """Yield the contradictions of a training's `fit`."""
    for place, detail in (
        *_find_epoch_faults(request),
        *_find_validation_faults(request),
        *_find_accumulation_faults(request),
    ):
        yield Fault(pointer=pointer("fit", *place), detail=detail)


def _find_epoch_faults(request: JobRequest) -> Found:
    fit = request.fit
    if fit.initial_epoch >= fit.epochs:
        detail = f"With {fit.initial_epoch} epochs finished and `epochs` {fit.epochs}, no epoch is "
        detail += "left: `epochs` is the number of the last epoch, so give "
        yield ("initial_epoch",), f"{detail}`initial_epoch` less than {fit.epochs}, or more epochs."


def _find_validation_faults(request: JobRequest) -> Found:
    fit = request.fit
    given = [name for name in ("validation_freq", "validation_batch_size") if _is_given(fit, name)]
    if not request.validates:
        for name in given:
            detail = "The job has no validation: give a `validation_split` or a "
            yield (name,), f"{detail}`validation_dataset`, or leave out `{name}`."
    elif fit.initial_epoch < fit.epochs and not fit.validated_epochs:
        detail = f"No epoch from {fit.initial_epoch + 1} to {fit.epochs} is validated: give "
        yield ("validation_freq",), f"{detail}a number up to {fit.epochs}, or a list of epochs."
    elif not isinstance(fit.validation_freq, int):
        for index, epoch in enumerate(fit.validation_freq):
            if not fit.initial_epoch < epoch <= fit.epochs:
                detail = f"The job has no epoch {epoch}; its epochs are "
                detail += f"{fit.initial_epoch + 1} to {fit.epochs}."
                yield ("validation_freq", index), detail


def _find_accumulation_faults(request: JobRequest) -> Found:
    if request.fit.accumulate is not None and get_option(request.compile.optimizer, STEPS):
        detail = f"`accumulate` and the optimizer's `{STEPS}` are the same: give one of them."
        yield ("accumulate",), detail


def add_accumulation(optimizer: NameOrComponent, accumulate: int | None) -> NameOrComponent:
    """Return the optimizer with the argument that `accumulate` stands for."""
    if accumulate is None:
        return optimizer
    config = unwrap_optimizer(optimizer).config
    return replace_config(optimizer, {**config, STEPS: accumulate})


def _is_given(fit: object, name: str) -> bool:
    fields: set[str] = getattr(fit, "model_fields_set", set())
    return name in fields and getattr(fit, name) is not None


def find_step_faults(request: JobRequest, rows: int) -> Iterator[tuple[Place, str]]:
    """Find an epoch, or an accumulation, with more steps than there are.

    Args:
        request: The request.
        rows: The number of rows, or of windows, that train.
    """
    fit = request.fit
    batches = ceil(rows / fit.batch_size)
    total = (fit.epochs - fit.initial_epoch) * min(fit.steps_per_epoch or batches, batches)
    accumulated = fit.accumulate or get_option(request.compile.optimizer, STEPS)
    if rows and isinstance(accumulated, int) and accumulated > total > 0:
        place: Place = ("fit", "accumulate")
        if fit.accumulate is None:
            place = _find_option_place(request.compile.optimizer)
        yield (
            place,
            f"The job has {total:,} steps, so gradients of {accumulated:,} steps would never "
            f"update the weights: accumulate at most {total:,}.",
        )
    if rows and fit.steps_per_epoch is not None and fit.steps_per_epoch > batches:
        yield (
            ("fit", "steps_per_epoch"),
            f"{rows:,} rows in batches of {fit.batch_size:,} are {batches:,} steps; "
            f"`steps_per_epoch` is at most {batches:,}. For more, train more epochs.",
        )


def _find_option_place(optimizer: NameOrComponent) -> Place:
    """Return the place of the accumulation of an optimizer, or of the one that it takes."""
    place: Place = ("compile", "optimizer", "config")
    inner = () if unwrap_optimizer(optimizer) is optimizer else ("inner_optimizer", "config")
    return (*place, *inner, STEPS)
