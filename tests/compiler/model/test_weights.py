"""Weights are read and set by the keys of their variables."""

from typing import Any

import numpy as np
import pytest

from compiler.model.weights import WeightsMismatch, assign, copy_arrays, copy_sources
from tests.compiler.graphs import MODEL, OTHER, blueprint, build_graph, graph, layer, node
from tests.support.example_bodies import example

SOURCE = graph(
    {"x": [4]},
    [
        node("norm", layer("BatchNormalization"), "x"),
        node("drop", layer("Dropout", rate=0.5), "norm"),
        node("out", layer("Dense", units=3), "drop"),
    ],
    ["out"],
)
COPY = {"type": "Model", "model": MODEL}


def test_arrays_contain_every_kind_of_variable() -> None:
    arrays = copy_arrays(build_graph(SOURCE))
    assert set(arrays) == {
        "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance",
        "drop/seed_generator", "out/kernel", "out/bias",
    }  # fmt: skip
    assert arrays["drop/seed_generator"].shape == (2,)
    assert np.issubdtype(arrays["drop/seed_generator"].dtype, np.integer)


def test_variable_without_a_name_is_named_by_its_attribute() -> None:
    """Keras numbers all such variables of a process."""
    scaled = layer("LayerScale", init_values=0.1, projection_dim=4)
    definition = graph({"x": [4]}, [node("scaled", scaled, "x")], ["scaled"])
    for _ in range(2):
        assert set(copy_arrays(build_graph(definition))) == {"scaled/gamma"}


def test_restored_seed_states_continue_training_identically() -> None:
    x = np.ones((1, 4), "float32")
    one, other = build_graph(SOURCE, seed=1), build_graph(SOURCE, seed=2)
    one.model([x], training=True)
    assign(other, copy_arrays(one))
    first, second = (m.model([x], training=True)["out"] for m in (one, other))
    assert np.array_equal(first, second)


def test_arrays_are_copies() -> None:
    made = build_graph(SOURCE)
    before = copy_arrays(made)
    made.model([np.ones((8, 4), "float32")], training=True)
    assert not np.any(before["norm/moving_mean"])
    assert np.any(copy_arrays(made)["norm/moving_mean"])


def test_bfloat16_keeps_its_bits() -> None:
    dense = layer("Dense", units=3, dtype="bfloat16", bias_initializer="random_normal")
    definition = graph({"x": [4]}, [node("d", dense, "x")], ["d"])
    one, other = build_graph(definition, seed=1), build_graph(definition, seed=2)
    arrays = copy_arrays(one)
    assert str(arrays["d/kernel"].dtype) == "bfloat16"
    assign(other, arrays)
    for key, array in copy_arrays(other).items():
        assert array.tobytes() == arrays[key].tobytes()


def test_arrays_that_do_not_fit_change_no_variable() -> None:
    made = build_graph(SOURCE)
    good = copy_arrays(made)
    changed = {key: array + 1 for key, array in good.items()}
    del changed["out/bias"]
    changed["out/bais"] = good["out/bias"]
    with pytest.raises(WeightsMismatch, match="missing: out/bias; unknown: out/bais"):
        assign(made, changed)
    for wrong in (np.zeros((4, 4), "float32"), np.zeros((4, 3), "float64")):
        with pytest.raises(WeightsMismatch, match="out/kernel"):
            assign(made, {**good, "norm/beta": good["norm/beta"] + 1, "out/kernel": wrong})
    assert all(np.array_equal(array, good[key]) for key, array in copy_arrays(made).items())


def test_model_layer_predicts_like_its_source() -> None:
    definition = example("dense")["graph"]["definition"]
    source = build_graph(definition, seed=1)
    over = graph({"p": [784]}, [node("m", COPY, "p")], [{"name": "digit", "from": "m"}])
    many = graph({"p": [20, 784]}, [node("m", layer("TimeDistributed", layer=COPY), "p")], ["m"])
    rows = np.random.default_rng(0).random((20, 784)).astype("float32")
    wanted = source.model.predict([rows], verbose=0)["digit"]
    one, each = (build_graph(d, {MODEL: blueprint(definition)}, seed=2) for d in (over, many))
    for made in (one, each):
        copy_sources(made, {MODEL: copy_arrays(source)})
    assert np.array_equal(one.model.predict([rows], verbose=0)["digit"], wanted)
    timed = each.model.predict([rows[None]], verbose=0)["m"]
    assert timed.shape == (1, 20, 10)
    assert np.allclose(timed[0], wanted, atol=1e-6)


def test_source_that_contains_a_source_is_copied_whole() -> None:
    """The arrays of the outer source contain the weights of the inner one."""
    middle = graph(
        {"x": [4]}, [node("m", COPY, "x"), node("top", layer("Dense", units=2), "m")], ["top"]
    )
    holder = blueprint(middle, {MODEL: blueprint(SOURCE)})
    outer = graph({"x": [4]}, [node("o", {"type": "Model", "model": OTHER}, "x")], ["o"])
    trained = build_graph(middle, {MODEL: blueprint(SOURCE)}, seed=1)
    made = build_graph(outer, {OTHER: holder}, seed=2)
    assert [source.model for source in made.sources] == [OTHER]
    copy_sources(made, {OTHER: copy_arrays(trained)})
    for key, array in copy_arrays(trained).items():
        assert np.array_equal(copy_arrays(made)[f"o/{key}"], array)


def test_error_names_the_missing_source() -> None:
    made = build_graph(graph({"x": [4]}, [node("m", COPY, "x")], ["m"]), {MODEL: blueprint(SOURCE)})
    with pytest.raises(WeightsMismatch, match=MODEL):
        copy_sources(made, {})


PICTURE, SEQUENCE = [8, 8, 3], [6, 4]
FLIPS = [layer("RandomFlip"), layer("RandomRotation", factor=1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "made"),
    [
        (SEQUENCE, layer("MultiHeadAttention", num_heads=2, key_dim=3, dropout=0.1)),
        (SEQUENCE, layer("SpectralNormalization", layer=layer("Dense", units=2))),
        (SEQUENCE, layer("Bidirectional", layer=layer("GRU", units=2, dropout=0.1))),
        (SEQUENCE, layer("Dense", units=3, lora_rank=2)),
        (PICTURE, layer("ConvLSTM1D", filters=2, kernel_size=3)),
        (PICTURE, layer("SeparableConv2D", filters=2, kernel_size=3)),
        (
            PICTURE,
            layer("Pipeline", layers=FLIPS),
        ),
        (PICTURE, layer("RandAugment")),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_layers_that_keras_makes_inside_a_layer_have_keys(
    shape: list[int | None], made: Any
) -> None:
    inputs = {"query": "x", "value": "x"} if made["type"] == "MultiHeadAttention" else "x"
    definition = graph({"x": shape}, [node("n", made, inputs)], ["n"])
    one, other = build_graph(definition, seed=1), build_graph(definition, seed=2)
    assert len(one.variables) == len(one.model.variables) > 0
    assert all(key.startswith("n/") for key in one.variables)
    assert list(one.variables) == list(other.variables)
    assign(other, copy_arrays(one))
    x = np.random.default_rng(0).random((2, *shape)).astype("float32")  # type: ignore[arg-type]
    first, second = (m.model([x], training=True)["n"] for m in (one, other))
    assert np.array_equal(first, second)
