"""Checks a graph, and how it is to be trained, without allocating a weight."""

import keras

from compiler.model.build import Built, build
from compiler.model.size_limits import Meter
from compiler.summary import summary_of
from compiler.training.check import training_faults
from domain.check import CheckRequest, CheckResult
from domain.errors import Fault, Invalid


def check(request: CheckRequest, meter: Meter) -> CheckResult:
    """Check a graph, and a training with it, without allocating a weight."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            built, faults = _build(request, meter)
            meter.enter(())
            summary = summary_of(built) if built else None
        wrong = training_faults(request.training, built) if request.training else []
    finally:  # otherwise the next scope of this process would allocate these weights
        keras.utils.clear_session(free_memory=False)
    return CheckResult(summary=summary, faults=faults, recipe_faults=wrong)


def _build(request: CheckRequest, meter: Meter) -> tuple[Built | None, list[Fault]]:
    try:
        return build(request.blueprint, None, meter), []
    except Invalid as refusal:
        return None, list(refusal.faults)
