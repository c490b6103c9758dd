"""Reads a graph from Keras's JSON; imports, calls and opens nothing that the JSON names."""

from typing import Any

from pydantic import ValidationError

from compiler.keras_json.parsing.document import (
    FaultCollector,
    TooManyFaults,
    expect,
    invalid_at,
    parse_json,
)
from compiler.keras_json.parsing.model_config import is_model
from compiler.keras_json.parsing.size_limits import check_size_limits
from compiler.keras_json.translation.fragment import Fragment
from compiler.keras_json.translation.layers import Context
from compiler.keras_json.translation.models import ModelTranslator
from compiler.keras_json.translation.names import NameMap
from domain.errors import MOST_FAULTS, Fault, Invalid
from domain.graph.keras_json import ReadResult
from domain.graph.language import GraphDefinition
from domain.graph.limits import STANDARD, Limits
from domain.json.source_map import SourceMap


def read(keras_json_text: str, limits: Limits = STANDARD) -> ReadResult:
    """Read a graph from the JSON of a model.

    Args:
        keras_json_text: The text of `model.to_json()`.
        limits: The limits of a graph.

    Returns:
        The graph, or all faults. If the document exceeds a limit, this is the only fault.
    """
    try:
        document = _parse_document(keras_json_text, limits)
    except Invalid as refusal:
        return ReadResult(faults=list(refusal.faults))
    found = _translate(document, FaultCollector())
    source = SourceMap(body=document)
    faults = [item.at(source.existing_place_of(item.pointer)) for item in found.faults]
    return found.model_copy(update={"faults": list(dict.fromkeys(faults))})


def _translate(document: dict[str, Any], collector: FaultCollector) -> ReadResult:
    names = NameMap(document)
    translator = ModelTranslator(names, collector)
    try:
        graph = collector.attempt(lambda: translator.graph(document, (), Context()))
    except TooManyFaults:
        return ReadResult(faults=collector.faults)
    if graph is None or collector.faults:
        return ReadResult(faults=collector.faults)
    return _validate(graph.definition, names)


def _parse_document(text: str, limits: Limits) -> dict[str, Any]:
    document = expect(parse_json(text), dict, ())
    check_size_limits(document, limits)
    if not is_model(document):
        detail = (
            "This must be the JSON of a functional or sequential model, as `model.to_json()` "
            "returns it; a subclassed model has no such JSON."
        )
        raise invalid_at(("class_name",) if "class_name" in document else (), detail)
    return document


def _validate(fragment: Fragment, names: NameMap) -> ReadResult:
    try:
        definition = GraphDefinition.model_validate(fragment.value)
    except ValidationError as error:
        found = error.errors()[:MOST_FAULTS]
        faults = [_make_fault(item, fragment.value) for item in found]
        return ReadResult(faults=fragment.source.locate_all(faults))
    return ReadResult(definition=definition, renamed=names.renamed, places=fragment.pointers)


def _make_fault(error: Any, value: Any) -> Fault:
    """Return pydantic's error as a fault, with a pointer into `value`."""
    is_missing = error["type"] == "missing"
    place = SourceMap(body=value).place_of_error(error["loc"], is_missing=is_missing)
    return Fault(pointer=place, detail=f"{error['msg']}.")
