"""Where a job's request says what its recipe says by name."""

from collections.abc import Sequence

from domain.errors import Fault
from domain.job.job import JobRequest
from domain.job.recipe import Component
from domain.pointer import pointer, tokens_of


def in_request(fault: Fault, request: JobRequest, outputs: list[str]) -> Fault:
    """A fault at `/compile/loss/<output>/...`, at the place that the request really has.

    Args:
        outputs: Of the graph, in its order.
    """
    tokens = tokens_of(fault.pointer)
    if tokens[:2] not in (["compile", "loss"], ["compile", "metrics"]) or len(tokens) < 3:
        return fault
    head, name, rest = tokens[:2], tokens[2], tokens[3:]
    given = request.compile.loss if head[1] == "loss" else request.compile.metrics
    if isinstance(given, dict):
        return fault
    if isinstance(given, list):
        index = _index(given, name, outputs, head[1])
        kept = head if index is None else [*head, str(index), *rest]
    else:
        kept = [*head, *rest] if isinstance(given, Component) else head
    return fault.at(pointer(*kept))


def _index(given: Sequence[object], name: str, outputs: list[str], part: str) -> int | None:
    """Of the entry for one output; a flat list of metrics may be that of a single output."""
    if part == "metrics" and len(given) != len(outputs):
        return 0 if len(given) == 1 else None
    if part == "metrics" and len(outputs) == 1 and not isinstance(given[0], list):
        return 0 if len(given) == 1 else None
    return outputs.index(name) if name in outputs else None
