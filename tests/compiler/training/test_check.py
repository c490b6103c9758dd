"""A training that cannot work, or may not be meant, is told of before it is accepted."""

from typing import Any

import keras
import numpy as np
import pytest

from compiler.training.check import TrainingCheck, check_training
from compiler.training.compile import keras_compile
from domain.check import ColumnSpec, Training
from domain.errors import MOST_FAULTS
from domain.job.recipe import Component, OutputRecipe, Recipe
from tests.compiler.graphs import build_graph, graph, layer, node
from tests.conftest import Counter

ROWS = 6
LOGITS = {"from_logits": True}


def one(units: int = 1, activation: str | None = "sigmoid") -> Any:
    config = {"units": units, **({"activation": activation} if activation else {})}
    return graph({"x": [2]}, [node("y", layer("Dense", **config), "x")], ["y"])


TWO = graph(
    {"x": [2]},
    [node("y", layer("Dense", units=1), "x"), node("z", layer("Dense", units=3), "x")],
    ["y", "z"],
)


def check(
    definition: Any,
    outputs: dict[str, OutputRecipe],
    shapes: dict[str, list[int]],
    callbacks: Any = (),
    *,
    validates: bool = True,
    optimizer: Any = "sgd",
    dtype: str = "float32",
) -> TrainingCheck:
    recipe = Recipe(optimizer=optimizer, jit_compile=False, inputs={"x": ["x"]}, outputs=outputs)
    targets = {
        name: ColumnSpec(dtype=dtype, shape=shapes[output.target])
        for name, output in outputs.items()
        if output.target in shapes
    }
    training = Training(recipe=recipe, callbacks=[*callbacks], targets=targets, validates=validates)
    return check_training(training, build_graph(definition))


def check_loss(
    loss: Any, units: int, activation: str | None, shape: list[int], dtype: str = "float32"
) -> TrainingCheck:
    output = OutputRecipe(loss=loss, target="y")
    return check(one(units, activation), {"y": output}, {"y": shape}, dtype=dtype)


def cross(name: str, **config: Any) -> Component:
    return Component(type=name, config=config)


@pytest.mark.parametrize(
    ("loss", "activation", "words"),
    [
        ("categorical_crossentropy", "sigmoid", "is constant"),
        ("categorical_crossentropy", "softmax", "always 1"),
        (cross("CategoricalCrossentropy", **LOGITS), None, "is constant"),
        ("CategoricalFocalCrossentropy", "sigmoid", "is constant"),
        ("binary_crossentropy", "softmax", "always 1"),
        ("mse", "softmax", "always 1"),
    ],
)
def test_a_constant_loss_is_refused(loss: Any, activation: str | None, words: str) -> None:
    found = check_loss(loss, 1, activation, [1])
    assert [fault.pointer for fault in found.faults] == ["/compile/loss/y"]
    assert words in found.faults[0].detail


def test_class_indices_of_one_unit_are_refused() -> None:
    found = check_loss("sparse_categorical_crossentropy", 1, "sigmoid", [], "int64")
    assert [fault.pointer for fault in found.faults] == ["/compile/loss/y"]


@pytest.mark.parametrize(
    ("loss", "units", "activation", "words"),
    [
        ("binary_crossentropy", 3, "softmax", "is a softmax of 3 classes"),
        (cross("BinaryCrossentropy", **LOGITS), 1, "sigmoid", "has the activation 'sigmoid'"),
        (cross("CategoricalCrossentropy", **LOGITS), 3, "softmax", "`from_logits: true`"),
        ("binary_crossentropy", 1, None, "has no activation"),
        ("categorical_crossentropy", 3, None, "reads probabilities"),
        ("categorical_crossentropy", 3, "relu", "has the activation 'relu'"),
        ("cosine_similarity", 1, None, "no gradient"),
        (cross("Dice", axis=1), 3, None, "reads shares from 0 to 1"),
        ("kl_divergence", 3, None, "reads shares"),
        ("poisson", 1, None, "of a negative number is NaN"),
        ("poisson", 1, "tanh", "NaN"),
        (cross("MeanSquaredError", reduction="none"), 3, None, "is not reduced"),
        (cross("MeanSquaredError", reduction=None), 3, None, "is not reduced"),
    ],
)
def test_a_doubtful_loss_has_a_warning(
    loss: Any, units: int, activation: str | None, words: str
) -> None:
    found = check_loss(loss, units, activation, [units])
    assert found.faults == []
    (warning,) = found.warnings
    assert words in warning


