"""Checks that exceed their limits, and internal errors of checks."""

import re
from typing import Any

import pytest

from api.settings import Settings
from application.children.pool import Failed
from application.submission import check
from application.submission.check import check_graph
from domain.graph.language import Blueprint
from tests.api.requests import DENSE, graph
from tests.support.api_server import Server

CHAIN = [
    {"name": f"n{i}", "layer": DENSE, "inputs": f"n{i - 1}" if i else "x"} for i in range(3_000)
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "detail"),
    [
        ({"check_seconds": 1.5}, r"longer than 1\.5 seconds \(CHECK_SECONDS\)"),
        (
            {"check_memory_bytes": 2**25, "check_seconds": 240},
            r"the 33,554,432 bytes .* \(CHECK_MEMORY_BYTES\)",
        ),
    ],
)
def test_a_check_over_its_limits_has_a_fault_at_the_node(
    server: Server, limits: dict[str, Any], detail: str
) -> None:
    definition = graph(nodes=CHAIN, outputs=["n2999"])
    blueprint = Blueprint.model_validate({"definition": definition})
    (fault,) = check_graph(server.parts.checker, Settings(**limits), blueprint).faults
    assert re.fullmatch(r"/nodes/[1-9]\d*", fault.pointer)
    assert re.search(detail, fault.detail)


def test_an_internal_error_of_the_check_is_not_a_fault_of_the_graph(server: Server) -> None:
    inner = {
        "type": "Graph",
        "graph": "graph_00000000000000000000000000",
    }  # the graph is not expanded
    blueprint = Blueprint.model_validate({"definition": graph(inner)})
    with pytest.raises(Failed, match="TypeError"):
        check_graph(server.parts.checker, Settings(), blueprint)


def test_the_client_gets_an_internal_error_without_details(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        CHECK_GRAPH = "operator.index"  # it does not accept two arguments, so a real child fails

    monkeypatch.setattr(check, "Entrypoint", Broken)
    answer = server.client.post("/v1/graphs", json={"definition": graph()})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "operator" not in answer.text
    assert "TypeError" not in answer.text
