"""From Keras's own JSON to a graph: data to data, nothing in it is imported, called or opened."""

from typing import Any

from pydantic import ValidationError

from compiler.keras_json.parsing.document import Gathered, expect, parsed, refused
from compiler.keras_json.parsing.extent import refuse_excess
from compiler.keras_json.parsing.models import is_model
from compiler.keras_json.translation.graphs import GraphReader
from compiler.keras_json.translation.layers import Around
from compiler.keras_json.translation.names import Names
from compiler.keras_json.translation.part import Part
from domain.errors import Fault
from domain.graph.language import GraphDefinition
from domain.graph.limits import STANDARD, Limits
from domain.keras_json import ReadResult
from domain.source_map import SourceMap


def read(keras_json_text: str, limits: Limits = STANDARD) -> ReadResult:
    """Read a model's JSON; every fault at once, or the first limit that it goes beyond."""
    gathered = Gathered()
    document = gathered.attempt(lambda: _model(keras_json_text, limits))
    if document is None:
        return ReadResult(faults=gathered.faults)
    found = _reading(document, gathered)
    source = SourceMap(body=document)
    faults = [item.at(source.existing_place_of(item.pointer)) for item in found.faults]
    return found.model_copy(update={"faults": list(dict.fromkeys(faults))})


def _reading(document: dict[str, Any], gathered: Gathered) -> ReadResult:
    names = Names(document)
    reader = GraphReader(names, gathered)
    graph = gathered.attempt(lambda: reader.graph(document, (), Around()))
    if graph is None:
        return ReadResult(faults=gathered.faults)
    return _checked(graph.part, names, gathered.faults)


def _model(text: str, limits: Limits) -> dict[str, Any]:
    document = expect(parsed(text), dict, ())
    refuse_excess(document, limits)
    if not is_model(document):
        detail = (
            "This must be the JSON of a functional or sequential model, as `model.to_json()` "
            "gives it; a subclassed model has none."
        )
        raise refused(("class_name",) if "class_name" in document else (), detail)
    return document


def _checked(part: Part, names: Names, faults: list[Fault]) -> ReadResult:
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
