"""The query parameters that a route accepts are those of the OpenAPI document."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS, create_app
from api.dependencies.query_check import list_query_parameters


def _is_list(schema: dict[str, Any]) -> bool:
    variants = schema.get("anyOf", [schema])
    return any(variant.get("type") == "array" for variant in variants)


def test_the_query_parameters_of_each_route_are_those_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHFIT_DATA", str(tmp_path))
    paths = create_app().openapi()["paths"]
    routes = [route for router in ROUTERS for route in router.routes]
    listed = 0
    for route in routes:
        assert isinstance(route, APIRoute)
        assert route.methods
        found = paths.get(route.path_format, {})
        operations = [found[method.lower()] for method in route.methods if method.lower() in found]
        for operation in operations:
            known = {
                item["name"]: _is_list(item["schema"])
                for item in operation.get("parameters", ())
                if item["in"] == "query"
            }
            assert list_query_parameters(route) == known
            listed += 1
        if not operations:
            assert list_query_parameters(route) is None
    assert listed == sum(len(operations) for operations in paths.values())
