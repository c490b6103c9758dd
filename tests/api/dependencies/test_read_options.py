"""The options of reading a dataset as query parameters, through HTTP."""

import httpx
import pytest

from tests.support.api_server import Server

BODY = b'{"columns": {"x": [1, 2]}}'


def post(server: Server, query: str) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return server.client.post(f"/v1/datasets?{query}", content=BODY, headers=headers)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("delimiter=ab", "`delimiter`"),
        ("header=perhaps", "`header`"),
        ("dtype.x=int", "`dtype.x`"),
        ("shape.x=8,b", "`shape.x`"),
        ("shape.x=0", "`shape.x`"),
        ("vector.pixels=pixel", "`vector.pixels`"),
        ("delimeter=,", "'delimiter'"),
        ("dtyp.x=int32", "'dtyp.x'"),
        ("delimiter=%3B", "does not apply to application/json"),
        ("null=-&null=", "does not apply to application/json"),
        ("dtype.x=int32&dtype.x=int8", "more than once"),
    ],
)
def test_a_wrong_parameter_is_named(server: Server, query: str, named: str) -> None:
    answer = post(server, query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [""]
    assert named in answer.json()["errors"][0]["detail"]


def test_every_wrong_parameter_is_listed(server: Server) -> None:
    answer = post(server, "shape.x=0&dtype.y=double&delimiter=")
    assert len(answer.json()["errors"]) == 3
