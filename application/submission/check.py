"""Checks a graph with Keras in a forked child, without creating weights."""

from application.children.pool import Bounds, Checker, Unfinished
from application.children.results import hash_call
from application.settings import Settings
from domain.check import CheckRequest, CheckResult, Donor, SizeLimits, Training
from domain.entrypoints import Entrypoint
from domain.errors import Fault
from domain.graph.language import Blueprint, Input


def check_graph(
    checker: Checker,
    settings: Settings,
    blueprint: Blueprint,
    training: Training | None = None,
    *,
    adapts: bool = True,
    donor: Donor | None = None,
) -> CheckResult:
    """Returns the result of checking one graph, and the recipe of its training if there is one.

    If the check runs out of time or memory, the result has one fault, at the node that was being
    checked. The result of an equal check that finished is used again.

    Args:
        checker: Runs the check in a child.
        settings: The limits.
        blueprint: The graph.
        training: The training, if the graph is to be trained.
        adapts: Whether layers without a state learn it from the training data.
        donor: The weights that are copied to layers of equal name and shape.

    Raises:
        Busy: too many graphs are being checked.
    """
    limits = SizeLimits(
        parameters=settings.max_parameters,
        weight_bytes=settings.max_weight_bytes,
        activation_bytes=settings.max_activation_bytes,
        unrolled_steps=settings.max_calls,
    )
    request = CheckRequest(
        blueprint=blueprint, limits=limits, training=training, adapts=adapts, donor=donor
    )
    bounds = Bounds.of_check(settings)
    position = checker.make_note()
    request_json = request.model_dump_json(by_alias=True)
    key = hash_call(Entrypoint.CHECK_GRAPH, request_json)
    result_json = checker.results.find(key)
    try:
        if result_json is None:
            result_json = checker.run(Entrypoint.CHECK_GRAPH, request_json, position, bounds=bounds)
            checker.results.store(key, result_json)
    except Unfinished as error:
        detail = f"This graph could not be checked beyond this place. {error.detail}"
        return CheckResult(faults=[Fault(pointer=position.value.decode(), detail=detail)])
    result = CheckResult.model_validate_json(result_json)
    inputs = blueprint.definition.inputs
    faults = [
        fault.model_copy(update={"detail": _add_batch_axis_hint(fault.detail, inputs)})
        for fault in result.faults
    ]
    return result.model_copy(update={"faults": faults})


def _add_batch_axis_hint(detail: str, inputs: list[Input]) -> str:
    """Appends a hint to a shape error if the shape of an input seems to include the batch axis."""
    name = next((item.name for item in inputs if item.shape and item.shape[0] is None), None)
    if name is None or not any(word in detail for word in ("ndim=", "(None, None, ")):
        return detail
    return f"{detail} The batch axis is left out of `shape`: that of '{name}' begins with null."
