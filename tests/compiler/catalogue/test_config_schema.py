"""The schemas of configs accept exactly what the checks accept."""

import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from compiler.catalogue.argument_values import kind_of
from compiler.catalogue.arguments import Argument, arguments_of
from compiler.catalogue.configs import find_config_faults
from compiler.catalogue.descriptions.config_schema import config_schema, definitions
from compiler.catalogue.families import FAMILIES, family_of
from compiler.catalogue.kinds import keras_kinds
from compiler.catalogue.kinds.keras_kinds import Kind
from compiler.catalogue.layers import CATALOGUE, Entry
from domain.graph.language import LAYER_ARGUMENTS
from tests.compiler.graphs import make_layer
from tests.compiler.layer_cases import CASES

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 4),
        st.sampled_from([2**31 - 1, 2**31, -(2**31), 2**63]),
        st.floats(-2, 2, allow_nan=False),
        st.sampled_from([-3.0, -1.0, 0.0, 1.0, 2.0, 8.0, 2.0**31, 1e300]),
        st.sampled_from(["same", "valid", "hann", "int", "concat", "float32", "a name", ""]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["rmax", "type"]), inner, max_size=1),
    ),
    max_leaves=6,
)
BEYOND = (keras_kinds.ARRAY, keras_kinds.BOUNDARIES, keras_kinds.RANGE)
"""Kinds whose schema accepts more: JSON Schema cannot require equal lengths or order."""


def layer_arguments() -> Iterator[tuple[Entry, Argument]]:
    for entry in CATALOGUE.values():
        if not entry.alias_of:
            for argument in entry.arguments.values():
                if not family_of(argument.name) and argument.name not in LAYER_ARGUMENTS:
                    yield entry, argument


def part_arguments() -> Iterator[Argument]:
    for family in FAMILIES:
        for member in family.known.values():
            if isinstance(member, type):
                yield from arguments_of(member).values()


def every_kind() -> dict[str, Kind]:
    found = {kind_of(argument).wanted: kind_of(argument) for _, argument in layer_arguments()}
    return found | {kind_of(argument).wanted: kind_of(argument) for argument in part_arguments()}


@cache
def validators() -> list[tuple[Kind, Any]]:
    return [(kind, Draft202012Validator(kind.schema())) for kind in every_kind().values()]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_kind_accepts_what_its_schema_accepts(value: Any) -> None:
    for kind, validator in validators():
        accepted = kind.accepts(value)
        if any(known.wanted in kind.wanted for known in BEYOND):
            assert validator.is_valid(value) or not accepted, (kind.wanted, value)
        else:
            assert accepted == validator.is_valid(value), (kind.wanted, value)


@pytest.mark.parametrize("value", [2.0, [2.0, 1], "2", True, 2.5])
def test_whole_numbers_may_be_sent_as_floats(value: Any) -> None:
    assert keras_kinds.POSITIVES.accepts(value) == (value in (2.0, [2.0, 1]) and value is not True)
    if keras_kinds.POSITIVES.accepts(value):
        assert repr(keras_kinds.POSITIVES.read(value)) in ("2", "[2, 1]")


DEPEND = """
    axis bin_boundaries dilation_rate dims fft_length filters frame_length frame_step groups
    idf_weights mask_token max_tokens mean num_bins num_key_value_heads num_query_heads
    output_padding salt sequence_length strides target_shape variance vocabulary window
"""
"""Arguments whose bounds depend on other arguments, or that name a window of SciPy."""
EITHER: dict[str, dict[str, Any]] = {"Discretization": {"num_bins": 5}}
"""A config of each layer that needs one of several arguments, none of which is required alone."""
BOUNDS: list[Any] = [-2, -1, 0, 1, 2.0, 9, -0.5, 0.5, 1.5, [0.25, 0.5], [-1, 1], [1, 1], [1, 2], []]


