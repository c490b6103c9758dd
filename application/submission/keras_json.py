"""Converts between Keras's JSON and graphs, in forked children, which import Keras."""

import json
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from application.children.pool import Bounds, Checker, Unfinished
from application.settings import Settings
from application.submission.expand import get_graph_limits
from application.submission.graph_draft import GraphDraft
from domain.entrypoints import Entrypoint
from domain.errors import Fault, Invalid
from domain.graph.keras_json import ReadResult, WriteResult
from domain.graph.language import Blueprint
from domain.json.source_map import SourceMap

FIELD = "/keras_json"


def read_graph(checker: Checker, settings: Settings, keras_json: Any, body: Any) -> GraphDraft:
    """Returns the graph that Keras's JSON describes.

    Args:
        keras_json: The output of `model.to_json()`, as text or parsed.
        body: The request body, which fault pointers refer to.

    Raises:
        Invalid: it is not the JSON of a model, or a graph cannot express it.
        Busy: too many graphs are being checked.
    """
    text = keras_json if isinstance(keras_json, str) else json.dumps(keras_json)
    try:
        result = ReadResult.model_validate_json(
            checker.run(
                Entrypoint.READ_KERAS_JSON,
                text,
                get_graph_limits(settings),
                bounds=Bounds.of_check(settings),
            )
        )
    except Unfinished as error:
        raise _make_error("read", FIELD, error) from error
    source = SourceMap(prefix=FIELD, body=body, is_text=isinstance(keras_json, str))
    if result.definition is None:
        raise Invalid(source.locate_all(result.faults))
    places = {"": "", **result.places}
    return GraphDraft(result.definition, replace(source, places=places), result.renamed)


def write_graph(checker: Checker, settings: Settings, blueprint: Blueprint) -> dict[str, JsonValue]:
    """Returns the JSON value that `keras.models.model_from_json` reads.

    Raises:
        Invalid: Keras's JSON cannot express the graph; the faults name the nodes.
        Busy: too many graphs are being checked.
    """
    document = blueprint.model_dump_json(by_alias=True)
    try:
        result = WriteResult.model_validate_json(
            checker.run(Entrypoint.WRITE_KERAS_JSON, document, bounds=Bounds.of_check(settings))
        )
    except Unfinished as error:
        raise _make_error("written", "", error) from error
    if result.keras_json is None:
        raise Invalid(result.faults)
    return result.keras_json


def _make_error(verb: str, pointer: str, error: Unfinished) -> Invalid:
    detail = f"Keras's JSON could not be {verb}. {error.detail}"
    return Invalid([Fault(pointer=pointer, detail=detail)])
