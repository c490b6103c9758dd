"""Configs are checked before Keras is called."""

from pathlib import Path
from typing import Any

import keras
import pytest

from compiler.catalogue.families import ACTIVATIONS, CONSTRAINTS, INITIALIZERS, REGULARIZERS
from compiler.catalogue.layers import CATALOGUE
from tests.compiler.graphs import build_graph, find_faults, graph, layer, nested, node

DENSE = {"units": 2}
CONFIG = "/nodes/0/layer/config"


def find_config_faults(kind: str, shape: list[int | None], **config: Any) -> dict[str, str]:
    return find_faults(graph({"x": shape}, [node("n", layer(kind, **config), "x")], ["n"]))


@pytest.mark.parametrize(
    ("config", "where", "detail"),
    [
        ({"unit": 2, "units": 2}, "/unit", "Dense has no argument 'unit'. Did you mean 'units'?"),
        ({}, "/units", "Dense needs the argument 'units'."),
        ({"units": "2"}, "/units", "'units' must be a positive whole number."),
        ({"units": 2.5}, "/units", "'units' must be a positive whole number."),
        ({"units": True}, "/units", "'units' must be a positive whole number."),
        ({"units": 0}, "/units", "'units' must be a positive whole number."),
        ({"units": None}, "/units", "'units' must be a positive whole number."),
        ({"units": 10**12}, "/units", "'units' must be a positive whole number."),
        ({**DENSE, "use_bias": 1}, "/use_bias", "'use_bias' must be true or false."),
        ({**DENSE, "dtype": {"class_name": "x"}}, "/dtype", "'dtype' must be the name of a float"),
        ({**DENSE, "name": "d"}, "/name", "leave 'name' out"),
        ({**DENSE, "trainable": "no"}, "/trainable", "'trainable' must be true or false."),
        ({**DENSE, "activation": "rellu"}, "/activation", "Did you mean 'relu'?"),
        ({**DENSE, "activation": 3}, "/activation", "This activation must be a name or"),
        (
            {**DENSE, "kernel_initializer": {"type": "HeNorml"}},
            "/kernel_initializer",
            "There is no initializer 'HeNorml'. Did you mean 'HeNormal'?",
        ),
        (
            {**DENSE, "kernel_initializer": {"type": "HeNormal", "config": {"seed": {}}}},
            "/kernel_initializer/config/seed",
            "'seed' must be a whole number, or null.",
        ),
        (
            {**DENSE, "kernel_regularizer": {"type": "L2", "config": {"l": 1}}},
            "/kernel_regularizer/config/l",
            "L2 has no argument 'l'. Did you mean 'l2'?",
        ),
        (
            {**DENSE, "kernel_constraint": {"type": "MaxNorm", "module": "os", "fn": 1}},
            "/kernel_constraint",
            "This constraint must be a name or",
        ),
    ],
)
def test_fault_points_to_the_bad_argument(config: dict[str, Any], where: str, detail: str) -> None:
    found = find_config_faults("Dense", [3], **config)
    assert list(found) == [CONFIG + where]
    assert detail in found[CONFIG + where]


def test_fault_of_keras_points_to_the_argument_that_it_names() -> None:
    found = find_config_faults("Dropout", [3], rate=1.5)
    assert list(found) == [f"{CONFIG}/rate"]
    assert "between 0 and 1" in found[f"{CONFIG}/rate"]


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("Danse", "There is no layer type 'Danse'. Did you mean 'Dense'?"),
        ("Lambda", "runs code"),
        ("TFSMLayer", "reads a file"),
        ("InputLayer", "`inputs`"),
        ("Equalization", "gives its input back"),
        ("__class__", "There is no layer type"),
    ],
)
def test_unknown_and_excluded_types_are_refused(kind: str, detail: str) -> None:
    found = find_config_faults(kind, [3])
    assert list(found) == ["/nodes/0/layer/type"]
    assert detail in found["/nodes/0/layer/type"]