@pytest.mark.parametrize(
    ("loss", "units", "activation"),
    [
        ("binary_crossentropy", 1, "sigmoid"),
        ("binary_crossentropy", 3, "sigmoid"),
        ("categorical_crossentropy", 3, "softmax"),
        (cross("CategoricalCrossentropy", **LOGITS), 3, None),
        (cross("BinaryCrossentropy", **LOGITS), 1, None),
        ("mse", 1, None),
        ("mse", 3, "softmax"),
    ],
)
def test_usual_losses_have_no_warning(loss: Any, units: int, activation: str | None) -> None:
    found = check_loss(loss, units, activation, [units])
    assert (found.faults, found.warnings) == ([], [])


@pytest.mark.parametrize(
    "last",
    [
        layer("Activation", activation="softmax"),
        layer("Softmax"),
        layer("Reshape", target_shape=[3]),
        layer("Dense", units=3, activation="softmax"),
    ],
)
def test_the_activation_is_found_behind_other_layers(last: Any) -> None:
    definition = graph(
        {"x": [2]},
        [node("a", layer("Dense", units=3, activation="softmax"), "x"), node("y", last, "a")],
        ["y"],
    )
    outputs = {"y": OutputRecipe(loss="binary_crossentropy", target="y")}
    (warning,) = check(definition, outputs, {"y": [3]}).warnings
    assert "is a softmax of 3 classes" in warning


def stopping(monitor: str, type_: str = "EarlyStopping", **config: Any) -> Component:
    return Component(type=type_, config={"monitor": monitor, **config})


AUC = Component(type="AUC")
TWO_OUTPUTS = {
    "y": OutputRecipe(loss="mse", target="y", metrics=["mae"]),
    "z": OutputRecipe(
        target="z", metrics=["mae", "mae", Component(type="R2Score", config={"name": "fit"})]
    ),
}
TWO_SHAPES = {"y": [1], "z": [3]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "outputs",
    [
        TWO_OUTPUTS,
        TWO_OUTPUTS | {"z": OutputRecipe(loss="mse", target="z", metrics=["mse"])},
        {
            "y": OutputRecipe(
                loss="mse", target="y", metrics=["mae"], weighted_metrics=["mae", "mae", "mse"]
            ),
            "z": OutputRecipe(target="z", metrics=["mae"], weighted_metrics=["mae"]),
        },
        {
            "y": OutputRecipe(
                loss="mse",
                target="y",
                metrics=["auc", AUC, Component(type="Precision")],
                weighted_metrics=[AUC],
            ),
            "z": OutputRecipe(
                target="z", metrics=[AUC, Component(type="AUC", config={"name": "own"})]
            ),
        },
    ],
    ids=["one loss", "two losses", "weighted metrics", "metrics named by their class"],
)
def test_exactly_the_metrics_that_keras_reports_can_be_monitored(outputs: Any) -> None:
    keras.utils.clear_session(free_memory=False)  # a training has a process of its own
    made = build_graph(TWO)
    recipe = Recipe(optimizer="sgd", jit_compile=False, inputs={"x": ["x"]}, outputs=outputs)
    keras_compile(made.model, recipe)
    x = np.ones((ROWS, 2), "float32")
    y = {name: np.ones((ROWS, *shape), "float32") for name, shape in TWO_SHAPES.items()}
    logs = made.model.fit([x], y, validation_data=([x], y), verbose=0).history

    for monitor in logs:
        callbacks = [stopping(monitor, mode="min")]
        assert check(TWO, outputs, TWO_SHAPES, callbacks).faults == [], monitor
    (fault,) = check(TWO, outputs, TWO_SHAPES, [stopping("nothing", mode="min")]).faults
    assert fault.pointer == "/fit/callbacks/0"
    assert set(logs) == set(fault.detail.split("'")[3:-1:2]) | set()