@pytest.mark.slow
def test_keras_makes_layers_of_all_accepted_values() -> None:
    inner = {"layer": keras.layers.LSTM(2), "cell": keras.layers.LSTMCell(2)}
    lists = {"cells": [keras.layers.LSTMCell(2)], "layers": [keras.layers.Rescaling(1.0)]}
    for entry, argument in layer_arguments():
        own = {a.name for a in entry.arguments.values() if a.is_required}
        needed = {n: v for n, v in CASES[entry.type].config.items() if n in own}
        needed |= {n: v for n, v in (inner | lists).items() if n in own}
        needed |= EITHER.get(entry.type, {})
        for value in BOUNDS if argument.name not in DEPEND.split() else ():
            if kind_of(argument).accepts(value):
                make_layer(entry, {**needed, argument.name: value})


def test_keras_makes_components_of_all_accepted_values() -> None:
    parts = [(family, name) for family in FAMILIES for name in family.known]
    for family, name in parts:
        member = family.known[name]
        for argument in arguments_of(member).values() if isinstance(member, type) else ():
            for value in BOUNDS if argument.name not in DEPEND.split() else ():
                if kind_of(argument).accepts(value):
                    family.resolve({"type": name, "config": {argument.name: value}})


def test_every_argument_has_a_kind() -> None:
    open_ended = [
        f"{argument.owner}.{argument.name}"
        for argument in [*(a for _, a in layer_arguments()), *part_arguments()]
        if "number, text" in kind_of(argument).wanted
    ]
    assert open_ended == []


def test_every_default_is_accepted() -> None:
    for _, argument in layer_arguments():
        if not argument.is_required:
            default = json.loads(json.dumps(argument.default))
            assert kind_of(argument).accepts(default), (argument.owner, argument.name)


@cache
def shared_definitions() -> dict[str, Any]:
    return definitions()


@pytest.mark.slow
def test_schemas_are_valid() -> None:
    for entry in CATALOGUE.values():
        Draft202012Validator.check_schema(config_schema(entry.cls, entry.arguments))
    for definition in shared_definitions().values():
        Draft202012Validator.check_schema(definition)


@pytest.mark.parametrize("kind", CASES)
def test_config_of_every_case_fits_its_schema(kind: str) -> None:
    entry = CATALOGUE[kind]
    schema = config_schema(entry.cls, entry.arguments) | {"$defs": shared_definitions()}
    validator = Draft202012Validator(schema)
    validator.validate(CASES[kind].config)
    assert not validator.is_valid(CASES[kind].config | {"no_such_argument": 1})
    required = [argument.name for argument in entry.arguments.values() if argument.is_required]
    assert validator.is_valid({}) == (not required)
    for prop in schema["properties"].values():
        assert prop["description"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "relu",
        "l2",
        "HeNormal",
        "he_normal",
        3,
        ["relu"],
        {"type": "HeNormal"},
        {"type": "HeNormal", "config": None},
        {"type": "HeNormal", "config": {"seed": 1}},
        {"type": "HeNormal", "config": {"seed": "1"}},
        {"type": "L2", "config": {"l2": 0.1}},
        {"type": "L2", "config": {"l2": -1}},
        {"type": "VarianceScaling", "config": {"scale": 0}},
        {"type": "MaxNorm", "config": {"max_value": 2, "axis": [0, 1]}},
        {"type": "relu"},
        {"type": "relu", "config": {"alpha": 1}},
        {"class_name": "function", "config": "relu"},
        {"class_name": "function", "config": "eval"},
        {"class_name": "HeNormal", "config": {}, "module": "os", "registered_name": None},
        {"class_name": "HeNormal", "fn": 1},
        {"config": {}},
        {},
    ],
)
def test_components_are_accepted_if_their_schema_accepts_them(value: Any) -> None:
    for family in FAMILIES:
        schema = {"$ref": f"#/$defs/{family.noun}", "$defs": shared_definitions()}
        validator = Draft202012Validator(schema)
        assert validator.is_valid(value) == (not list(family.faults(value, ()))), family.noun


def test_every_component_is_made_by_its_name_alone() -> None:
    for family in FAMILIES:
        for name in family.known:
            assert not list(family.faults(name, ()))
            assert not list(family.faults({"type": name}, ()))
            assert family.resolve({"type": name}) is not None


