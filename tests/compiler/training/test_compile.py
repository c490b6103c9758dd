"""A recipe compiles the right loss, loss weight and metrics for each output."""

from typing import Any

import keras
import numpy as np
import pytest

from compiler.model.build import BuiltModel
from compiler.model.weights import copy_arrays
from compiler.training.compile import keras_compile
from compiler.training.components import LOSSES, METRICS, OPTIMIZERS, make_callback, make_optimizer
from domain.job.recipe import Component, OutputRecipe, Recipe
from tests.compiler.graphs import build_graph, graph, layer, node

UNSORTED = graph(
    {"x": [4]},
    [
        node("z", layer("Dense", units=1, activation="sigmoid"), "x"),
        node("m", layer("Dense", units=3, activation="softmax"), "x"),
        node("b", layer("Dense", units=2), "x"),
    ],
    ["z", "m", "b"],
)
ROWS = np.random.default_rng(0)
X = ROWS.random((16, 4)).astype("float32")
Y = {
    "z": ROWS.integers(0, 2, (16, 1)),
    "m": ROWS.integers(0, 3, (16, 1)),
    "b": ROWS.random((16, 2)).astype("float32"),
}


def compile_model(outputs: dict[str, OutputRecipe], definition: Any = UNSORTED) -> BuiltModel:
    made = build_graph(definition)
    recipe = Recipe(optimizer="sgd", jit_compile=False, inputs={"x": ["x"]}, outputs=outputs)
    keras_compile(made.model, recipe)
    return made


def evaluate(made: BuiltModel, targets: Any = None) -> dict[str, float]:
    logs: dict[str, float] = made.model.evaluate([X], targets or Y, verbose=0, return_dict=True)
    return logs


def test_losses_belong_to_their_outputs_in_any_order() -> None:
    made = compile_model(
        {
            "z": OutputRecipe(loss="binary_crossentropy", loss_weight=3.0, metrics=["accuracy"]),
            "m": OutputRecipe(loss="sparse_categorical_crossentropy", metrics=["accuracy"]),
            "b": OutputRecipe(loss="mse", loss_weight=0.5, metrics=["mae"]),
        }
    )
    logs = evaluate(made)
    got = {name: np.asarray(value) for name, value in made.model([X]).items()}
    assert logs.keys() == {
        "loss", "z_loss", "m_loss", "b_loss", "z_accuracy", "m_accuracy", "b_mae",
    }  # fmt: skip
    assert logs["b_loss"] == pytest.approx(np.mean((got["b"] - Y["b"]) ** 2), rel=1e-5)
    assert logs["b_mae"] == pytest.approx(np.mean(np.abs(got["b"] - Y["b"])), rel=1e-5)
    assert logs["z_accuracy"] == pytest.approx(np.mean((got["z"] > 0.5) == Y["z"]))
    assert logs["m_accuracy"] == pytest.approx(np.mean(got["m"].argmax(1) == Y["m"][:, 0]))
    chosen = got["m"][np.arange(16), Y["m"][:, 0]]
    assert logs["m_loss"] == pytest.approx(-np.mean(np.log(chosen)), rel=1e-4)
    whole = 3.0 * logs["z_loss"] + logs["m_loss"] + 0.5 * logs["b_loss"]
    assert logs["loss"] == pytest.approx(whole, rel=1e-5)


def test_output_without_a_loss_needs_only_rows() -> None:
    made = compile_model(
        {
            "z": OutputRecipe(loss="binary_crossentropy", loss_weight=2.0, metrics=["accuracy"]),
            "m": OutputRecipe(),
            "b": OutputRecipe(loss="mse"),
        }
    )
    before = copy_arrays(made)
    nothing = {**Y, "m": np.zeros((16, 1), "float32")}
    logs = evaluate(made, nothing)
    assert logs.keys() == {"loss", "z_loss", "b_loss", "z_accuracy"}
    assert logs["loss"] == pytest.approx(2.0 * logs["z_loss"] + logs["b_loss"], rel=1e-5)
    made.model.fit([X], nothing, verbose=0)
    after = copy_arrays(made)
    moved = {key for key in before if not np.array_equal(before[key], after[key])}
    assert moved == {"z/kernel", "z/bias", "b/kernel", "b/bias"}