def several(*losses: Any, **fields: Any) -> OutputRecipe:
    """The recipe of an output with several losses of equal weights."""
    parts = {"other_losses": losses[1:], "part_weights": [1.0] * len(losses)}
    return OutputRecipe.model_validate({"loss": losses[0], "target": "y", **parts, **fields})


def check_several(output: OutputRecipe, monitor: str = "loss") -> TrainingCheck:
    definition = graph({"x": [2]}, [node("y", layer("Dense", units=3), "x")], ["y"])
    return check(definition, {"y": output}, {"y": [3]}, [stopping(monitor, mode="min")])


def test_each_of_several_losses_can_be_monitored() -> None:
    output = several("mse", "mse", {"type": "Huber"})
    for monitor in ("loss", "y_mse_loss", "val_y_mse_loss_1", "y_huber_loss"):
        assert check_several(output, monitor).faults == [], monitor
    (fault,) = check_several(output, "y_loss").faults
    assert "'y_huber_loss'" in fault.detail


def test_each_of_several_losses_is_checked_at_its_place() -> None:
    found = check_several(several("mse", "msee", {"type": "Huber", "config": {"delt": 1}}))
    places = [fault.pointer for fault in found.faults]
    assert places == ["/compile/loss/y/1", "/compile/loss/y/2/config/delt"]
    found = check_several(several("mse", "categorical_crossentropy"))
    assert found.faults == []
    assert found.targets["y"].values == "share"
    assert found.targets["y"].weighting.by == "class"
    found = check_several(several("mse", "sparse_categorical_crossentropy"))
    assert [fault.pointer for fault in found.faults] == ["/compile/loss/y/1"]


def test_weights_must_fit_each_of_several_losses() -> None:
    found = check_several(several("mse", "dice", sample_weight="w"))
    assert any("different shapes" in fault for fault in found.targets["y"].faults)
    assert check_several(several("mse", "mae", sample_weight="w")).targets["y"].faults == []


def test_a_weighted_metric_that_cannot_take_weights_is_refused() -> None:
    definition = graph({"x": [4, 2]}, [node("y", layer("Dense", units=3), "x")], ["y"])
    iou = Component(type="OneHotMeanIoU", config={"num_classes": 3})
    output = OutputRecipe(loss="mse", target="y", sample_weight="w", weighted_metrics=[iou])
    (fault,) = check(definition, {"y": output}, {"y": [4, 3]}).faults
    assert fault.pointer == "/compile/weighted_metrics/y"
    assert "list it under `metrics`" in fault.detail
    unweighted = output.model_copy(update={"metrics": [iou], "weighted_metrics": []})
    assert check(definition, {"y": unweighted}, {"y": [4, 3]}).faults == []


@pytest.mark.slow
@pytest.mark.parametrize("type_", ["EarlyStopping", "ReduceLROnPlateau"])
@pytest.mark.parametrize(
    ("monitor", "words"),
    [
        ("val_acuracy", "which no metric has"),
        ("accuracy", "which no metric has"),
        ("val_y_mae", "set `mode`"),
    ],
)
def test_a_monitor_that_fails_in_training_is_refused(type_: str, monitor: str, words: str) -> None:
    (fault,) = check(TWO, TWO_OUTPUTS, TWO_SHAPES, [stopping(monitor, type_)]).faults
    assert fault.pointer == "/fit/callbacks/0"
    assert words in fault.detail


