"""JSON Pointers of faults."""

import pytest
from pydantic import ValidationError

from domain.job.job import JobRequest
from domain.pointer import clipped, located, pointer


def test_tokens_are_escaped() -> None:
    assert pointer("a/b", 2, "c~d") == "/a~1b/2/c~0d"


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("/graph/nodes/3/layer", "/graph"),
        ("/compile/loss/0", "/compile/loss/0"),
        ("/compile/optimiser", "/compile/optimiser"),
        ("", ""),
    ],
)
def test_a_pointer_is_clipped_to_the_body(long: str, short: str) -> None:
    body = {"graph": "graph_1", "compile": {"loss": ["mse"]}}
    assert clipped(long, body) == short


def test_union_tags_are_left_out_of_a_location() -> None:
    body = {
        "graph": {
            "inputs": [{"name": "x", "shape": [1]}],
            "nodes": [{"name": "y", "layer": {"type": "Dense", "confg": {}}, "inputs": 5}],
            "outputs": [{"nam": "y", "from": "y"}],
        },
        "fit": {"epochs": 0},
    }
    with pytest.raises(ValidationError) as caught:
        JobRequest.model_validate(body)
    places = {
        located(error["loc"], body, missing=error["type"] == "missing")
        for error in caught.value.errors()
    }
    assert places == {
        "/graph/nodes/0/layer/confg",
        "/graph/nodes/0/inputs",
        "/graph/outputs/0/name",
        "/graph/outputs/0/nam",
        "/fit/epochs",
    }
