"""The limits of a job's request: numbers, keys and the lengths of lists."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import MOST_FAULTS
from domain.job.job import MOST_METADATA, JobRequest
from domain.job.limits import RequestLimits, find_limit_faults

LIMITS = RequestLimits(seconds=60, priority=2, metadata=3, schedule_length=4, list_length=6)
GRAPH = "graph_" + "0" * 26


def request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate({"graph": GRAPH, **fields})


def scheduled(length: int, **config: Any) -> dict[str, Any]:
    """Returns an optimizer with a schedule of so many boundaries."""
    steps = {"boundaries": [*range(length - 1)], "values": [0.1] * length}
    schedule = {"type": "PiecewiseConstantDecay", "config": steps}
    return {"type": "Adam", "config": {"learning_rate": schedule, **config}}


def find(**fields: Any) -> dict[str, str]:
    return {f.pointer: f.detail for f in find_limit_faults(request(**fields), LIMITS)}


def test_a_request_at_its_limits_has_no_fault() -> None:
    fields = {
        "limits": {"seconds": 60},
        "priority": 2,
        "metadata": {"a": "1", "b": "2", "c": "3"},
        "compile": {"optimizer": scheduled(4), "metrics": ["mae"] * 6},
        "fit": {"callbacks": ["TerminateOnNaN"] * 6},
    }
    assert find(**fields) == {}
    assert find_limit_faults(request(limits={"seconds": 10**9}), RequestLimits()) == []


@pytest.mark.parametrize(
    ("fields", "pointer", "words"),
    [
        ({"limits": {"seconds": 60.5}}, "/limits/seconds", "60 seconds (MAX_JOB_SECONDS)"),
        ({"priority": 3}, "/priority", "is 2 (MAX_PRIORITY)"),
        ({"metadata": dict.fromkeys("abcd", "")}, "/metadata", "3 metadata keys (MAX_METADATA)"),
        (
            {"compile": {"optimizer": scheduled(5)}},
            "/compile/optimizer/config/learning_rate/config/values",
            "4 items (MAX_SCHEDULE_LENGTH); this one has 5",
        ),
        ({"compile": {"metrics": ["mae"] * 7}}, "/compile/metrics", "6 items (MAX_LIST_LENGTH)"),
        (
            {"compile": {"metrics": {"y": [{"type": "AUC", "config": {"thresholds": [0.5] * 7}}]}}},
            "/compile/metrics/y/0/config/thresholds",
            "this one has 7",
        ),
        (
            {"compile": {"loss": {"type": "X", "config": {"alpha": {"deep": [[0] * 7]}}}}},
            "/compile/loss/config/alpha/deep/0",
            "this one has 7",
        ),
        ({"fit": {"callbacks": ["TerminateOnNaN"] * 7}}, "/fit/callbacks", "6 items"),
    ],
)
def test_a_value_beyond_its_limit_has_a_fault_at_its_place(
    fields: dict[str, Any], pointer: str, words: str
) -> None:
    found = find(**fields)
    assert [*found] == [pointer]
    assert words in found[pointer]


def test_at_most_a_hundred_faults_are_found() -> None:
    losses = [{"type": "X", "config": {"alpha": [0] * 7}}] * 6
    wide = {"compile": {"loss": {f"y{i}": loss for i in range(50) for loss in losses}}}
    many = {"compile": {"metrics": {f"y{i}": losses for i in range(50)}}}
    assert len(find_limit_faults(request(**wide), LIMITS)) == 50
    assert len(find_limit_faults(request(**many), LIMITS)) == MOST_FAULTS


@pytest.mark.slow
def test_millions_of_metadata_keys_are_refused_before_they_are_validated() -> None:
    keys: dict[str, Any] = {str(i): None for i in range(3_000_000)}  # None is no text
    with pytest.raises(ValidationError) as raised:
        request(metadata=keys)
    (error,) = raised.value.errors(include_input=False)
    assert error["loc"] == ("metadata",)
    assert f"at most {MOST_METADATA}" in error["msg"].replace(",", "")