def test_metrics_of_a_single_output_have_a_direction() -> None:
    outputs = {"y": OutputRecipe(loss="mse", target="y", metrics=["mae", "accuracy"])}
    for monitor in ("loss", "val_loss", "mae", "val_mae", "accuracy"):
        assert check(one(), outputs, {"y": [1]}, [stopping(monitor)]).faults == [], monitor


def test_a_monitor_of_the_learning_rate_needs_a_callback_that_reports_it() -> None:
    outputs = {"y": OutputRecipe(loss="mse", target="y")}
    rate = stopping("learning_rate", mode="min")
    assert check(one(), outputs, {"y": [1]}, [rate]).faults != []
    assert check(one(), outputs, {"y": [1]}, ["ReduceLROnPlateau", rate]).faults == []


def test_a_plateau_beside_a_schedule_is_refused() -> None:
    decay: Any = {"type": "ExponentialDecay", "config": {
        "initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.9,
    }}  # fmt: skip
    optimizer = Component(type="Adam", config={"learning_rate": decay})
    outputs = {"y": OutputRecipe(loss="mse", target="y")}
    callbacks = ["TerminateOnNaN", stopping("loss", "ReduceLROnPlateau")]
    found = check(one(), outputs, {"y": [1]}, callbacks, optimizer=optimizer)
    assert [fault.pointer for fault in found.faults] == ["/fit/callbacks/1"]
    assert check(one(), outputs, {"y": [1]}, callbacks).faults == []


F1 = Component(type="F1Score")


def check_metric(metric: Any, units: int, shape: list[int], **options: Any) -> TrainingCheck:
    output = OutputRecipe(loss="mse", target="y", metrics=[metric])
    return check(one(units), {"y": output}, {"y": shape}, **options)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [F1, Component(type="R2Score")])
def test_a_metric_whose_shapes_cannot_fit_is_refused(metric: Component) -> None:
    output = OutputRecipe(loss="mse", target="y", metrics=[metric])
    steps = graph({"x": [5, 2]}, [node("y", layer("Dense", units=1), "x")], ["y"])
    for column in ([5], [5, 1]):
        (fault,) = check(steps, {"y": output}, {"y": column}).faults
        assert fault.pointer == "/compile/metrics/y"
        assert "2D" in fault.detail
    assert check_metric(metric, 3, [3]).faults == []
    assert check_metric(metric, 1, []).faults == []  # the training adds the target's last axis
    assert check_metric(metric, 1, [1]).faults == []


def test_a_crossentropy_of_a_single_class_is_refused() -> None:
    (fault,) = check_metric("sparse_categorical_crossentropy", 1, [], dtype="int64").faults
    assert "one number in each row" in fault.detail


GENERALIZED = Component(type="CategoricalGeneralizedCrossEntropy", config={"q": 0.5})


@pytest.mark.parametrize(
    ("units", "column", "is_refused"),
    [(3, [], False), (3, [1], True), (3, [3], True), (1, [], True), (1, [1], True)],
)
def test_the_generalized_crossentropy_takes_class_indices(
    units: int, column: list[int], is_refused: bool
) -> None:
    """Keras compares each row with all targets if they have an axis of length 1."""
    output = OutputRecipe(loss=GENERALIZED, target="y")
    columns = {"y": column}
    faults = check(one(units, "softmax"), {"y": output}, columns, dtype="int64").faults
    assert {fault.pointer for fault in faults} == ({"/compile/loss/y"} if is_refused else set())


def test_a_metric_with_several_values_cannot_be_monitored() -> None:
    (fault,) = check_metric(F1, 3, [3], callbacks=[stopping("val_f1_score")]).faults
    assert "several values" in fault.detail
    macro = Component(type="F1Score", config={"average": "macro"})
    assert check_metric(macro, 3, [3], callbacks=[stopping("val_f1_score")]).faults == []