def enumerations() -> list[tuple[str, str, str]]:
    return [
        (entry.type, argument.name, value)
        for entry, argument in layer_arguments()
        if "dtype" not in argument.name
        for form in [kind_of(argument).schema(), *kind_of(argument).schema().get("anyOf", [])]
        for value in [*form.get("enum", []), *([form["const"]] if "const" in form else [])]
        if value is not None
    ]


@pytest.mark.slow
def test_keras_makes_layers_of_every_enumerated_value() -> None:
    inner = {"layer": keras.layers.LSTM(2), "cell": keras.layers.LSTMCell(2)}
    seen = set()
    for kind, argument, value in enumerations():
        entry = CATALOGUE[kind]
        needed = {
            a.name: CASES[kind].config[a.name] for a in entry.arguments.values() if a.is_required
        }
        needed |= EITHER.get(kind, {})
        inner_layers = {name: inner[name] for name in needed.keys() & inner.keys()}
        if value == "tf_idf":
            vocabulary = CASES[kind].config["vocabulary"]
            needed |= {"vocabulary": vocabulary, "idf_weights": [1.0] * len(vocabulary)}
        make_layer(entry, {**needed, **inner_layers, argument: value})
        seen.add(argument)
    assert {"padding", "data_format", "interpolation", "merge_mode", "output_mode"} <= seen
    assert {"fill_mode", "split", "standardize", "score_mode", "bounding_box_format"} <= seen


def test_values_outside_an_enumeration_are_refused() -> None:
    for kind, argument, _ in set(enumerations()):
        entry = CATALOGUE[kind]
        config = {argument: "Same-ish"}
        found = find_config_faults(entry.cls, config, (), entry.arguments)
        assert f"/{argument}" in [fault.pointer for fault in found], (kind, argument)


def measure_cpu_seconds(function: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest of three calls."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        function()
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.parametrize("last", ["term", 7])
def test_vocabulary_of_a_hundred_thousand_is_checked_quickly(last: Any) -> None:
    """A check takes a few times as long as reading the same vocabulary from JSON."""
    vocabulary = [*(f"term {i}" for i in range(100_000)), last]
    entry = CATALOGUE["StringLookup"]
    text = json.dumps(vocabulary)
    reading = measure_cpu_seconds(lambda: json.loads(text))
    checking = measure_cpu_seconds(lambda: list(entry.faults({"vocabulary": vocabulary}, ())))
    assert checking < 8 * reading
    found = list(entry.faults({"vocabulary": vocabulary}, ()))
    assert [fault.pointer for fault in found] == ([] if last == "term" else ["/vocabulary"])


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("Discretization", {"bin_boundaries": "0,1"}),
        ("Discretization", {"bin_boundaries": [1, 0]}),
        ("TextVectorization", {"vocabulary": ["a"], "standardize": "upper"}),
        ("IntegerLookup", {"vocabulary": ["a"]}),
        ("Rescaling", {"scale": [[1, 2], [3]]}),
        ("Dense", {"units": [2]}),
        ("Dense", {"units": 2, "dtype": "int32"}),
        ("Conv2D", {"filters": 2, "kernel_size": [3]}),
        ("Conv2D", {"filters": 2, "kernel_size": 3, "padding": "causal"}),
        ("Softmax", {"axis": [1, 1]}),
        ("Dot", {"axes": 0}),
        ("GaussianDropout", {"rate": 1}),
        ("AdaptiveMaxPooling2D", {"output_size": [1, 3]}),
        ("MultiHeadAttention", {"num_heads": 2, "key_dim": 2, "flash_attention": True}),
        ("Resizing", {"height": 2, "width": 2, "interpolation": "area"}),
        ("RandomFlip", {"mode": "diagonal"}),
    ],
)
def test_configs_that_keras_refuses_only_in_training_are_refused(
    kind: str, config: dict[str, Any]
) -> None:
    entry = CATALOGUE[kind]
    validator = Draft202012Validator(
        config_schema(entry.cls, entry.arguments) | {"$defs": shared_definitions()}
    )
    assert list(entry.faults(config, ()))
    beyond = kind == "Rescaling" or config.get("bin_boundaries") == [1, 0]
    assert validator.is_valid(config) == beyond
