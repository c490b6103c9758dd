"""Changes of the OpenAPI document that break clients are found, and others are not."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from api.compare_openapi import BASELINE, check, is_breaking_step, main
from api.openapi.compatibility import find_breaking_changes

Document = dict[str, Any]
REFERENCE = "#/components/schemas/"


def answer(schema: str) -> dict[str, Any]:
    media = {"application/json": {"schema": {"$ref": REFERENCE + schema}}}
    return {"200": {"content": media, "headers": {"ETag": {}}}}


BASE: Document = {
    "info": {"version": "0.1.0"},
    "paths": {
        "/v1/things": {
            "post": {
                "operationId": "createThing",
                "parameters": [
                    {"in": "query", "name": "size", "schema": {"type": "integer", "maximum": 9}}
                ],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": REFERENCE + "Request"}}}
                },
                "responses": answer("Thing"),
            },
            "get": {"operationId": "listThings", "responses": answer("Thing")},
        }
    },
    "components": {
        "schemas": {
            "Request": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 9},
                    "kind": {"enum": ["a", "b"]},
                    "part": {"$ref": REFERENCE + "Part"},
                    "share": {"type": "number"},
                },
            },
            "Part": {"oneOf": [{"type": "string"}, {"$ref": REFERENCE + "Request"}]},
            "Thing": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "state": {"enum": ["new", "old"]},
                    "count": {"type": "integer"},
                    "things": {"type": "array", "items": {"$ref": REFERENCE + "Thing"}},
                },
            },
        }
    },
}


def schemas(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def operation(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/v1/things"]["post"]
    return found


def request(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = schemas(document)["Request"]
    return found


def thing(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = schemas(document)["Thing"]["properties"]
    return found


def rename_answer(document: Document) -> None:
    schemas(document)["Other"] = schemas(document)["Thing"]
    operation(document)["responses"] = answer("Other")


BREAKING: dict[str, Callable[[Document], Any]] = {
    "a path": lambda d: d["paths"].pop("/v1/things"),
    "an operation": lambda d: d["paths"]["/v1/things"].pop("get"),
    "an operation's id": lambda d: operation(d).update(operationId="addThing"),
    "a response": lambda d: operation(d)["responses"].pop("200"),
    "a header": lambda d: operation(d)["responses"]["200"].pop("headers"),
    "a media type of an answer": lambda d: operation(d)["responses"]["200"].update(content={}),
    "a media type of a request": lambda d: operation(d)["requestBody"].update(content={}),
    "a needed body": lambda d: operation(d)["requestBody"].update(required=True),
    "a parameter": lambda d: operation(d).update(parameters=[]),
    "a needed parameter": lambda d: operation(d)["parameters"][0].update(required=True),
    "a narrower parameter": lambda d: operation(d)["parameters"][0]["schema"].update(maximum=8),
    "a field of a request": lambda d: request(d)["properties"].pop("kind"),
    "a needed field": lambda d: request(d)["required"].append("kind"),
    "a value of a request": lambda d: request(d)["properties"]["kind"]["enum"].pop(),
    "a narrower type": lambda d: request(d)["properties"]["share"].update(type="integer"),
    "a shorter text": lambda d: request(d)["properties"]["name"].update(maxLength=8),
    "a pattern": lambda d: request(d)["properties"]["name"].update(pattern="^x"),
    "a choice": lambda d: schemas(d)["Part"]["oneOf"].pop(0),
    "a field of an answer": lambda d: thing(d).pop("count"),
    "a needed field of an answer": lambda d: thing(d).pop("id"),
    "a field that may be absent": lambda d: schemas(d)["Thing"]["required"].remove("id"),
    "a field that may be null": lambda d: thing(d)["id"].update(type=["string", "null"]),
    "a wider type of an answer": lambda d: thing(d)["count"].update(type="number"),
    "a new value of an answer": lambda d: thing(d)["state"]["enum"].append("other"),
}
HARMLESS: dict[str, Callable[[Document], Any]] = {
    "nothing": lambda d: None,
    "a path": lambda d: d["paths"].update({"/v1/others": {}}),
    "a parameter": lambda d: operation(d)["parameters"].append(
        {"in": "query", "name": "page", "schema": {"type": "integer"}}
    ),
    "a wider parameter": lambda d: operation(d)["parameters"][0]["schema"].pop("maximum"),
    "a field of a request": lambda d: request(d)["properties"].update(more={"type": "string"}),
    "a field no longer needed": lambda d: request(d)["required"].remove("name"),
    "a value of a request": lambda d: request(d)["properties"]["kind"]["enum"].append("c"),
    "a wider type": lambda d: request(d)["properties"]["name"].update(type=["string", "null"]),
    "a choice": lambda d: schemas(d)["Part"]["oneOf"].append({"type": "array"}),
    "a field of an answer": lambda d: thing(d).update(more={"type": "string"}),
    "a field that is always there": lambda d: schemas(d)["Thing"]["required"].append("count"),
    "a value no longer answered": lambda d: thing(d)["state"]["enum"].pop(),
    "a response": lambda d: operation(d)["responses"].update({"202": {}}),
    "a renamed component": rename_answer,
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING.keys())
def test_a_breaking_change_is_found(change: Callable[[Document], Any]) -> None:
    changed = deepcopy(BASE)
    change(changed)
    assert find_breaking_changes(BASE, changed)


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_harmless_change_is_none(change: Callable[[Document], Any]) -> None:
    changed = deepcopy(BASE)
    change(changed)
    assert find_breaking_changes(BASE, changed) == []


def test_a_line_names_the_operation_and_the_place() -> None:
    changed = deepcopy(BASE)
    request(changed)["properties"]["kind"]["enum"].remove("b")
    (line,) = find_breaking_changes(BASE, changed)
    assert line.startswith('POST /v1/things: Request.kind may be "b"')


@pytest.mark.parametrize(
    ("old", "new", "breaks"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.9", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("1.2.0", "2.0.0", True),
        ("2.0.0", "1.9.0", False),
    ],
)
def test_only_a_step_of_the_version_allows_a_breaking_change(
    old: str, new: str, *, breaks: bool
) -> None:
    assert is_breaking_step(old, new) is breaks
    before, after = deepcopy(BASE), deepcopy(BASE)
    before["info"]["version"], after["info"]["version"] = old, new
    del after["paths"]["/v1/things"]["get"]
    assert (check(before, after) == []) is breaks


def test_the_committed_document_breaks_no_client_of_the_baseline() -> None:
    assert BASELINE.exists()
    assert main([]) == 0
