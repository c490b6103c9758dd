"""The OpenAPI document of the application, adapted from the one that FastAPI generates."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems.types import MEDIA_TYPE
from domain.contract import Result

DESCRIPTION = """Post a graph, get a fitted model.

Describe a directed acyclic graph of Keras layers in JSON, send data, and get back training
history, weights, files and predictions. Every error is a problem document (RFC 9457)."""
KEY = "key"
KEY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (`gf_...`), as `graphfit keys create` prints it. Requests "
    "need one only if the service runs with `GRAPHFIT_AUTH=keys`.",
}
TAGS = [
    {"name": "graphs", "description": "Directed acyclic graphs of layers."},
    {"name": "layers", "description": "The catalogue of the layers and functions that graphs use."},
    {"name": "datasets", "description": "Named columns with equally many rows."},
    {"name": "jobs", "description": "Trainings, from the queue to the model."},
    {"name": "models", "description": "The results of jobs: files and predictions."},
    {"name": "service", "description": "The service itself."},
]


def set_document(app: FastAPI) -> None:
    """Sets the OpenAPI document that the application serves."""

    def get_document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _make_document(app)
        return app.openapi_schema

    app.openapi = get_document  # type: ignore[method-assign]


def _make_document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Graphfit",
        version=version("graphfit"),
        summary="Builds and trains Keras functional models.",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    document["components"]["securitySchemes"] = {KEY: KEY_SCHEME}
    for path in document["paths"].values():
        for operation in path.values():
            _correct_problems(operation["responses"])
            operation["security"] = [{KEY: []}] if "401" in operation["responses"] else []
    for name in _list_result_names() & document["components"]["schemas"].keys():
        for part in document["components"]["schemas"][name]["properties"].values():
            _allow_null(part)
    document["components"]["schemas"].pop("HTTPValidationError", None)
    document["components"]["schemas"].pop("ValidationError", None)
    return document


def _correct_problems(responses: dict[str, Any]) -> None:
    """Removes FastAPI's own 422, and sets the media type of problem documents."""
    for status, response in list(responses.items()):
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        if schema.endswith("/HTTPValidationError"):
            del responses[status]
        elif schema.endswith("/Problem"):
            response["content"] = {MEDIA_TYPE: content["application/json"]}


def _list_result_names() -> set[str]:
    """Returns the schema names of all subclasses of `Result`."""
    found, waiting = set(), [Result]
    while waiting:
        kind = waiting.pop()
        found.add(kind.__name__)
        waiting.extend(kind.__subclasses__())
    return found


def _allow_null(schema: dict[str, Any]) -> None:
    """Allows `null` for each number, which stands for a number that is not finite."""
    if schema.get("type") == "number":
        schema["type"] = ["number", "null"]
    for inner in ("additionalProperties", "items"):
        if isinstance(schema.get(inner), dict):
            _allow_null(schema[inner])
