"""From Keras's own JSON to a graph: data to data, nothing in it is imported, called or opened."""

from typing import Any

from pydantic import ValidationError

from compiler.keras_json.parsing.document import FaultCollector, expect, invalid_at, parse_json
from compiler.keras_json.parsing.model_config import is_model
from compiler.keras_json.parsing.size_limits import check_size_limits
from compiler.keras_json.translation.fragment import Fragment
from compiler.keras_json.translation.layers import Context
from compiler.keras_json.translation.models import ModelTranslator
from compiler.keras_json.translation.names import NameMap
from domain.errors import Fault
from domain.graph.language import GraphDefinition
from domain.graph.limits import STANDARD, Limits
from domain.keras_json import ReadResult
from domain.source_map import SourceMap


def read(keras_json_text: str, limits: Limits = STANDARD) -> ReadResult:
    """Read a model's JSON; every fault at once, or the first limit that it goes beyond."""
    collector = FaultCollector()
    document = collector.attempt(lambda: _model(keras_json_text, limits))
    if document is None:
        return ReadResult(faults=collector.faults)
    found = _reading(document, collector)
    source = SourceMap(body=document)
    faults = [item.at(source.existing_place_of(item.pointer)) for item in found.faults]
    return found.model_copy(update={"faults": list(dict.fromkeys(faults))})


def _reading(document: dict[str, Any], collector: FaultCollector) -> ReadResult:
    names = NameMap(document)
    reader = ModelTranslator(names, collector)
    graph = collector.attempt(lambda: reader.graph(document, (), Context()))
    if graph is None:
        return ReadResult(faults=collector.faults)
    return _checked(graph.part, names, collector.faults)


def _model(text: str, limits: Limits) -> dict[str, Any]:
    document = expect(parse_json(text), dict, ())
    check_size_limits(document, limits)
    if not is_model(document):
        detail = (
            "This must be the JSON of a functional or sequential model, as `model.to_json()` "
            "gives it; a subclassed model has none."
        )
        raise invalid_at(("class_name",) if "class_name" in document else (), detail)
    return document


def _checked(part: Fragment, names: NameMap, faults: list[Fault]) -> ReadResult:
    if faults:
        return ReadResult(faults=faults)
    try:
        definition = GraphDefinition.model_validate(part.value)
    except ValidationError as error:
        found = [_fault(item, part.value) for item in error.errors()]
        return ReadResult(faults=part.source.locate_all(found))
    return ReadResult(definition=definition, renamed=names.renamed, places=part.pointers)


def _fault(error: Any, value: Any) -> Fault:
    is_missing = error["type"] == "missing"
    place = SourceMap(body=value).place_of_error(error["loc"], is_missing=is_missing)
    return Fault(pointer=place, detail=f"{error['msg']}.")
