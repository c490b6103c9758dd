"""The OpenAPI document is valid, current and complete."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.app import create_app
from api.write_openapi import FILE, main


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = create_app().openapi()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_the_committed_document_is_current(document: dict[str, Any]) -> None:
    assert json.loads(FILE.read_text()) == document
    assert main(["--check"]) == 0


def test_every_operation_has_a_description(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


def test_every_error_response_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        refusals = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert refusals, name
        for status, response in refusals.items():
            assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_result_numbers_may_be_null(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    metrics = schemas["JobAnswer"]["properties"]["metrics"]["additionalProperties"]
    assert metrics["type"] == ["number", "null"]
    assert "HTTPValidationError" not in schemas


@pytest.mark.parametrize(("path", "part"), [("/v1/graphs", "graph"), ("/v1/jobs", "job")])
def test_the_examples_match_their_schema(document: dict[str, Any], path: str, part: str) -> None:
    media = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert {"dense", "multi_input", "shared_lstm", "model_as_layer"} <= media["examples"].keys()
    schema = {**media["schema"], "components": document["components"]}
    for example in media["examples"].values():
        Draft202012Validator(schema).validate(example["value"])
    assert part