@pytest.mark.parametrize(
    ("metric", "units", "activation", "words"),
    [
        (F1, 1, "sigmoid", "counts every row"),
        ("categorical_accuracy", 1, "sigmoid", "is constant"),
        ("accuracy", 1, None, "thresholds between 0 and 1"),
        ("AUC", 1, None, "thresholds between 0 and 1"),
    ],
)
def test_a_doubtful_metric_has_a_warning(
    metric: Any, units: int, activation: str | None, words: str
) -> None:
    output = OutputRecipe(loss="mse", target="y", metrics=[metric])
    found = check(one(units, activation), {"y": output}, {"y": [units]})
    assert found.faults == []
    (warning,) = found.warnings
    assert words in warning


def test_a_metric_that_broadcasts_is_told_of() -> None:
    sparse = OutputRecipe(loss="sparse_categorical_crossentropy", target="y", metrics=["mae"])
    found = check(one(3, "softmax"), {"y": sparse}, {"y": []}, dtype="int64")
    (warning,) = found.warnings
    assert "broadcasts the target" in warning
    alone = {
        "y": OutputRecipe(loss="mse", target="y"),
        "z": OutputRecipe(target="z", metrics=["mae"]),
    }
    (fault,) = check(TWO, alone, {"y": [1], "z": [1]}).faults
    assert fault.pointer == "/compile/metrics/z"


@pytest.mark.parametrize(
    ("loss", "units", "activation"),
    [
        (cross("Dice", axis=1), 3, "softmax"),
        ("kl_divergence", 3, "softmax"),
        ("poisson", 1, "softplus"),
        (cross("MeanSquaredError", reduction="sum"), 3, None),
    ],
)
def test_a_loss_of_the_outputs_that_it_is_for_has_no_warning(
    loss: Any, units: int, activation: str
) -> None:
    assert check_loss(loss, units, activation, [units]).warnings == []


def test_ctc_reads_logits() -> None:
    """Keras hands the output to `tf.nn.ctc_loss`, which takes logits."""
    for activation in ("softmax", "linear"):
        made = layer("Dense", units=4, activation=activation)
        definition = graph({"x": [6, 2]}, [node("y", made, "x")], ["y"])
        outputs = {"y": OutputRecipe(loss="ctc", target="y")}
        found = check(definition, outputs, {"y": [3]}, dtype="int64")
        assert found.faults == []
        assert bool(found.warnings) is (activation == "softmax")
        (labels,) = found.ranges["y"]
        assert (labels.low, labels.high, labels.is_needed) == (0, 3, True)


def test_a_loss_of_whole_numbers_is_refused() -> None:
    rounded = {"name": "y", "op": "argmax", "inputs": "a", "config": {"axis": -1}}
    definition = graph({"x": [2]}, [node("a", layer("Dense", units=3), "x"), rounded], ["y"])
    found = check(definition, {"y": OutputRecipe(loss="mse", target="y")}, {"y": []})
    (fault,) = found.faults
    assert fault.pointer == "/compile/loss/y"
    assert "has no gradient" in fault.detail


CLASSES = "sparse_categorical_crossentropy"


