"""Keras's own JSON, in and out: forked children read and write it, for they know Keras's layers."""

import json
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from application.children.pool import Bounds, Checker, Unfinished
from application.settings import Settings
from application.submission.expand import limits_of
from application.submission.graph_draft import Draft
from domain.entrypoints import Entrypoint
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint
from domain.keras_json import ReadResult, WriteResult
from domain.source_map import SourceMap

FIELD = "/keras_json"


def read(checker: Checker, settings: Settings, keras_json: Any, body: Any) -> Draft:
    """The graph that Keras's JSON describes.

    Args:
        keras_json: What `model.to_json()` gives: text, or that text's value.
        body: Of the request, for pointers into it.

    Raises:
        Invalid: it is no model's JSON, or holds what a graph cannot.
        Busy: too many graphs are being checked.
    """
    text = keras_json if isinstance(keras_json, str) else json.dumps(keras_json)
    try:
        found = ReadResult.model_validate_json(
            checker.run(
                Entrypoint.READ_KERAS_JSON,
                text,
                limits_of(settings),
                bounds=Bounds.of_check(settings),
            )
        )
    except Unfinished as error:
        raise _unfinished("read", FIELD, error) from error
    source = SourceMap(prefix=FIELD, body=body, is_text=isinstance(keras_json, str))
    if found.definition is None:
        raise Invalid(source.locate_all(found.faults))
    places = {"": "", **found.places}
    return Draft(found.definition, replace(source, places=places), found.renamed)


def written(checker: Checker, settings: Settings, blueprint: Blueprint) -> dict[str, JsonValue]:
    """What plain Keras's `model_from_json` takes.

    Raises:
        Invalid: Keras's JSON would describe another model; the faults name the nodes.
        Busy: too many graphs are being checked.
    """
    document = blueprint.model_dump_json(by_alias=True)
    try:
        found = WriteResult.model_validate_json(
            checker.run(Entrypoint.WRITE_KERAS_JSON, document, bounds=Bounds.of_check(settings))
        )
    except Unfinished as error:
        raise _unfinished("written", "", error) from error
    if found.keras_json is None:
        raise Invalid(found.faults)
    return found.keras_json


def _unfinished(verb: str, pointer: str, error: Unfinished) -> Invalid:
    detail = f"Keras's JSON could not be {verb}. {error.detail}"
    return Invalid([Fault(pointer=pointer, detail=detail)])
