"""A check that takes too much is ended, and told at the node where it stood."""

import re
from typing import Any

import pytest

from api.settings import Settings
from application.submission.check import checked
from domain.graph.language import Blueprint
from tests.api.requests import DENSE, graph
from tests.support.api_server import Server

CHAIN = [
    {"name": f"n{i}", "layer": DENSE, "inputs": f"n{i - 1}" if i else "x"} for i in range(3_000)
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"check_seconds": 1.5}, r"longer than 1\.5 seconds \(CHECK_SECONDS\)"),
        (
            {"check_memory_bytes": 2**25, "check_seconds": 240},
            r"the 33,554,432 bytes .* \(CHECK_MEMORY_BYTES\)",
        ),
    ],
)
def test_where_time_or_memory_ran_out(server: Server, limits: dict[str, Any], said: str) -> None:
    definition = graph(nodes=CHAIN, outputs=["n2999"])
    blueprint = Blueprint.model_validate({"definition": definition})
    (fault,) = checked(server.parts.checker, Settings(**limits), blueprint).faults
    assert re.fullmatch(r"/nodes/[1-9]\d*", fault.pointer)
    assert re.search(said, fault.detail)