@pytest.mark.slow
@pytest.mark.parametrize(
    "metric",
    [
        "AUC", "Precision", "Recall", "TruePositives", "FalseNegatives",
        Component(type="AUC", config={"multi_label": True, "num_labels": 3}),
        Component(type="SensitivityAtSpecificity", config={"specificity": 0.5}),
        Component(type="PrecisionAtRecall", config={"recall": 0.5}),
        Component(type="F1Score"), Component(type="FBetaScore"), "R2Score",
        "RootMeanSquaredError", "BinaryIoU",
        Component(type="OneHotMeanIoU", config={"num_classes": 3}),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("shape", [[], [1]])
def test_metrics_that_compare_value_by_value_take_no_class_indices(
    metric: Any, shape: list[int]
) -> None:
    output = OutputRecipe(loss=CLASSES, target="y", metrics=[metric])
    found = check(one(3, "softmax"), {"y": output}, {"y": shape}, dtype="int64")
    assert [fault.pointer for fault in found.faults] == ["/compile/metrics/y"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "metric",
    [
        "AUC", "Precision", "Recall", "TruePositives",
        Component(type="AUC", config={"multi_label": True, "num_labels": 3}),
        Component(type="SpecificityAtSensitivity", config={"sensitivity": 0.5}),
        Component(type="F1Score"), "R2Score", "RootMeanSquaredError", "BinaryIoU",
        Component(type="OneHotMeanIoU", config={"num_classes": 3}),
        Component(type="TopKCategoricalAccuracy", config={"k": 2}),
    ],
    ids=str,
)  # fmt: skip
def test_metrics_that_compare_value_by_value_take_one_hot_targets(metric: Any) -> None:
    output = OutputRecipe(loss="categorical_crossentropy", target="y", metrics=[metric])
    found = check(one(3, "softmax"), {"y": output}, {"y": [3]})
    assert (found.faults, found.warnings) == ([], [])


def union(name: str = "MeanIoU", **config: Any) -> Component:
    return Component(type=name, config={"num_classes": 3, **config})


PIXELS = graph(
    {"x": [4, 6, 1]},
    [node("y", layer("Conv2D", filters=3, kernel_size=1, activation="softmax"), "x")],
    ["y"],
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "shape", "loss", "is_accepted"),
    [
        (union(sparse_y_pred=False), [4, 6], CLASSES, True),
        (union(sparse_y_pred=False), [4, 6, 1], CLASSES, True),
        (union("IoU", sparse_y_pred=False, target_class_ids=[0]), [4, 6], CLASSES, True),
        (union(), [4, 6], CLASSES, False),
        (union("OneHotMeanIoU"), [4, 6, 3], "categorical_crossentropy", True),
        (union("OneHotMeanIoU"), [4, 6], CLASSES, False),
        (union(sparse_y_pred=False), [4, 6, 3], "categorical_crossentropy", False),
        (union(sparse_y_pred=False, sparse_y_true=False), [4, 6, 3], "mse", True),
    ],
)
def test_metrics_of_unions_compare_class_by_class(
    metric: Any, shape: list[int], loss: str, is_accepted: bool
) -> None:
    output = OutputRecipe(loss=loss, target="y", metrics=[metric])
    dtype = "int64" if loss == CLASSES else "float32"
    found = check(PIXELS, {"y": output}, {"y": shape}, dtype=dtype)
    assert (found.faults == []) is is_accepted
    assert not is_accepted or found.warnings == []


def test_a_metric_of_unions_that_rounds_probabilities_has_a_warning() -> None:
    output = OutputRecipe(loss="categorical_crossentropy", target="y", metrics=[union()])
    (warning,) = check(PIXELS, {"y": output}, {"y": [4, 6, 3]}).warnings
    assert "sparse_y_pred: false" in warning


@pytest.mark.parametrize(
    ("metric", "is_constant"),
    [
        ("TopKCategoricalAccuracy", True),
        ("top_k_categorical_accuracy", True),
        (Component(type="TopKCategoricalAccuracy", config={"k": 3}), True),
        (Component(type="TopKCategoricalAccuracy", config={"k": 2}), False),
    ],
)
def test_the_largest_of_all_classes_are_always_right(metric: Any, is_constant: bool) -> None:
    import keras

    output = OutputRecipe(loss="categorical_crossentropy", target="y", metrics=[metric])
    found = check(one(3, "softmax"), {"y": output}, {"y": [3]})
    assert any("always 1" in text for text in found.warnings) is is_constant
    k = metric.config["k"] if isinstance(metric, Component) else 5
    score = keras.metrics.TopKCategoricalAccuracy(k)
    wrong = score(np.eye(3), [[0.1, 0.5, 0.4], [0.5, 0.1, 0.4], [0.5, 0.4, 0.1]])
    assert (float(wrong) == 1) is is_constant


def test_the_largest_classes_of_one_unit_are_constant() -> None:
    metric = "sparse_top_k_categorical_accuracy"
    output = OutputRecipe(loss="binary_crossentropy", target="y", metrics=[metric])
    found = check(one(1, "sigmoid"), {"y": output}, {"y": [1]})
    assert any("of one unit is constant" in text for text in found.warnings)
    assert not any("always 1" in text for text in found.warnings)


@pytest.mark.parametrize("metric", ["PearsonCorrelation", "ConcordanceCorrelation"])
@pytest.mark.parametrize(
    ("units", "axis", "is_refused"), [(1, -1, True), (1, 1, True), (1, 0, False), (3, -1, False)]
)
def test_a_correlation_of_single_values_is_refused(
    metric: str, units: int, axis: int, is_refused: bool
) -> None:
    import keras

    spec = Component(type=metric, config={"axis": axis})
    faults = check_metric(spec, units, [units]).faults
    assert [fault.pointer for fault in faults] == ["/compile/metrics/y"] * is_refused
    made = getattr(keras.metrics, metric)(axis=axis)
    random = np.random.default_rng(0)
    value = float(made(random.random((9, units)), random.random((9, units))))
    assert (not np.isfinite(value) or value == 0) is is_refused


def test_a_metric_that_counts_masked_steps_has_a_warning() -> None:
    nodes = [
        node("e", layer("Embedding", input_dim=9, output_dim=2, mask_zero=True), "x"),
        node("y", layer("Dense", units=1, activation="sigmoid"), "e"),
    ]
    definition = {
        "inputs": [{"name": "x", "shape": [5], "dtype": "int32"}], "nodes": nodes, "outputs": ["y"],
    }  # fmt: skip
    for metric, is_mean in (("accuracy", True), ("mae", True), ("AUC", False)):
        output = OutputRecipe(loss="binary_crossentropy", target="y", metrics=[metric])
        found = check(definition, {"y": output}, {"y": [5, 1]})
        assert found.faults == []
        assert found.warnings == (
            [] if is_mean else ["Metric 'AUC' counts the masked steps of output 'y', too."]
        )


@pytest.mark.parametrize("type_", ["EarlyStopping", "ReduceLROnPlateau"])
def test_an_unknown_mode_is_refused(type_: str) -> None:
    """Keras would take it as `auto`."""
    outputs = {"y": OutputRecipe(loss="mse", target="y")}
    (fault,) = check(one(), outputs, {"y": [1]}, [stopping("loss", type_, mode="maxx")]).faults
    assert fault.pointer == "/fit/callbacks/0/config/mode"
    for mode in ("auto", "min", "max"):
        assert check(one(), outputs, {"y": [1]}, [stopping("loss", type_, mode=mode)]).faults == []


def test_the_check_of_many_wrong_components_ends_at_a_hundred_faults(made_faults: Counter) -> None:
    wrong = [f"acuracy{i}" for i in range(5_000)]
    output = OutputRecipe(loss="mse", target="y", metrics=[*wrong])
    found = check(one(), {"y": output}, {"y": [1]}, callbacks=wrong)
    assert len(found.faults) == made_faults.count == MOST_FAULTS
    config = {f"wrong{i}": 1 for i in range(5_000)}
    optimizer = Component(type="SGD", config={**config})
    output = OutputRecipe(loss="mse", target="y")
    found = check(one(), {"y": output}, {"y": [1]}, optimizer=optimizer)
    assert len(found.faults) == MOST_FAULTS
    assert made_faults.count == 2 * MOST_FAULTS


def test_the_metric_accuracy_as_an_object_compares_numbers() -> None:
    """`keras.metrics.Accuracy` is not what Keras takes for the name `accuracy`."""
    for metric, is_exact in ((Component(type="Accuracy"), True), ("accuracy", False)):
        output = OutputRecipe(loss="binary_crossentropy", target="y", metrics=[metric])
        found = check(one(), {"y": output}, {"y": [1]})
        assert found.faults == []
        assert any("equal their targets exactly" in text for text in found.warnings) is is_exact