def test_metric_names_of_one_output_have_no_prefix() -> None:
    single = graph({"x": [4]}, [node("b", layer("Dense", units=2), "x")], ["b"])
    part = OutputRecipe(
        loss=Component(type="MeanSquaredError"),
        metrics=["mse", Component(type="RootMeanSquaredError", config={"name": "far"})],
    )
    logs = evaluate(compile_model({"b": part}, single), {"b": Y["b"]})
    assert logs.keys() == {"loss", "mse", "far"}
    assert logs["far"] == pytest.approx(logs["mse"] ** 0.5, rel=1e-5)


def test_losses_reach_both_calls_of_a_shared_layer() -> None:
    """Keras's own names of these outputs are equal, so Keras would train only the first."""
    definition = graph(
        {"x": [4]},
        [node("one", "d", "x"), node("two", layer("Dense", units=4), "x"), node("c", "d", "two")],
        ["one", "c"],
        d=layer("Dense", units=2),
    )
    part = OutputRecipe(loss="mse")
    made = compile_model({"one": part, "c": part}, definition)
    before = copy_arrays(made)
    logs = made.model.fit([X], {"one": Y["b"], "c": Y["b"]}, verbose=0).history
    assert logs.keys() == {"loss", "one_loss", "c_loss"}
    assert not np.array_equal(before["two/kernel"], copy_arrays(made)["two/kernel"])


def test_optimizer_may_contain_a_schedule() -> None:
    decay: Any = {"type": "ExponentialDecay", "config": {
        "initial_learning_rate": 0.5, "decay_steps": 2, "decay_rate": 0.5,
    }}  # fmt: skip
    made = make_optimizer(Component(type="Adam", config={"learning_rate": decay, "beta_1": 0.8}))
    assert isinstance(made, keras.optimizers.Adam)
    assert made.beta_1 == 0.8
    assert float(made.learning_rate) == 0.5
    made.iterations.assign(2)
    assert float(made.learning_rate) == 0.25


def test_callbacks_are_those_of_keras() -> None:
    made = make_callback(Component(type="EarlyStopping", config={"patience": 3, "monitor": "loss"}))
    assert isinstance(made, keras.callbacks.EarlyStopping)
    assert made.patience == 3
    assert isinstance(make_callback("TerminateOnNaN"), keras.callbacks.TerminateOnNaN)


SCALING = "LossScaleOptimizer"


@pytest.mark.parametrize("name", sorted({*OPTIMIZERS.classes} - {SCALING, SCALING.lower()}))
def test_every_optimizer_is_made_by_name(name: str) -> None:
    assert isinstance(make_optimizer(name), keras.optimizers.Optimizer)


def test_an_optimizer_that_scales_the_loss_takes_another_one() -> None:
    forms: list[Any] = ["adam", {"type": "Adam"}, {"class_name": "Adam", "config": {}}]
    for inner in forms:
        made = make_optimizer(Component(type=SCALING, config={"inner_optimizer": inner}))
        assert isinstance(made, keras.optimizers.LossScaleOptimizer)
        assert isinstance(made.inner_optimizer, keras.optimizers.Adam)
    nested: Any = {"inner_optimizer": {"type": SCALING, "config": {"inner_optimizer": "adam"}}}
    number: Any = {"inner_optimizer": 3}
    for config, words in ((nested, "of another type"), (number, "a name or")):
        (fault,) = OPTIMIZERS.faults(Component(type=SCALING, config=config), ())
        assert words in fault.detail
    (fault,) = OPTIMIZERS.faults(SCALING, ())
    assert fault.detail == f"{SCALING} needs the argument 'inner_optimizer'."


def test_keras_resolves_every_bare_name() -> None:
    for name in LOSSES.names - {"crossentropy", "ce"}:
        assert callable(keras.losses.get(name)), name
    for name in METRICS.names - {"accuracy", "acc"}:
        if not METRICS.faults(name, ()):
            assert callable(keras.metrics.get(name)), name


def test_bare_name_that_needs_a_config_is_refused() -> None:
    faults = METRICS.faults("MeanIoU", ("compile", "metrics", "d"))
    assert [fault.pointer for fault in faults] == ["/compile/metrics/d"]
    assert faults[0].detail == "MeanIoU needs the argument 'num_classes'."
