"""The weightless check: what a graph comes to, or what is wrong with it, without a weight."""

import keras

from compiler.model.build import Built, build
from compiler.model.size_limits import Ceilings, Meter, Note
from compiler.summary import summary_of
from compiler.training.check import Training, training_faults
from domain.contract import Contract
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint
from domain.graph.summary import Summary


class CheckRequest(Contract):
    """A graph to check, and the training to check with it."""

    blueprint: Blueprint
    limits: Ceilings = Ceilings()
    training: Training | None = None


class CheckAnswer(Contract):
    """A summary, or faults; the two kinds of faults begin at different roots."""

    summary: Summary | None
    """None when the graph itself has faults."""
    faults: list[Fault] = []
    """Of the graph: pointers from the definition's root."""
    recipe_faults: list[Fault] = []
    """Of the training: pointers from the root of the job's request."""


def answer(request_json: str, note: Note | None = None) -> str:
    """The check as plain JSON, for a process that knows nothing of Keras.

    Args:
        request_json: A `CheckRequest`.
        note: Where the check stands: the pointer of the node that is being called.

    Returns:
        A `CheckAnswer`.
    """
    request = CheckRequest.model_validate_json(request_json)
    return check(request, Meter(request.limits, note)).model_dump_json()


def check(request: CheckRequest, meter: Meter) -> CheckAnswer:
    """Check a graph, and a training with it, without allocating a weight."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            built, faults = _build(request, meter)
            meter.enter(())
            summary = summary_of(built) if built else None
        wrong = training_faults(request.training, built) if request.training else []
    finally:  # else the next scope in this process would allocate what this one left out
        keras.utils.clear_session(free_memory=False)
    return CheckAnswer(summary=summary, faults=faults, recipe_faults=wrong)


def _build(request: CheckRequest, meter: Meter) -> tuple[Built | None, list[Fault]]:
    try:
        return build(request.blueprint, None, meter), []
    except Invalid as refusal:
        return None, list(refusal.faults)
