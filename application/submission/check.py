"""Asks a forked child what Keras makes of a graph, before a weight of it exists."""

from pydantic import Field

from application.children.pool import Bounds, Checker, Unfinished
from application.settings import Settings
from domain.contract import Contract
from domain.errors import Fault
from domain.graph.language import Blueprint, Input
from domain.graph.summary import Summary
from domain.job.recipe import NameOrComponent, Recipe

CHECK = "compiler.check.answer"


class ColumnSpec(Contract):
    """What is known of a dataset's column."""

    dtype: str
    shape: list[int]
    """Of one row."""


class Training(Contract):
    """What a `train` job asks beside its graph."""

    recipe: Recipe
    callbacks: list[NameOrComponent]
    columns: dict[str, ColumnSpec]


class Question(Contract):
    """What the child is asked."""

    blueprint: Blueprint
    limits: dict[str, int]
    training: Training | None


class Checked(Contract):
    """What the child says: a summary, or what is wrong."""

    summary: Summary | None = None
    faults: list[Fault] = Field(default_factory=list)
    """Pointers from the definition's root."""
    recipe_faults: list[Fault] = Field(default_factory=list)
    """Pointers from the root of a job's request, with lists resolved to names."""


def checked(
    checker: Checker, settings: Settings, blueprint: Blueprint, training: Training | None = None
) -> Checked:
    """The check of one graph, and of how it is to be trained.

    Raises:
        Busy: too many graphs are being checked.
    """
    limits = {
        "parameters": settings.max_parameters,
        "weight_bytes": settings.max_weight_bytes,
        "activation_bytes": settings.max_activation_bytes,
        "unrolled_steps": settings.max_calls,
    }
    question = Question(blueprint=blueprint, limits=limits, training=training)
    bounds = Bounds.of_check(settings)
    note = checker.note()
    try:
        answer = checker.run(CHECK, question.model_dump_json(by_alias=True), note, bounds=bounds)
    except Unfinished as error:
        detail = f"This graph could not be checked beyond this place. {error.detail}"
        return Checked(faults=[Fault(pointer=note.value.decode(), detail=detail)])
    found = Checked.model_validate_json(answer)
    inputs = blueprint.definition.inputs
    faults = [
        fault.model_copy(update={"detail": _with_batch_axis(fault.detail, inputs)})
        for fault in found.faults
    ]
    return found.model_copy(update={"faults": faults})


def _with_batch_axis(detail: str, inputs: list[Input]) -> str:
    """What Keras says of a graph, and of a batch axis that may be why."""
    begins = next((item.name for item in inputs if item.shape and item.shape[0] is None), None)
    if begins is None or not any(word in detail for word in ("ndim=", "(None, None, ")):
        return detail
    return f"{detail} The batch axis is left out of `shape`: that of '{begins}' begins with null."
