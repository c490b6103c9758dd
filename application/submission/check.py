"""Asks a forked child what Keras makes of a graph, before a weight of it exists."""

from pydantic import Field

from api.settings import Settings
from application.children.pool import Bounds, Checker, Unfinished
from domain.contract import Contract
from domain.errors import Fault
from domain.graph.language import Blueprint
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
    return Checked.model_validate_json(answer)
