"""Faults of a derived document get a place in the request body."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import Fault
from domain.job.job import JobRequest
from domain.json.source_map import SourceMap

STORED = {"graph": "graph_1", "compile": {"loss": ["mse"]}}
INLINE = {"definition": {"nodes": [{"name": "y", "layer": {"config": {"units": 0}}}]}}
KERAS = {"config": {"layers": [{"config": {"units": 0}}]}}
PLACES = {
    "": "",
    "/nodes/0": "/config/layers/0",
    "/nodes/0/layer/config": "/config/layers/0/config",
}


def locate(source: SourceMap, text: str) -> str:
    return source.locate(Fault(pointer=text, detail="wrong")).pointer


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("/graph/nodes/3/layer", "/graph"),
        ("/compile/loss/0", "/compile/loss/0"),
        ("/compile/optimiser", "/compile/optimiser"),
        ("/compile/optimiser/config", "/compile/optimiser"),
        ("", ""),
    ],
)
def test_pointer_is_clipped_to_the_body(long: str, short: str) -> None:
    assert locate(SourceMap(body=STORED), long) == short


def test_definition_lies_below_its_field_of_the_body() -> None:
    source = SourceMap(prefix="/definition", body=INLINE)
    units = "/nodes/0/layer/config/units"
    assert locate(source, units) == f"/definition{units}"
    assert locate(source, "/nodes/0/inputs") == "/definition/nodes/0/inputs"
    assert locate(source, "") == "/definition"
    assert locate(SourceMap(prefix="/graph", body=STORED), units) == "/graph"


def test_fault_of_a_translated_graph_gets_its_place_in_the_source() -> None:
    source = SourceMap(prefix="/keras_json", places=PLACES, body={"keras_json": KERAS})
    units = locate(source, "/nodes/0/layer/config/units")
    assert units == "/keras_json/config/layers/0/config/units"
    assert locate(source, "/nodes/1") == "/keras_json/nodes"
    assert locate(source, "/outputs/0") == "/keras_json/outputs"


def test_pointer_with_unknown_prefix_leads_to_the_whole_document() -> None:
    source = SourceMap(prefix="/keras_json", places={"/nodes/0": "/config/layers/0"})
    assert locate(source, "/outputs/0") == "/keras_json"


def test_place_inside_json_sent_as_text_is_in_the_detail() -> None:
    body = {"keras_json": "{...}"}
    source = SourceMap(prefix="/keras_json", places=PLACES, body=body, is_text=True)
    located = source.locate(Fault(pointer="/nodes/0/layer/config/units", detail="At least 1."))
    assert located.pointer == "/keras_json"
    assert located.detail == "At /config/layers/0/config/units: At least 1."
    whole = source.locate(Fault(pointer="", detail="Too large."))
    assert (whole.pointer, whole.detail) == ("/keras_json", "Too large.")


def test_opaque_place_has_no_inner_places() -> None:
    places = {"": "", "/compile/loss/a": "/compile/loss"}
    inner = "/compile/loss/a/config/x"
    assert locate(SourceMap(places=places), inner) == "/compile/loss/config/x"
    opaque = SourceMap(places=places, opaque=frozenset({"/compile/loss/a"}))
    assert locate(opaque, inner) == "/compile/loss"


@pytest.mark.parametrize(
    ("text", "existing"),
    [
        ("/config/layers/0/config/unit", "/config/layers/0/config"),
        ("/config/layers", "/config/layers"),
    ],
)
def test_missing_key_is_located_at_the_longest_existing_prefix(text: str, existing: str) -> None:
    assert SourceMap(body=KERAS).existing_place_of(text) == existing


def test_location_contains_no_union_tags() -> None:
    body: dict[str, Any] = {
        "graph": {
            "inputs": [{"name": "x", "shape": [1]}],
            "nodes": [{"name": "y", "layer": {"type": "Dense", "confg": {}}, "inputs": 5}],
            "outputs": [{"nam": "y", "from": "y"}],
        },
        "fit": {"epochs": 0},
    }
    with pytest.raises(ValidationError) as caught:
        JobRequest.model_validate(body)
    source = SourceMap(body=body)
    places = {
        source.place_of_error(error["loc"], is_missing=error["type"] == "missing")
        for error in caught.value.errors()
    }
    assert places == {
        "/graph/nodes/0/layer/confg",
        "/graph/nodes/0/inputs",
        "/graph/outputs/0/name",
        "/graph/outputs/0/nam",
        "/fit/epochs",
    }
