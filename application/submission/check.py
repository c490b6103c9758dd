"""Asks a forked child what Keras makes of a graph, before a weight of it exists."""

from application.children.pool import Bounds, Checker, Unfinished
from application.settings import Settings
from domain.check import CheckRequest, CheckResult, SizeLimits, Training
from domain.entrypoints import Entrypoint
from domain.errors import Fault
from domain.graph.language import Blueprint, Input


def checked(
    checker: Checker, settings: Settings, blueprint: Blueprint, training: Training | None = None
) -> CheckResult:
    """The check of one graph, and of how it is to be trained.

    Raises:
        Busy: too many graphs are being checked.
    """
    limits = SizeLimits(
        parameters=settings.max_parameters,
        weight_bytes=settings.max_weight_bytes,
        activation_bytes=settings.max_activation_bytes,
        unrolled_steps=settings.max_calls,
    )
    request = CheckRequest(blueprint=blueprint, limits=limits, training=training)
    bounds = Bounds.of_check(settings)
    note = checker.note()
    try:
        request_json = request.model_dump_json(by_alias=True)
        answer = checker.run(Entrypoint.CHECK_GRAPH, request_json, note, bounds=bounds)
    except Unfinished as error:
        detail = f"This graph could not be checked beyond this place. {error.detail}"
        return CheckResult(faults=[Fault(pointer=note.value.decode(), detail=detail)])
    found = CheckResult.model_validate_json(answer)
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
