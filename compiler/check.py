"""Checks a graph, and how it is to be trained, without allocating a weight."""

import keras

from compiler.model.build import BuiltModel, build
from compiler.model.size_limits import SizeCounter
from compiler.summary import summarize
from compiler.training.check import TrainingCheck, check_training
from domain.check import CheckRequest, CheckResult
from domain.errors import Fault, Invalid


def check(request: CheckRequest, sizes: SizeCounter) -> CheckResult:
    """Check a graph, and the training that the request contains.

    Args:
        request: The graph and the training.
        sizes: Raises Invalid at the node that exceeds a limit.

    Returns:
        The summary and the targets, or the faults of the graph and of the training.
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            built, faults = _build_model(request, sizes)
            sizes.start_node(())
            summary = summarize(built) if built else None
        training = TrainingCheck([], {})
        if request.training is not None:
            training = check_training(request.training, built)
    finally:  # otherwise the next scope in this process would allocate these weights
        keras.utils.clear_session(free_memory=False)
    return CheckResult(
        summary=summary, faults=faults, recipe_faults=training.faults, targets=training.targets
    )


def _build_model(
    request: CheckRequest, sizes: SizeCounter
) -> tuple[BuiltModel | None, list[Fault]]:
    try:
        return build(request.blueprint, None, sizes), []
    except Invalid as refusal:
        return None, list(refusal.faults)