def test_faults_of_all_layers_are_found_at_once() -> None:
    inner = graph({"y": [3]}, [node("d", layer("Dense", unit=1), "y")], ["d"])
    definition = graph(
        {"x": [5, 3]},
        [
            node("a", "enc", "x"),
            node("b", layer("TimeDistributed", layer=layer("Dense", units=-1)), "a"),
            node("c", nested(inner), "b"),
        ],
        ["c"],
        enc=layer("LSTM", units=3, return_sequence=True),
    )
    assert list(find_faults(definition)) == [
        "/layers/enc/config/return_sequence",
        "/nodes/1/layer/config/layer/config/units",
        "/nodes/2/layer/graph/nodes/0/layer/config/unit",
        "/nodes/2/layer/graph/nodes/0/layer/config/units",
    ]


def test_shapes_that_do_not_connect_are_refused_at_their_nodes() -> None:
    inner = graph({"y": [3]}, [node("r", layer("Reshape", target_shape=[7]), "y")], ["r"])
    definition = graph(
        {"x": [3]},
        [
            node("lstm", layer("LSTM", units=3), "x"),
            node("after", layer("Dense", units=3), "lstm"),
            node("inner", nested(inner), "x"),
            node("fine", layer("Dense", units=3), "x"),
        ],
        ["after", "inner", "fine"],
    )
    found = find_faults(definition)
    assert list(found) == ["/nodes/0", "/nodes/2/layer/graph/nodes/0"]
    assert "expected ndim=3, found ndim=2" in found["/nodes/0"]
    assert "target_shape=(7,)" in found["/nodes/2/layer/graph/nodes/0"]
    for detail in found.values():
        assert "Traceback" not in detail
        assert "Arguments received" not in detail
        assert "\x1b" not in detail


def test_vocabulary_cannot_be_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a\n")
    for kind in ("StringLookup", "TextVectorization", "IntegerLookup"):
        found = find_config_faults(kind, [3], vocabulary=str(secret))
        assert list(found) == [f"{CONFIG}/vocabulary"]


@pytest.mark.parametrize(("kind", "argument"), [("Pipeline", "layers"), ("RNN", "cell")])
def test_empty_list_of_layers_is_refused(kind: str, argument: str) -> None:
    found = find_config_faults(kind, [4, 3], **{argument: []})
    assert found == {f"{CONFIG}/{argument}": f"'{argument}' must hold a layer."}


@pytest.mark.parametrize("argument", ["weights", "quantization_config"])
def test_arguments_for_weights_and_quantization_are_refused(argument: str) -> None:
    found = find_config_faults("Embedding", [3], input_dim=2, output_dim=2, **{argument: [[1.0]]})
    assert list(found) == [f"{CONFIG}/{argument}"]


def test_catalogue_contains_the_layers_of_keras_except_excluded_ones() -> None:
    ours = {entry.cls for entry in CATALOGUE.values()}
    assert len(ours) > 130
    for name in ("Lambda", "Layer", "Wrapper", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"):
        assert getattr(keras.layers, name) not in ours


def test_keras_resolves_every_name_of_a_family() -> None:
    modules = (keras.activations, keras.initializers, keras.regularizers, keras.constraints)
    families = (ACTIVATIONS, INITIALIZERS, REGULARIZERS, CONSTRAINTS)
    for module, family in zip(modules, families, strict=True):
        for name in family.known:
            assert module.get(family.resolve(name)) is not None


def test_components_may_be_written_in_both_forms() -> None:
    parts = {
        "kernel_initializer": {
            "module": "keras.initializers", "class_name": "Constant",
            "config": {"value": 2.0}, "registered_name": None,
        },
        "bias_initializer": {"type": "ones"},
        "activation": {"class_name": "function", "config": "relu"},
        "kernel_regularizer": {"type": "L2", "config": {"l2": 0.1}},
    }  # fmt: skip
    made = build_graph(graph({"x": [3]}, [node("d", layer("Dense", units=2, **parts), "x")], ["d"]))
    called = made.nodes["d"].layer
    assert called is not None
    dense = called.keras
    assert dense.activation is keras.activations.relu
    assert float(dense.kernel[0, 0]) == 2.0
    assert float(dense.bias[0]) == 1.0
    assert float(dense.kernel_regularizer.l2) == pytest.approx(0.1)
