"""The OpenAPI document is valid, current and complete."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.app import create_app
from api.openapi.schema_tree import find_components, get_reference, walk
from api.problems.types import MEDIA_TYPE, PROBLEMS
from api.write_openapi import FILE, main
from tests.api.openapi.schema_check import check

VERBS = {
    *("append", "cancel", "create", "delete", "describe", "finish", "get", "list"),
    *("pause", "predict", "resume", "split"),
}
BINARY = {
    "application/octet-stream",
    "application/*",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
    "application/vnd.safetensors",
    "application/x-npz",
}


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


def responses(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            yield name, status, response


def components(document: dict[str, Any], *, of_requests: bool) -> set[str]:
    """Returns the names of the schemas of all request bodies, or of all responses."""
    contents = [
        content
        for _, operation in operations(document)
        for content in (
            [operation.get("requestBody", {}).get("content", {})]
            if of_requests
            else [response.get("content", {}) for response in operation["responses"].values()]
        )
    ]
    roots = [
        media["schema"] for content in contents for media in content.values() if "schema" in media
    ]
    return find_components(document["components"]["schemas"], roots)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_the_committed_document_is_current(document: dict[str, Any]) -> None:
    assert json.loads(FILE.read_text()) == document
    assert main(["--check"]) == 0


def test_the_document_names_its_server_its_contact_and_its_license(
    document: dict[str, Any],
) -> None:
    assert [server["url"] for server in document["servers"]] == ["/"]
    assert document["info"]["contact"]["name"]
    assert document["info"]["license"]["identifier"] == "Apache-2.0"


def test_every_operation_has_a_description(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


def test_every_operation_id_is_a_verb_and_a_noun(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for name in ids:
        verb, *nouns = re.findall(r"^[a-z]+|[A-Z][a-z]+", name)
        assert verb in VERBS, name
        assert nouns or verb == "predict", name
        assert verb + "".join(nouns) == name


def test_every_error_response_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        refusals = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert refusals, name
        for status, response in refusals.items():
            assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_every_error_response_shows_its_own_problems(document: dict[str, Any]) -> None:
    kinds = {kind.slug: kind for kind in PROBLEMS}
    for path, methods in document["paths"].items():
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", r"[^/{}]+", re.escape(path)))
        for operation in methods.values():
            for status, response in operation["responses"].items():
                media = response.get("content", {}).get(MEDIA_TYPE, {})
                assert (status >= "400") == bool(media.get("examples")), (path, status)
                for slug, example in media.get("examples", {}).items():
                    problem = example["value"]
                    check(document, media["schema"], problem)
                    assert ("error" in problem) == (operation["operationId"] == "predict")
                    assert str(problem["status"]) == status
                    assert problem["type"] == kinds[slug].uri
                    assert problem["title"] == kinds[slug].title
                    assert pattern.fullmatch(problem["instance"]), problem["instance"]


def test_every_success_with_a_body_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for name, status, response in responses(document):
        if status >= "300":
            continue
        for media_type, media in response.get("content", {}).items():
            if media_type in BINARY:
                continue
            assert "example" in media, f"{name}: write one into openapi/answers/"
            check(document, media.get("schema", {}), media["example"])


def test_every_header_of_a_response_is_described(document: dict[str, Any]) -> None:
    found = {}
    for name, status, response in responses(document):
        for header, reference in response.get("headers", {}).items():
            assert reference == {"$ref": f"#/components/headers/{header}"}
            found[name, status, header] = True
    described = document["components"]["headers"]
    assert {header for _, _, header in found} == described.keys()
    assert ("post /v1/jobs", "202", "Location") in found
    assert ("post /v1/datasets", "201", "Location") in found
    assert ("get /v1/jobs/{id}", "200", "ETag") in found
    assert ("get /v1/jobs/{id}", "200", "Retry-After") in found


def test_result_numbers_may_be_null(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    metrics = schemas["JobAnswer"]["properties"]["metrics"]["additionalProperties"]
    assert get_reference(metrics) == "MetricValue"
    number, numbers = schemas["MetricValue"]["anyOf"]
    assert number["type"] == numbers["items"]["type"] == ["number", "null"]
    assert "HTTPValidationError" not in schemas


def test_requests_are_closed_and_say_no_defaults(document: dict[str, Any]) -> None:
    for name in components(document, of_requests=True):
        for schema in walk(document["components"]["schemas"][name]):
            assert "default" not in schema, name
            if "properties" in schema:
                assert schema["additionalProperties"] is False, name


def test_a_default_of_a_request_is_in_the_description(document: dict[str, Any]) -> None:
    fit = document["components"]["schemas"]["Fit"]
    assert fit["properties"]["batch_size"]["description"].endswith("Default: `32`.")
    assert "batch_size" not in fit.get("required", ())


def test_answers_are_open_for_new_fields(document: dict[str, Any]) -> None:
    answered = components(document, of_requests=False)
    assert "GraphDefinitionAnswer" in answered
    assert "GraphDefinition" not in answered
    for name in answered:
        for schema in walk(document["components"]["schemas"][name]):
            assert schema.get("additionalProperties") is not False, name
            assert "default" not in schema, name
            assert "oneOf" not in schema, name  # open schemas overlap


def test_every_union_is_a_component(document: dict[str, Any]) -> None:
    for name, component in document["components"]["schemas"].items():
        for schema in walk(component):
            choices = schema.get("anyOf") or schema.get("oneOf") or []
            others = [choice for choice in choices if choice != {"type": "null"}]
            assert schema is component or len(others) < 2, name


def test_every_component_is_used(document: dict[str, Any]) -> None:
    used = components(document, of_requests=True) | components(document, of_requests=False)
    parameters = {
        get_reference(parameter["schema"].get("anyOf", [parameter["schema"]])[0])
        for _, operation in operations(document)
        for parameter in operation.get("parameters", ())
    }
    assert document["components"]["schemas"].keys() - used - parameters == set()


def test_every_integer_has_a_format(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, component in schemas.items():
        for schema in walk(component):
            if "integer" in (schema.get("type"), *schema.get("type", ())):
                assert schema["format"] in ("int32", "int64"), name
    assert schemas["DatasetAnswer"]["properties"]["bytes"]["format"] == "int64"
    assert schemas["DatasetAnswer"]["properties"]["rows"]["format"] == "int64"


def test_every_array_has_items(document: dict[str, Any]) -> None:
    for name, component in document["components"]["schemas"].items():
        for schema in walk(component):
            assert schema.get("type") != "array" or "items" in schema, name


@pytest.mark.parametrize(("path", "part"), [("/v1/graphs", "graph"), ("/v1/jobs", "job")])
def test_the_examples_match_their_schema(document: dict[str, Any], path: str, part: str) -> None:
    media = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert {"dense", "multi_input", "shared_lstm", "model_as_layer"} <= media["examples"].keys()
    schema = {**media["schema"], "components": document["components"]}
    for example in media["examples"].values():
        Draft202012Validator(schema).validate(example["value"])
    assert part


def request_examples(document: dict[str, Any], path: str) -> Any:
    media = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    named = [example["value"] for example in media.get("examples", {}).values()]
    return named or [media["example"]]


def test_the_first_examples_of_all_operations_fit_each_other(document: dict[str, Any]) -> None:
    job = request_examples(document, "/v1/jobs")[0]
    graph = request_examples(document, "/v1/graphs")[0]
    (dataset,) = request_examples(document, "/v1/datasets")
    (prediction,) = request_examples(document, "/v1/models/{id}:predict")
    assert graph["definition"] == job["graph"]
    names = {item["name"] for item in job["graph"]["inputs"]} | set(job["graph"]["outputs"])
    assert job["dataset"]["columns"].keys() == dataset["columns"].keys() == names
    (size,) = job["graph"]["inputs"][0]["shape"]
    assert [len(row) for row in prediction["instances"]] == [size] * 3


def test_the_examples_of_answers_are_about_the_first_examples_of_requests(
    document: dict[str, Any],
) -> None:
    job = request_examples(document, "/v1/jobs")[0]
    answers = {
        operation["operationId"]: media["example"]
        for _, operation in operations(document)
        for status, response in operation["responses"].items()
        for media in response.get("content", {}).values()
        if status < "300" and "example" in media
    }
    inputs = [item["name"] for item in job["graph"]["inputs"]]
    signature = answers["getModel"]["signature"]
    assert [tensor["name"] for tensor in signature["inputs"]] == inputs
    assert [tensor["name"] for tensor in signature["outputs"]] == job["graph"]["outputs"]
    columns = {column["name"] for column in answers["getDataset"]["columns"]}
    assert (
        columns == answers["getDatasetRows"]["columns"].keys() == job["dataset"]["columns"].keys()
    )
    nodes = [node["name"] for node in answers["getGraph"]["definition"]["nodes"]]
    assert nodes == [node["name"] for node in job["graph"]["nodes"]]
    assert answers["getJob"]["model"] == answers["getModel"]["id"]
    assert answers["getModel"]["job"] == answers["getJob"]["id"]
    assert answers["getJob"]["request"]["dataset"] == answers["getDataset"]["id"]
    assert answers["getJob"]["name"] == job["name"]
    files = {file["name"]: file["sha256"] for file in answers["getModel"]["files"]}
    changed = document["paths"]["/v1/models/{id}/files/{name}"]["get"]["responses"]["412"]
    (problem,) = changed["content"][MEDIA_TYPE]["examples"].values()
    assert files["model.keras"] in problem["value"]["detail"]
    rows = answers["predict"]["predictions"]
    assert [row.index(max(row)) for row in rows] == [0, 1, 2]


def test_the_first_example_of_a_job_has_real_data(document: dict[str, Any]) -> None:
    from sklearn.datasets import load_iris

    columns = request_examples(document, "/v1/jobs")[0]["dataset"]["columns"]
    real = load_iris()
    known = {
        (*map(float, row), int(kind)) for row, kind in zip(real.data, real.target, strict=True)
    }
    given = [
        (*map(float, row), kind)
        for row, kind in zip(columns["measures"], columns["species"], strict=True)
    ]
    assert len(given) == 60
    assert set(given) <= known


def test_a_dataset_is_one_component(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    fields = {"columns", "dtypes"}
    bodies = [name for name, schema in schemas.items() if fields <= {*schema.get("properties", ())}]
    assert bodies == ["DatasetRequest"]
    body = document["paths"]["/v1/datasets"]["post"]["requestBody"]["content"]["application/json"]
    assert get_reference(body["schema"]) == "DatasetRequest"
    choices = schemas["DatasetIdOrRequest"]["oneOf"]
    assert [get_reference(choice) for choice in choices] == [None, "DatasetRequest"]
    for field in ("dataset", "validation_dataset"):
        first, null = schemas["JobRequest"]["properties"][field]["anyOf"]
        assert get_reference(first) == "DatasetIdOrRequest"
        assert null == {"type": "null"}


def test_every_response_says_what_it_is(document: dict[str, Any]) -> None:
    for name, status, response in responses(document):
        assert response["description"] != "Successful Response", (name, status)


def test_a_request_body_may_fail_its_condition(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("delete", "post"):
                assert "412" in operation["responses"], (method, path)
