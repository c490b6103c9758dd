"""The OpenAPI document of the application, adapted from the one that FastAPI generates."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.openapi.answer_examples import add_answer_examples
from api.openapi.components import name_bodies, name_unions
from api.openapi.directions import separate_answers
from api.openapi.headers import add_headers
from api.openapi.integers import set_integer_formats
from api.openapi.operations import list_operations
from api.openapi.problem_examples import add_problem_examples
from api.problems.types import MEDIA_TYPE
from domain.contract import Result
from models_store.datasets.formats.json.columns import SCHEMA as DATASET_REQUEST

DESCRIPTION = """Post a graph, get a fitted model.

Describe a directed acyclic graph of Keras layers in JSON, send data, and get back training
history, weights, files and predictions. Every error is a problem document (RFC 9457);
[/problems](/problems) lists their types.

Where to begin:

1. `POST /v1/jobs`: *Try it out*, *Execute*. The first example is a graph with data that trains.
2. `GET /v1/jobs/{id}`: ask with the `id` of the answer until `is_terminal` is true.
3. `POST /v1/models/{id}:predict`: ask the job's `model` about the three irises of the example."""
CONTACT = {"name": "The operator of this service"}
SERVERS: list[dict[str, Any]] = [{"url": "/", "description": "This server."}]
KEY = "key"
KEY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (`gf_...`), as `graphfit keys create` prints it. Requests "
    "need one only if the service runs with `GRAPHFIT_AUTH=keys`.",
}
TAGS = [
    {"name": "jobs", "description": "Trainings, from the queue to the model."},
    {"name": "sweeps", "description": "Searches for hyperparameters, whose trials are jobs."},
    {"name": "models", "description": "The results of jobs: files and predictions."},
    {"name": "datasets", "description": "Named columns with equally many rows."},
    {"name": "uploads", "description": "Large files, which are sent in parts."},
    {"name": "graphs", "description": "Directed acyclic graphs of layers."},
    {"name": "layers", "description": "The catalogue of the layers and functions that graphs use."},
    {
        "name": "components",
        "description": "The catalogues of what layers and trainings use: optimizers, losses, "
        "metrics, schedules, callbacks, initializers, regularizers, constraints and activations.",
    },
    {"name": "service", "description": "The service itself."},
]
"""The groups of operations, in the order of the documentation's page."""
_SUCCESS = "Successful Response"
"""FastAPI's description of a response, if the route gives none."""
_SUCCESSES = {
    "200": "The request has succeeded.",
    "201": "The resource is stored; `Location` is its address.",
    "202": "The job or the sweep is accepted, or the change of its state.",
    "204": "The resource is deleted.",
}
"""Descriptions of responses without one, by status."""


_UNUSED = ("HTTPValidationError", "ValidationError", "ColumnPart", "FilePlace", "View")
"""Components of FastAPI's own, and of fields that clients do not see."""


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
        servers=SERVERS,
        contact=CONTACT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    document["components"]["securitySchemes"] = {KEY: KEY_SCHEME}
    for _, operation in list_operations(document):
        _correct_problems(operation["responses"])
        _describe_successes(operation["responses"])
        operation["security"] = [{KEY: []}] if "401" in operation["responses"] else []
    _correct_components(document["components"]["schemas"])
    name_bodies(document)
    name_unions(document)
    separate_answers(document)
    set_integer_formats(document)
    add_headers(document)
    add_answer_examples(document)
    add_problem_examples(document)
    return document


def _correct_components(components: dict[str, Any]) -> None:
    """Allows `null` for the numbers of results, and removes FastAPI's own components.

    A dataset that a job brings has the schema of a dataset that is posted.
    """
    components["DatasetRequest"] = DATASET_REQUEST
    for name in _list_result_names() & components.keys():
        for part in components[name]["properties"].values():
            _allow_null(part)
    for name in _UNUSED:
        components.pop(name, None)


def _correct_problems(responses: dict[str, Any]) -> None:
    """Removes FastAPI's own 422, and sets the media type of problem documents."""
    for status, response in list(responses.items()):
        content = response.get("content", {})
        media = content.pop("application/json", None) if MEDIA_TYPE in content else None
        if media is not None:
            content[MEDIA_TYPE].update(media)
        elif _is_validation_error(content):
            del responses[status]


def _describe_successes(responses: dict[str, Any]) -> None:
    """Replaces FastAPI's description of responses that have no other."""
    for status, response in responses.items():
        if response["description"] == _SUCCESS:
            response["description"] = _SUCCESSES[status]


def _is_validation_error(content: dict[str, Any]) -> bool:
    reference: str = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.endswith("/HTTPValidationError")


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
    choices = schema.get("anyOf", [])
    if {"type": "null"} not in choices:
        for choice in choices:
            _allow_null(choice)
