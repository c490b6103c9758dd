"""The OpenAPI document of an application, in our words rather than FastAPI's."""

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
    "description": "An API key (`gf_...`), as `graphfit keys create` prints it. Needed where the "
    "service runs with `GRAPHFIT_AUTH=keys`; else no request needs one.",
}
TAGS = [
    {"name": "graphs", "description": "Directed acyclic graphs of layers."},
    {"name": "layers", "description": "What graphs are made of: the catalogue."},
    {"name": "datasets", "description": "Named columns with equally many rows."},
    {"name": "jobs", "description": "Trainings, from the queue to their model."},
    {"name": "models", "description": "What jobs made: files and predictions."},
    {"name": "service", "description": "The service itself."},
]


def described(app: FastAPI) -> None:
    """Lets an application give our document as its own."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
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
            _name_problems(operation["responses"])
            operation["security"] = [{KEY: []}] if "401" in operation["responses"] else []
    for name in _names_of_results() & document["components"]["schemas"].keys():
        for part in document["components"]["schemas"][name]["properties"].values():
            _allow_null(part)
    document["components"]["schemas"].pop("HTTPValidationError", None)
    document["components"]["schemas"].pop("ValidationError", None)
    return document


def _name_problems(responses: dict[str, Any]) -> None:
    """FastAPI's own 422 does not exist here, and problems have a media type of their own."""
    for status, response in list(responses.items()):
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        if schema.endswith("/HTTPValidationError"):
            del responses[status]
        elif schema.endswith("/Problem"):
            response["content"] = {MEDIA_TYPE: content["application/json"]}


def _names_of_results() -> set[str]:
    """What the schemas of our results are called."""
    found, waiting = set(), [Result]
    while waiting:
        kind = waiting.pop()
        found.add(kind.__name__)
        waiting.extend(kind.__subclasses__())
    return found


def _allow_null(schema: dict[str, Any]) -> None:
    """A number of a result that is not finite is `null`."""
    if schema.get("type") == "number":
        schema["type"] = ["number", "null"]
    for inner in ("additionalProperties", "items"):
        if isinstance(schema.get(inner), dict):
            _allow_null(schema[inner])
