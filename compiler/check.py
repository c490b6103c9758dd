"""Checks a graph, and how it is to be trained, without allocating a weight."""

import keras

from compiler.model.build import Built, build
from compiler.model.size_limits import SizeCounter
from compiler.summary import summarize
from compiler.training.check import TrainingCheck, check_training
from domain.check import CheckRequest, CheckResult
from domain.errors import Fault, Invalid


def check(request: CheckRequest, sizes: SizeCounter) -> CheckResult:
    """Check a graph, and the training that the request contains.

    Args:
        request: The graph and the training.
        sizes: Stops the check at the node that exceeds a limit.
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            built, faults = _build(request, sizes)
            sizes.start_node(())
            summary = summarize(built) if built else None
        training = TrainingCheck([], {})
        if request.training is not None:
            training = check_training(request.training, built)
    finally:  # otherwise the next scope of this process would allocate these weights
        keras.utils.clear_session(free_memory=False)
    return CheckResult(
        summary=summary, faults=faults, recipe_faults=training.faults, targets=training.targets
    )


def _build(request: CheckRequest, sizes: SizeCounter) -> tuple[Built | None, list[Fault]]:
    try:
        return build(request.blueprint, None, sizes), []
    except Invalid as refusal:
        return None, list(refusal.faults)
